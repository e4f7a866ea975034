"""Pooling: from the scores of a scan's slices to one score for the scan.

The maximum over slices lets the worst false alarm decide, and it grows with the number of slices.
The other poolings need evidence from more than one slice. Which one a model uses is chosen on
validation scans (:mod:`ichnet.statistics.pooling_choice`; paper silent) and stored with its
calibration.

With slice scores p_i in [0, 1] from feet to head, and w_i the millimetres that slice i stands for:

- ``mean-of-3``: the mean of the three largest p_i; of all, when there are fewer.
- ``maximum``: max p_i.
- ``over-10-mm``, ``over-15-mm``: the largest mean of p over an interval of that length along the
  scan, where p is p_i throughout slice i. With slices of 5 mm that is the mean of two or three
  neighbouring slices, with slices of 1 mm of ten or fifteen. A shorter scan is averaged as a whole.
- ``noisy-or``: 1 - exp(sum w_i log(1 - p_i) / sum w_i). Were slices independent, the product of all
  1 - p_i would be the probability that none shows a hemorrhage; its mean by length does not grow
  with the number of slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ichnet.statistics.checks import FloatArray

LARGEST_PROBABILITY = 1 - 1e-6
"""``noisy-or`` keeps slice scores below this: beyond, one slice alone would decide."""


@dataclass(frozen=True)
class Largest:
    """Mean of the ``count`` largest slice scores."""

    count: int

    def pool(self, scores: FloatArray, spacing_mm: FloatArray) -> float:
        """Return the scan's score; both arrays are [slices]."""
        return float(np.sort(scores)[-self.count :].mean())

    def __str__(self) -> str:
        if self.count == 1:
            return "largest slice score"
        return f"mean of the {self.count} largest slice scores"


@dataclass(frozen=True)
class Neighbours:
    """Largest mean of the slice scores over ``length_mm`` along the scan."""

    length_mm: float

    def pool(self, scores: FloatArray, spacing_mm: FloatArray) -> float:
        """Return the scan's score; both arrays are [slices].

        The mean over an interval that moves is piecewise linear in its place, so that it is
        largest where one of its ends meets the edge of a slice.
        """
        end = np.cumsum(spacing_mm)
        begin = end - spacing_mm
        last_start = max(end[-1] - self.length_mm, 0.0)
        start = np.clip(np.concatenate([begin, end - self.length_mm]), 0.0, last_start)[:, None]
        overlap_mm = np.minimum(start + self.length_mm, end) - np.maximum(start, begin)
        weights = np.maximum(overlap_mm, 0.0)  # [2 * slices, slices]
        return float((weights @ scores / weights.sum(axis=1)).max())

    def __str__(self) -> str:
        return f"largest mean slice score over {self.length_mm:g} mm of neighbouring slices"


@dataclass(frozen=True)
class NoisyOr:
    """One minus the geometric mean, by length, of one minus the slice scores."""

    def pool(self, scores: FloatArray, spacing_mm: FloatArray) -> float:
        """Return the scan's score; both arrays are [slices]."""
        log_none = np.log1p(-np.minimum(scores, LARGEST_PROBABILITY))
        return float(-np.expm1(np.average(log_none, weights=spacing_mm)))

    def __str__(self) -> str:
        return "noisy-or of all slice scores, per slice by its thickness"


Pooling = Largest | Neighbours | NoisyOr

POOLINGS: dict[str, Pooling] = {
    "mean-of-3": Largest(3),
    "maximum": Largest(1),
    "over-10-mm": Neighbours(10.0),
    "over-15-mm": Neighbours(15.0),
    "noisy-or": NoisyOr(),
}
"""By name, the preferred first: where validation cannot tell, the earlier one is taken.

A false alarm is mostly seen on one slice, a hemorrhage on several: on the real scans of
docs/embedded.md the mean of three was above the maximum for each model that was tried.
"""


def scan_score(slice_scores: ArrayLike, spacing_mm: ArrayLike, pooling: str) -> float:
    """Return a scan's score, in [0, 1].

    Args:
        slice_scores: [slices], each in [0, 1], from feet to head.
        spacing_mm: [slices], the length along the normal that each slice stands for.
        pooling: one of :data:`POOLINGS`.

    Raises:
        ValueError: for no slices, a score that is not a number (it would vanish in a maximum),
            or spacings of another number or not above 0.
        KeyError: for an unknown pooling.

    Examples:
        Three slices of 5 mm; 10 mm are two of them:

        >>> scan_score([0.9, 0.1, 0.7], [5, 5, 5], "maximum")
        0.9
        >>> round(scan_score([0.9, 0.1, 0.7], [5, 5, 5], "over-10-mm"), 3)
        0.5
    """
    scores = np.asarray(slice_scores, dtype=np.float64)
    lengths_mm = np.asarray(spacing_mm, dtype=np.float64)
    if scores.size == 0:
        raise ValueError("a scan without slices has no score")
    if np.isnan(scores).any():
        raise ValueError(f"{np.isnan(scores).sum()} of {scores.size} slice scores are not numbers")
    if lengths_mm.shape != scores.shape or not (lengths_mm > 0).all():
        raise ValueError(f"{scores.size} slices need a spacing above 0 mm each, not {lengths_mm}")
    # a weighted mean of ones can come out just above one
    return min(max(POOLINGS[pooling].pool(scores, lengths_mm), 0.0), 1.0)
