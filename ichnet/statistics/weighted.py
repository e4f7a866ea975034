"""Statistics computed from how often each unit was drawn, without resampled arrays.

Scores are sorted and thresholds applied once; a bootstrap replicate is then a few sums over the
counts, tens of times faster than drawing arrays and sorting them again. A statistic may return
NaN where it is not defined (no unit of a class was drawn).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ichnet.statistics.checks import BoolArray, paired_scores

Counts = NDArray[np.int64]
"""How often each unit was drawn, [units]."""

OfCounts = Callable[[Counts], float]


@runtime_checkable
class WeightedStatistic(Protocol):
    """A statistic that can be computed from counts of how often each unit was drawn."""

    def prepare(self, truth: BoolArray, *scores: ArrayLike) -> OfCounts:
        """Return the statistic of these units as a function of how often each was drawn."""


@dataclass(frozen=True)
class Auc:
    """The area under the ROC curve of one score."""

    def prepare(self, truth: BoolArray, *scores: ArrayLike) -> OfCounts:
        """Sort once; a replicate then sums how many negatives were drawn below each positive."""
        (score,) = (paired_scores(truth, values) for values in scores)
        positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
        negatives = negatives[np.argsort(score[negatives])]
        positives = positives[np.argsort(score[positives])]
        below = np.searchsorted(score[negatives], score[positives], side="left")
        up_to = np.searchsorted(score[negatives], score[positives], side="right")

        def auc(counts: Counts) -> float:
            of_positive = counts[positives]
            drawn = np.append(0, counts[negatives].cumsum())
            pairs = int(of_positive.sum()) * int(drawn[-1])
            if pairs == 0:
                return float("nan")
            return float(of_positive @ (drawn[below] + drawn[up_to])) / (2 * pairs)

        return auc


@dataclass(frozen=True)
class AucDifference:
    """The area of the first score minus that of the second."""

    def prepare(self, truth: BoolArray, *scores: ArrayLike) -> OfCounts:
        """Prepare both areas."""
        a, b = (Auc().prepare(truth, score) for score in scores)
        return lambda counts: a(counts) - b(counts)


@dataclass(frozen=True)
class Sensitivity:
    """The share of positive units with a score of at least ``threshold``.

    Decisions (booleans) are scores as well: 0.5 leaves them as they are.
    """

    threshold: float = 0.5

    def prepare(self, truth: BoolArray, *scores: ArrayLike) -> OfCounts:
        """Apply the threshold."""
        (score,) = (paired_scores(truth, values) for values in scores)
        return _share(np.flatnonzero(truth), score >= self.threshold)


@dataclass(frozen=True)
class Specificity:
    """The share of negative units with a score below ``threshold``."""

    threshold: float = 0.5

    def prepare(self, truth: BoolArray, *scores: ArrayLike) -> OfCounts:
        """Apply the threshold."""
        (score,) = (paired_scores(truth, values) for values in scores)
        return _share(np.flatnonzero(~truth), score < self.threshold)


def _share(units: NDArray[np.int64], right: BoolArray) -> OfCounts:
    """Return the share of ``units`` that are right, as a function of counts."""
    right_units = units[right[units]]

    def share(counts: Counts) -> float:
        drawn = int(counts[units].sum())
        return int(counts[right_units].sum()) / drawn if drawn else float("nan")

    return share
