"""Lesions by hand, distances against all pairs of surface voxels."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.lesions import (
    Matching,
    dice,
    froc_point,
    hausdorff95_mm,
    match_lesions,
)

VOXEL_ML = np.array([0.5, 1.0, 2.0])


def masks() -> tuple[np.ndarray, np.ndarray]:
    """Three lesions: two voxels over a corner (found), one (missed), three in a row (found)."""
    truth = np.zeros((3, 6, 6), bool)
    truth[0, 0, 0] = truth[1, 1, 1] = True
    truth[0, 5, 5] = True
    truth[2, 0, 3:6] = True
    predicted = np.zeros_like(truth)
    predicted[1, 1, 1:3] = True
    predicted[2, 0, 3] = predicted[2, 1, 3] = True
    predicted[2, 5, 0] = predicted[0, 3, 3] = True
    return truth, predicted


def test_matching_by_hand():
    matching = match_lesions(*masks(), VOXEL_ML)
    assert matching.volumes_ml == (1.5, 0.5, 6.0)
    assert matching.found == (True, False, True)
    assert matching.false_positives == 2


def test_dice_by_hand():
    """Both: 1 + 2 mL; truth 8 mL; predicted 2 + 4 + 2 + 0.5 mL."""
    assert dice(*masks(), VOXEL_ML) == pytest.approx(2 * 3 / (8 + 8.5))
    nothing = np.zeros((3, 6, 6), bool)
    assert np.isnan(dice(nothing, nothing, VOXEL_ML))
    assert dice(masks()[0], nothing, VOXEL_ML) == 0


def test_nothing_predicted_finds_nothing():
    truth, _ = masks()
    matching = match_lesions(truth, np.zeros_like(truth), VOXEL_ML)
    assert (matching.found, matching.false_positives) == ((False,) * 3, 0)
    assert match_lesions(np.zeros_like(truth), truth, VOXEL_ML) == Matching((), (), 3)


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match="disagree"):
        match_lesions(np.zeros((2, 3, 3), bool), np.zeros((2, 3, 4), bool), VOXEL_ML[:2])


def brute_force(truth: np.ndarray, predicted: np.ndarray, spacing: np.ndarray) -> float:
    """Over all pairs of voxels with a neighbour by face outside."""

    def surface(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        inner = np.ones_like(mask)
        for axis in range(3):
            for step in (-1, 1):
                inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
        return np.argwhere(mask & ~inner) * spacing

    one, two = surface(truth), surface(predicted)
    apart = np.linalg.norm(one[:, None] - two[None], axis=-1)
    return max(float(np.percentile(apart.min(axis), 95)) for axis in (0, 1))


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.mgrid[:6, :12, :12], axis=-1)
    centres = rng.uniform((2, 4, 4), (4, 8, 8), (2, 3))
    truth, predicted = (np.linalg.norm((grid - c) * [1.5, 1, 1], axis=-1) < 3 for c in centres)
    spacing = np.array([5.0, 0.5, 0.7])
    found = hausdorff95_mm(truth, predicted, spacing.tolist())
    assert found == pytest.approx(brute_force(truth, predicted, spacing), rel=1e-9)


def test_a_line_shifted_by_three_columns():
    """Either way: 0 for four voxels, then 2, 4 and 6 mm, of which the 95th percentile is 5.4."""
    truth = np.zeros((1, 9, 20), bool)
    truth[0, 4, 2:9] = True
    assert hausdorff95_mm(truth, np.roll(truth, 3, axis=2), (5, 1, 2)) == pytest.approx(5.4)
    assert hausdorff95_mm(truth, truth, (5, 1, 2)) == 0
    assert np.isnan(hausdorff95_mm(truth, np.zeros_like(truth), (5, 1, 2)))


def test_the_larger_of_the_two_directions_counts():
    """Truth: a line of 10 voxels. Predicted: the same and one voxel 5 rows of 4 mm away.

    From the truth all distances are 0. To it they are ten times 0 and once 20 mm, of which the
    95th percentile lies in the middle between the last two: 10 mm. Pooled it would be 0.
    """
    truth = np.zeros((1, 6, 10), bool)
    truth[0, 0] = True
    predicted = truth.copy()
    predicted[0, 5, 0] = True
    assert hausdorff95_mm(truth, predicted, (5, 4, 1)) == 10
    assert hausdorff95_mm(predicted, truth, (5, 4, 1)) == 10


def test_froc_by_hand():
    scans = [
        Matching((1.0, 2.0), (True, False), 1),
        Matching((), (), 2),
        Matching((3.0,), (True,), 0),
    ]
    point = froc_point(0.4, scans)
    assert (point.threshold, point.recall, point.false_positives_per_scan) == (0.4, 2 / 3, 1.0)
    with pytest.raises(ValueError, match="1 scans hold no lesion"):
        froc_point(0.4, [Matching((), (), 2)])
