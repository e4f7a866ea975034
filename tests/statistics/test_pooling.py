"""Each way from slices to a scan, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.pooling import POOLINGS, scan_score

FIVE_MM = [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("maximum", 0.9),
        ("mean-of-3", (0.9 + 0.1 + 0.7) / 3),
        ("over-10-mm", (0.9 + 0.1) / 2),
        ("over-15-mm", (0.9 + 0.1 + 0.7) / 3),
        ("noisy-or", 1 - (0.1 * 0.9 * 0.3) ** (1 / 3)),
    ],
)
def test_three_slices_of_5_mm(pooling, expected):
    assert scan_score([0.9, 0.1, 0.7], FIVE_MM, pooling) == pytest.approx(expected)


def test_the_largest_need_not_be_neighbours():
    scores = [0.8, 0.0, 0.7, 0.0, 0.6]
    assert scan_score(scores, [5] * 5, "mean-of-3") == pytest.approx(0.7)
    assert scan_score(scores, [5] * 5, "over-15-mm") == pytest.approx(1.5 / 3)
    assert scan_score(scores, [5] * 5, "over-10-mm") == pytest.approx(0.4)


def test_neighbours_are_counted_by_their_thickness():
    # 10 mm from the feet: 4, 4 and half of 4; from the head: half of 4, 4 and 4
    assert scan_score([0.9, 0.1, 0.7], [4, 4, 4], "over-10-mm") == pytest.approx(0.54)
    assert scan_score([0.7, 0.1, 0.9], [4, 4, 4], "over-10-mm") == pytest.approx(0.54)
    # a thick slice alone is 10 mm
    assert scan_score([0.9, 0.8, 0.1], [2, 12, 4], "over-10-mm") == pytest.approx(0.82)
    # ten thin slices are what two thick ones are
    thin, thick = np.repeat([0.2, 0.9, 0.5, 0.1], 5), [0.2, 0.9, 0.5, 0.1]
    for pooling in ("over-10-mm", "over-15-mm", "noisy-or"):
        assert scan_score(thin, np.ones(20), pooling) == pytest.approx(
            scan_score(thick, np.full(4, 5.0), pooling)
        )


def test_noisy_or_weighs_by_thickness():
    # (1/2)^(10/15) (1/4)^(5/15) = 2^(-4/3)
    assert scan_score([0.5, 0.75], [10, 5], "noisy-or") == pytest.approx(1 - 2 ** (-4 / 3))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_one_slice_is_its_own_score_and_two_are_enough(pooling):
    assert scan_score(np.array([0.25], np.float32), [5], pooling) == pytest.approx(0.25)
    two = scan_score([0.25, 0.5], [2.5, 2.5], pooling)
    expected = {"maximum": 0.5, "noisy-or": 1 - np.sqrt(0.75 * 0.5)}.get(pooling, 0.375)
    assert two == pytest.approx(expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_scores_stay_between_0_and_1_and_keep_no_order_but_neighbours(pooling):
    for value in (0.0, 1.0):
        score = scan_score([value] * 7, np.linspace(0.6, 7.3, 7), pooling)
        assert 0 <= score <= 1
        assert score == pytest.approx(value, abs=1.1e-6)
    rng = np.random.default_rng(3)
    scores, spacing_mm = rng.random(20), rng.uniform(1, 6, 20)
    head_first = scan_score(scores[::-1], spacing_mm[::-1], pooling)
    assert scan_score(scores, spacing_mm, pooling) == pytest.approx(head_first)


def test_the_best_interval_is_found_among_all():
    """Against a search in steps of a hundredth of a millimetre."""
    rng = np.random.default_rng(5)
    spacing_mm = rng.integers(50, 700, 12) / 100
    scores = rng.random(12)
    fine = np.repeat(scores, np.round(spacing_mm * 100).astype(int))
    sums = np.cumsum(np.concatenate([[0], fine]))
    expected = (sums[1000:] - sums[:-1000]).max() / 1000
    assert scan_score(scores, spacing_mm, "over-10-mm") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "spacing_mm", "message"),
    [
        ([], [], "without slices"),
        ([0.1, np.nan, np.nan], FIVE_MM, "2 of 3 slice scores are not numbers"),
        ([0.1, 0.2], FIVE_MM, "2 slices need a spacing above 0 mm each"),
        ([0.1, 0.2], [5, 0], "2 slices need a spacing above 0 mm each"),
        ([0.1, 0.2], [5, np.nan], "2 slices need a spacing above 0 mm each"),
    ],
)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_scans_that_cannot_be_scored_are_refused(scores, spacing_mm, message, pooling):
    with pytest.raises(ValueError, match=message):
        scan_score(scores, spacing_mm, pooling)
