"""DeLong's interval of an AUC, and test of two AUCs on the same units.

The variance is that of the placements (structural components): for a positive unit the share of
negatives that score lower, for a negative unit the share of positives that score higher, ties
counting one half. They come from one sort, as in Sun and Xu's fast algorithm.

Units are taken to be independent: scans, not the slices of a scan.

References:
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845.
    Sun X, Xu W. IEEE Signal Processing Letters 2014;21:1389-1393.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ichnet.statistics.checks import BoolArray, FloatArray, paired_scores, two_classes
from ichnet.statistics.interval import Interval, normal_quantile
from ichnet.statistics.roc import ties


@dataclass(frozen=True)
class DelongInterval(Interval):
    """An AUC with DeLong's standard error and the interval made from it, within [0, 1]."""

    standard_error: float


@dataclass(frozen=True)
class DelongTest:
    """Two AUCs on the same units, compared.

    Attributes:
        auc_a, auc_b: the areas.
        difference: ``auc_a - auc_b``.
        standard_error: of the difference, the correlation of the two accounted for.
        low, high: ends of the difference's interval, not clipped.
        confidence_level: nominal coverage of that interval.
        z: difference over standard error.
        p: two-sided.
    """

    auc_a: float
    auc_b: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence_level: float
    z: float
    p: float


def delong_interval(
    truth: ArrayLike, score: ArrayLike, confidence_level: float = 0.95
) -> DelongInterval:
    """Return the AUC with DeLong's interval.

    Args:
        truth: [units], 0 or 1.
        score: [units], higher for more suspicious.
        confidence_level: nominal coverage.

    Raises:
        ValueError: for fewer than two units in a class (their variance is not defined), NaN, or
            lengths that differ.

    Examples:
        >>> auc = delong_interval([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.3, 0.8, 0.9])
        >>> print(f"{auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})")
        0.78 (0.29 to 1.00)
    """
    positive = two_classes(truth, least=2)
    placed = placements(positive, paired_scores(positive, score))
    auc = _mean_of(positive, placed)
    standard_error = _standard_error(positive, placed)
    reach = normal_quantile(confidence_level) * standard_error
    return DelongInterval(
        auc, max(auc - reach, 0.0), min(auc + reach, 1.0), confidence_level, standard_error
    )


def delong_test(
    truth: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, confidence_level: float = 0.95
) -> DelongTest:
    """Test whether two scores of the same units have the same AUC.

    Scores that rank all pairs of a positive and a negative alike give z = 0 and p = 1. When the
    AUCs differ and the estimated variance is zero (both separate the classes in full, in opposite
    directions) z is infinite and p = 0, as the formula says.

    Args:
        truth: [units], 0 or 1.
        score_a: [units], higher for more suspicious.
        score_b: [units], likewise.
        confidence_level: nominal coverage of the difference's interval.

    Raises:
        ValueError: for fewer than two units in a class, NaN, or lengths that differ.

    Examples:
        >>> truth = [0, 0, 0, 1, 1, 1]
        >>> strong, weak = [0.1, 0.4, 0.35, 0.3, 0.8, 0.9], [0.2, 0.6, 0.5, 0.3, 0.55, 0.7]
        >>> test = delong_test(truth, strong, weak)
        >>> print(f"{test.auc_a:.2f} against {test.auc_b:.2f}, p = {test.p:.2f}")
        0.78 against 0.67, p = 0.48
    """
    positive = two_classes(truth, least=2)
    a = placements(positive, paired_scores(positive, score_a, "score_a"))
    b = placements(positive, paired_scores(positive, score_b, "score_b"))
    # the variance of the differences, not a sum of variances and covariances: never below zero,
    # and exactly zero for scores of one ranking
    difference = _mean_of(positive, a - b)
    standard_error = _standard_error(positive, a - b)
    if standard_error > 0:
        z = difference / standard_error
    else:
        z = math.copysign(math.inf, difference) if difference else 0.0
    reach = normal_quantile(confidence_level) * standard_error
    return DelongTest(
        auc_a=_mean_of(positive, a),
        auc_b=_mean_of(positive, b),
        difference=difference,
        standard_error=standard_error,
        low=difference - reach,
        high=difference + reach,
        confidence_level=confidence_level,
        z=z,
        p=float(2 * ndtr(-abs(z))),
    )


def placements(positive: BoolArray, score: FloatArray) -> FloatArray:
    """Return each unit's share of the other class on its right side, [units]."""
    blocks = ties(positive, score)
    positives_above = blocks.positives.sum() - blocks.positives.cumsum()
    negatives_below = blocks.negatives.cumsum() - blocks.negatives
    of_positive = (negatives_below + blocks.negatives / 2) / blocks.negatives.sum()
    of_negative = (positives_above + blocks.positives / 2) / blocks.positives.sum()
    size = blocks.positives + blocks.negatives
    placed = np.empty(len(score))
    placed[blocks.order] = np.where(
        positive[blocks.order], np.repeat(of_positive, size), np.repeat(of_negative, size)
    )
    return placed


def _mean_of(positive: BoolArray, placed: FloatArray) -> float:
    return float(placed[positive].mean())


def _standard_error(positive: BoolArray, placed: FloatArray) -> float:
    parts = (placed[positive], placed[~positive])
    return math.sqrt(sum(float(part.var(ddof=1)) / len(part) for part in parts))
