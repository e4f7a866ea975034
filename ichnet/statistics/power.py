"""How many scans, and how many trainings, a comparison of two AUCs needs.

Variances are Hanley and McNeil's; under no difference both AUCs are their mean. Where models are
trained several times, the spread of their differences comes on top, and the test is that of
:mod:`ichnet.statistics.crossed`.

References:
    Hanley JA, McNeil BJ. Radiology 1983;148:839-843.
    Hillis SL, Obuchowski NA, Berbaum KS. Academic Radiology 2011;18:129-142.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import nctdtr, ndtr, stdtrit

from ichnet.statistics.crossed import hillis_degrees_of_freedom
from ichnet.statistics.hanley_mcneil import hanley_mcneil_standard_error
from ichnet.statistics.interval import normal_quantile

MOST_POSITIVES = 10**9
MOST_POSITIVES_CROSSED = 10**5
"""More scans than any cohort has."""


@dataclass(frozen=True)
class SampleSize:
    """The smallest number of units that reaches a power, and the power that it has."""

    positives: int
    negatives: int
    power: float


def auc_difference_power(
    auc_a: float,
    auc_b: float,
    positives: int,
    negatives: int,
    correlation: float = 0.0,
    alpha: float = 0.05,
) -> float:
    """Return the chance that a two-sided test finds the difference of two AUCs.

    Args:
        auc_a: true AUC of the first score.
        auc_b: of the second.
        positives: units with the finding.
        negatives: units without.
        correlation: of the two estimated AUCs: 0 for different units; on the same units it is
            about that of the scores within a class.
        alpha: two-sided level of the test.

    Raises:
        ValueError: for values outside their range, or an AUC whose variance is zero.
    """
    error = math.sqrt(_difference_variance(auc_a, auc_b, positives, negatives, correlation))
    middle = hanley_mcneil_standard_error((auc_a + auc_b) / 2, positives, negatives)
    null_error = middle * math.sqrt(2 * (1 - correlation))
    if error == 0:
        raise ValueError("the variance of the difference is zero: no power to compute")
    critical = normal_quantile(1 - alpha) * null_error
    difference = abs(auc_a - auc_b)
    return float(ndtr((difference - critical) / error) + ndtr((-difference - critical) / error))


def auc_difference_sample_size(
    auc_a: float,
    auc_b: float,
    power: float = 0.8,
    negatives_per_positive: float = 1.0,
    correlation: float = 0.0,
    alpha: float = 0.05,
) -> SampleSize:
    """Return how many units find the difference of two AUCs with this power.

    Args:
        auc_a: true AUC of the first score.
        auc_b: of the second.
        power: the chance to find the difference, e.g. 0.8.
        negatives_per_positive: negatives are rounded up.
        correlation: of the two estimated AUCs (see :func:`auc_difference_power`).
        alpha: two-sided level of the test.

    Raises:
        ValueError: for equal AUCs or values outside their range.
    """
    if auc_a == auc_b:
        raise ValueError("equal AUCs: no number of units finds a difference")
    if not alpha < power < 1:
        raise ValueError(f"power lies between alpha ({alpha:g}) and 1, {power:g} does not")
    if negatives_per_positive <= 0:
        raise ValueError(f"{negatives_per_positive:g} negatives per positive")

    def reached(positives: int) -> float:
        negatives = math.ceil(positives * negatives_per_positive)
        return auc_difference_power(auc_a, auc_b, positives, negatives, correlation, alpha)

    positives = _smallest(reached, power, MOST_POSITIVES)
    if positives is None:
        raise ValueError("more than a thousand million positive units would be needed")
    return SampleSize(positives, math.ceil(positives * negatives_per_positive), reached(positives))


def crossed_difference_power(
    auc_a: float,
    auc_b: float,
    positives: int,
    negatives: int,
    trainings: int,
    training_sd: float,
    correlation: float = 0.0,
    alpha: float = 0.05,
) -> float:
    """Return the chance that the crossed analysis finds the difference of two AUCs.

    The error that comes of the scans is taken to be the same in all trainings, so that more
    trainings do not lessen it: this errs to the side of caution.

    Args:
        auc_a: mean true AUC of the first model over all possible trainings.
        auc_b: of the second.
        positives: scans with the finding.
        negatives: scans without.
        trainings: of each model, on the same data with other seeds.
        training_sd: standard deviation of the true difference between trainings.
        correlation: of the two estimated AUCs of one training.
        alpha: two-sided level of the test.

    Raises:
        ValueError: for values outside their range, or fewer than two trainings.
    """
    if trainings < 2 or training_sd <= 0:
        raise ValueError("two trainings or more are needed, and a spread of theirs above zero")
    of_scans = _difference_variance(auc_a, auc_b, positives, negatives, correlation)
    of_trainings = training_sd**2 / trainings
    freedom = hillis_degrees_of_freedom(of_trainings, of_scans, trainings)
    critical = float(stdtrit(freedom, 1 - alpha / 2))
    shift = abs(auc_a - auc_b) / math.sqrt(of_trainings + of_scans)
    return float(1 - nctdtr(freedom, shift, critical) + nctdtr(freedom, shift, -critical))


def crossed_difference_positives(
    auc_a: float,
    auc_b: float,
    negatives: int,
    trainings: int,
    training_sd: float,
    correlation: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int | None:
    """Return how many scans with the finding reach a power beside so many without.

    See :func:`crossed_difference_power`. ``None`` when no number does: then trainings or negatives
    are too few.
    """

    def reached(positives: int) -> float:
        return crossed_difference_power(
            auc_a, auc_b, positives, negatives, trainings, training_sd, correlation, alpha
        )

    return _smallest(reached, power, MOST_POSITIVES_CROSSED)


def _difference_variance(
    auc_a: float, auc_b: float, positives: int, negatives: int, correlation: float
) -> float:
    """Return the variance of the difference of two estimated AUCs."""
    if not -1 < correlation < 1:
        raise ValueError(f"a correlation of AUCs lies between -1 and 1, {correlation:g} does not")
    a = hanley_mcneil_standard_error(auc_a, positives, negatives)
    b = hanley_mcneil_standard_error(auc_b, positives, negatives)
    return a**2 + b**2 - 2 * correlation * a * b


def _smallest(reached: Callable[[int], float], power: float, most: int) -> int | None:
    """Return the smallest number that reaches a power, which grows with it; ``None`` above most."""
    low, high = 0, 1  # double, then halve the gap
    while reached(high) < power:
        low, high = high, 2 * high
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return high
