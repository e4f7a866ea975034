"""What the paper's tables hold, and what a printed number leaves open."""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtr

from ichnet.paper import PrintedNumber

NETWORKS = ("DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19")
ARMS = ("rsna-weak", "aihub-weak", "aihub-strong")
ENSEMBLES = ("basic", "sdh", "sah", "small", "all")
SUBSETS = {"All": 492, "SDH": 43, "SAH": 117}
NORMAL = 494
SUBTYPES = ("EDH", "IPH", "IVH", "SAH", "SDH")
HALF_UNIT = 0.0005 + 1e-9
"""Of three printed decimals."""


def successes(share: float, total: int) -> list[int]:
    """Counts of ``total`` that print as ``share``."""
    return [k for k in range(total + 1) if abs(k / total - share) <= HALF_UNIT]


def units_of_width(number: PrintedNumber) -> float:
    """Units for which a proportion's interval is as wide as printed."""
    value, low, high = number.values
    return value * (1 - value) / ((high - low) / 3.92) ** 2


def misfit(number: PrintedNumber, total: int) -> float:
    """How far Clopper and Pearson's ends are from the printed ones, at the best unrounded value."""
    value, low, high = number.values
    best = math.inf
    for step in range(-50, 51):
        hits = (value + step * 1e-5) * total
        ends = betaincinv(hits, total - hits + 1, 0.025), betaincinv(hits + 1, total - hits, 0.975)
        best = min(best, max(abs(ends[0] - low), abs(ends[1] - high)))
    return best


def p_range(difference: float, standard_error: float) -> tuple[float, float]:
    """Smallest and largest two-sided p that the rounding of both leaves open."""
    largest = abs(difference) + 2 * HALF_UNIT
    smallest = max(abs(difference) - 2 * HALF_UNIT, 0.0)
    half = 0.00005
    return (
        2 * float(ndtr(-largest / (standard_error - half))),
        2 * float(ndtr(-smallest / (standard_error + half))),
    )
