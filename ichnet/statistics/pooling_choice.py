"""The choice of a model's pooling (from slice scores to a scan score), by validation AUC.

Reference:
    Breiman L et al. Classification and regression trees. Wadsworth 1984, section 3.4.3 (the
    simplest within one standard error of the best).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ichnet.statistics.checks import FloatArray
from ichnet.statistics.delong import delong_interval, delong_test


@dataclass(frozen=True)
class PoolingAuc:
    """AUC of the validation scans with one pooling, and DeLong's 95 % interval of it."""

    pooling: str
    auc: float
    low: float
    high: float


def auc_by_pooling(scores: Mapping[str, FloatArray], truth: ArrayLike) -> tuple[PoolingAuc, ...]:
    """Return the AUC of each pooling.

    Args:
        scores: scan scores [scans] by pooling.
        truth: [scans], 0 or 1.

    Raises:
        ValueError: for fewer than two scans with, or without, hemorrhage.
    """
    intervals = {name: delong_interval(truth, score) for name, score in scores.items()}
    return tuple(PoolingAuc(name, i.value, i.low, i.high) for name, i in intervals.items())


def choose_pooling(scores: Mapping[str, FloatArray], truth: ArrayLike) -> str:
    """Return the simplest pooling whose AUC is not distinguishable from the best one.

    The difference of the two AUCs may be at most one standard error of it, by DeLong on the same
    scans.

    Args:
        scores: scan scores [scans] by pooling, the preferred pooling first.
        truth: [scans], 0 or 1.

    Raises:
        ValueError: for fewer than two scans with, or without, hemorrhage.
    """
    found = {one.pooling: one.auc for one in auc_by_pooling(scores, truth)}
    best = max(found, key=found.__getitem__)
    for name, score in scores.items():
        behind = delong_test(truth, scores[best], score)
        if behind.difference <= behind.standard_error:
            return name
    return best
