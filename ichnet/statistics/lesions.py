"""Lesions of a scan as 3-D components: detected ones, false positives, Dice, HD95, FROC.

Reference:
    Maier-Hein L et al. Metrics reloaded. Nature Methods 2024;21:195-212.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

TOUCHING = np.ones((3, 3, 3), bool)
"""Voxels that share a face, an edge or a corner belong to one lesion."""


@dataclass(frozen=True)
class Matching:
    """The true lesions of a scan, matched with the predicted ones.

    Attributes:
        volumes_ml: of each true lesion.
        found: whether any of its voxels was predicted.
        false_positives: predicted components that touch no true voxel.
    """

    volumes_ml: tuple[float, ...]
    found: tuple[bool, ...]
    false_positives: int


def match_lesions(truth: Mask, predicted: Mask, voxel_ml: NDArray[np.float64]) -> Matching:
    """Match components by overlap.

    Args:
        truth: bool [slices, rows, columns].
        predicted: bool, of the same shape.
        voxel_ml: volume of a voxel of each slice, [slices].

    Raises:
        ValueError: when the shapes differ.
    """
    if truth.shape != predicted.shape or len(voxel_ml) != len(truth):
        raise ValueError(f"shapes {truth.shape}, {predicted.shape} and {voxel_ml.shape} disagree")
    box = _box(truth | predicted)
    truth, predicted, voxel_ml = truth[box], predicted[box], voxel_ml[box[0]]
    lesions, count = ndimage.label(truth, TOUCHING)
    candidates, candidate_count = ndimage.label(predicted, TOUCHING)
    of_voxels = voxel_ml[np.nonzero(truth)[0]]
    volumes = np.bincount(lesions[truth], weights=of_voxels, minlength=count + 1)
    hit = np.unique(lesions[predicted])
    true_candidates = np.unique(candidates[truth & predicted])
    return Matching(
        volumes_ml=tuple(volumes[1:].tolist()),
        found=tuple(bool(index in hit) for index in range(1, count + 1)),
        false_positives=candidate_count - len(true_candidates),
    )


def dice(truth: Mask, predicted: Mask, voxel_ml: NDArray[np.float64]) -> float:
    """Return the Dice coefficient of two volumes; NaN when both are empty.

    Args:
        truth: bool [slices, rows, columns].
        predicted: bool, of the same shape.
        voxel_ml: volume of a voxel of each slice, [slices].
    """
    both, one, other = (
        float((mask.sum(axis=(1, 2)) * voxel_ml).sum())
        for mask in (truth & predicted, truth, predicted)
    )
    return 2 * both / (one + other) if one + other else float("nan")


def hausdorff95_mm(truth: Mask, predicted: Mask, spacing_mm: Sequence[float]) -> float:
    """Return HD95: the larger of the two directed 95th percentiles of surface distances.

    The percentile is taken in each direction by itself. With the distances of both directions
    pooled, the surface with more voxels would dominate and could hide how far away the other lies.

    Args:
        truth: bool [slices, rows, columns].
        predicted: bool, of the same shape.
        spacing_mm: between slices, rows, columns.

    Returns:
        Millimetres; NaN when either mask is empty.
    """
    if not truth.any() or not predicted.any():
        return float("nan")
    box = _box(truth | predicted)
    truth, predicted = truth[box], predicted[box]
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, predicted)]
    directed = []
    for surface, other in (surfaces, surfaces[::-1]):
        to_other = ndimage.distance_transform_edt(~other, sampling=spacing_mm)
        directed.append(float(np.percentile(to_other[surface], 95)))
    return max(directed)


def _box(mask: Mask) -> tuple[slice, ...]:
    """Return the smallest box that holds all of a mask; an empty one for an empty mask."""
    found = ndimage.find_objects(mask.view(np.uint8))
    return found[0] if found else (slice(0, 0),) * mask.ndim


@dataclass(frozen=True)
class FrocPoint:
    """One point of a free-response ROC (FROC) curve.

    Attributes:
        threshold: voxels above it are predicted.
        recall: share of all lesions that are found.
        false_positives_per_scan: mean number of false components.
    """

    threshold: float
    recall: float
    false_positives_per_scan: float


def froc_point(threshold: float, matchings: Sequence[Matching]) -> FrocPoint:
    """Return the point of a free-response ROC curve from all scans' matchings at a threshold.

    Raises:
        ValueError: without a scan or without a lesion.
    """
    found = [one for matching in matchings for one in matching.found]
    if not found:
        raise ValueError(f"{len(matchings)} scans hold no lesion")
    false = sum(matching.false_positives for matching in matchings)
    return FrocPoint(threshold, float(np.mean(found)), false / len(matchings))
