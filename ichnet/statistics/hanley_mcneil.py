"""Hanley and McNeil's standard error of an AUC, from the AUC and the counts alone.

For published AUCs and for planning; where the scores are at hand, DeLong's method is better.

Reference:
    Hanley JA, McNeil BJ. Radiology 1982;143:29-36.
"""

from __future__ import annotations

import math

from ichnet.statistics.interval import Interval, normal_quantile


def hanley_mcneil_standard_error(auc: float, positives: int, negatives: int) -> float:
    """Return the standard error of an AUC, given the number of units of each class.

    Raises:
        ValueError: when ``auc`` is not in [0, 1] or a class is empty.
    """
    if not 0 <= auc <= 1:
        raise ValueError(f"an AUC lies in [0, 1], {auc:g} does not")
    if min(positives, negatives) < 1:
        raise ValueError(f"{positives} positive and {negatives} negative units: one of each needed")
    # two positives score above one negative, and one positive above two negatives
    both_above = auc / (2 - auc)
    above_both = 2 * auc**2 / (1 + auc)
    variance = (
        auc * (1 - auc)
        + (positives - 1) * (both_above - auc**2)
        + (negatives - 1) * (above_both - auc**2)
    ) / (positives * negatives)
    return math.sqrt(variance)


def hanley_mcneil_interval(
    auc: float, positives: int, negatives: int, confidence_level: float = 0.95
) -> Interval:
    """Return ``auc`` with the interval made from its standard error, clipped to [0, 1]."""
    reach = normal_quantile(confidence_level) * hanley_mcneil_standard_error(
        auc, positives, negatives
    )
    return Interval(auc, max(auc - reach, 0.0), min(auc + reach, 1.0), confidence_level)
