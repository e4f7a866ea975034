"""An estimate with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtri


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval.

    Attributes:
        value: the estimate.
        low, high: ends of the interval.
        level: its nominal coverage, e.g. 0.95.
    """

    value: float
    low: float
    high: float
    level: float


def normal_quantile(level: float) -> float:
    """Return how many standard errors reach from the middle to the ends: 1.96 for 0.95.

    Raises:
        ValueError: when ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, {level:g} does not")
    return float(ndtri((1 + level) / 2))
