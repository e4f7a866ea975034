"""Which way from slices to a scan a model takes: chosen on validation scans, by AUC.

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
    """What one pooling makes of the validation scans: AUC with DeLong's 95 % interval."""

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
    """Return the first pooling that falls short of the best by no more than can be told.

    That is one standard error of the difference of their AUCs, by DeLong on the same scans.

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
