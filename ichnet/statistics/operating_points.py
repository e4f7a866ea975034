"""Decisions at a threshold, and thresholds chosen from data.

A unit is called positive when its score is at least the threshold, everywhere. A threshold that
is chosen on the units it is then judged on is optimistic: choose it on validation data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ichnet.statistics.checks import binary, paired_scores, two_classes
from ichnet.statistics.roc import ties


@dataclass(frozen=True)
class OperatingPoint:
    """Counts of decisions at a threshold; a share is NaN when its denominator is 0."""

    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def sensitivity(self) -> float:
        """Share of positive units that are called positive."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def specificity(self) -> float:
        """Share of negative units that are not called positive."""
        return _share(self.true_negatives, self.false_positives)

    @property
    def accuracy(self) -> float:
        """Share of all units with a correct decision."""
        return _share(
            self.true_positives + self.true_negatives, self.false_positives + self.false_negatives
        )

    @property
    def positive_predictive_value(self) -> float:
        """Share of units called positive that are positive, at the prevalence of the data."""
        return _share(self.true_positives, self.false_positives)

    @property
    def negative_predictive_value(self) -> float:
        """Share of units not called positive that are negative, at the prevalence of the data."""
        return _share(self.true_negatives, self.false_negatives)


def operating_point(truth: ArrayLike, score: ArrayLike, threshold: float) -> OperatingPoint:
    """Count the decisions at a threshold.

    Args:
        truth: [units], 0 or 1.
        score: [units].
        threshold: units from this score up are called positive.

    Raises:
        ValueError: for NaN or lengths that differ. One class is enough.
    """
    positive = binary(truth)
    called = paired_scores(positive, score) >= threshold
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    return OperatingPoint(
        threshold=float(threshold),
        true_positives=int((called & positive).sum()),
        false_positives=int((called & ~positive).sum()),
        true_negatives=int((~called & ~positive).sum()),
        false_negatives=int((~called & positive).sum()),
    )


def matched_sensitivity_threshold(truth: ArrayLike, score: ArrayLike, sensitivity: float) -> float:
    """Return the highest threshold that has at least this sensitivity.

    For comparing the specificity of models at one sensitivity.

    Args:
        truth: [units], 0 or 1.
        score: [units].
        sensitivity: above 0, at most 1.

    Raises:
        ValueError: for one class only, NaN, lengths that differ, or an impossible sensitivity.
    """
    positive = two_classes(truth)
    scores = paired_scores(positive, score)
    if not 0 < sensitivity <= 1:
        raise ValueError(f"a sensitivity to match lies in (0, 1], {sensitivity:g} does not")
    descending = np.sort(scores[positive])[::-1]
    # 0.55 of 100 is 55, although 0.55 * 100 is a little more
    needed = math.ceil(sensitivity * len(descending) * (1 - 1e-12))
    return float(descending[needed - 1])


def youden_threshold(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1.

    Of several, the lowest: a missed hemorrhage is worse than a false alarm (paper silent).

    Raises:
        ValueError: for one class only, NaN, or lengths that differ.
    """
    positive = two_classes(truth)
    scores = paired_scores(positive, score)
    blocks = ties(positive, scores)
    missed = blocks.positives.cumsum() - blocks.positives
    rejected = blocks.negatives.cumsum() - blocks.negatives
    # Youden's index times positives times negatives, in whole numbers, so that ties are exact
    index = rejected * blocks.positives.sum() - missed * blocks.negatives.sum()
    return float(scores[blocks.order[blocks.start[index.argmax()]]])


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else math.nan
