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
        confidence_level: its nominal coverage, e.g. 0.95.
    """

    value: float
    low: float
    high: float
    confidence_level: float


def normal_quantile(confidence_level: float) -> float:
    """Return the half-width of a normal interval in standard errors, e.g. 1.96 for 0.95.

    Raises:
        ValueError: when ``confidence_level`` is not between 0 and 1.
    """
    if not 0 < confidence_level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, {confidence_level:g} does not")
    return float(ndtri((1 + confidence_level) / 2))
