"""Bootstrap intervals: within each class, by patient, the same draws for every model.

A replicate is stored as one count for each unit: how often it was drawn. Statistics that can be
    computed from counts (:mod:`ichnet.statistics.weighted`, and
    :func:`~ichnet.statistics.roc.roc_auc`) are; any other function gets the drawn units as arrays.

Reference:
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall, 1993, chapters 13, 14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ichnet.statistics.checks import BoolArray, FloatArray, paired, two_classes
from ichnet.statistics.interval import Interval, normal_quantile
from ichnet.statistics.roc import roc_auc
from ichnet.statistics.weighted import Auc, Counts, OfCounts, WeightedStatistic

Statistic = Callable[..., float] | WeightedStatistic
"""``statistic(truth, *scores)``, or one that works on counts."""


@dataclass(frozen=True)
class BootstrapInterval(Interval):
    """A statistic with its bootstrap interval.

    Attributes:
        method: ``percentile`` or ``bca``.
        replicates: number of replicates drawn.
        discarded: replicates without a finite value; the interval is made from the others.
    """

    method: str
    replicates: int
    discarded: int


def bootstrap_interval(
    statistic: Statistic,
    truth: ArrayLike,
    *scores: ArrayLike,
    groups: ArrayLike | None = None,
    replicates: int = 500,
    seed: int,
    method: Literal["percentile", "bca"] = "percentile",
    confidence_level: float = 0.95,
) -> BootstrapInterval:
    """Return a statistic of ``truth`` and ``scores`` with its bootstrap interval.

    Without groups the positive and the negative units are drawn apart, so that every replicate
    has as many of each as the data. With groups (patients, when units are slices) whole groups
    are drawn: those with any positive unit and those with none apart.

    The draws depend on ``truth``, ``groups`` and ``seed`` alone: calls that differ in the scores
    are paired, replicate by replicate.

    Args:
        statistic: a function of (truth, score, ...) that does not depend on the units' order, or
            a :class:`~ichnet.statistics.weighted.WeightedStatistic`.
        truth: [units], 0 or 1; the statistic receives it as booleans.
        *scores: [units] each, numbers or decisions, in their own type.
        groups: [units], the group of each unit, e.g. its patient; ``None`` to draw every unit by
            itself.
        replicates: number of replicates; the paper draws 500.
        seed: of the draws.
        method: ``percentile``, or ``bca``: corrected for bias, and for the change of the
            spread with the value, for which the statistic is also computed without each
            unit (or group) in turn.
        confidence_level: nominal coverage.

    Raises:
        ValueError: for one class only, NaN, lengths that differ, a unit without a group, a
            statistic that is not defined on the data or on two replicates at least, or BCa when
            the value lies outside all replicates.

    Examples:
        >>> from ichnet.statistics import roc_auc
        >>> truth, score = [0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.3, 0.8, 0.9]
        >>> auc = bootstrap_interval(roc_auc, truth, score, replicates=500, seed=1)
        >>> print(f"{auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})")
        0.78 (0.33 to 1.00)
    """
    positive = two_classes(truth)
    arrays = [paired(positive, score) for score in scores]
    tail = (1 - confidence_level) / 2
    normal_quantile(confidence_level)
    clusters = _Clusters.of(positive, groups)
    of_counts = _prepared(statistic, positive, arrays)

    value = of_counts(np.ones(len(positive), np.int64))
    if not np.isfinite(value):
        raise ValueError(f"the statistic is {value} on the data itself")
    drawn = np.array([of_counts(c) for c in clusters.draws(replicates, seed)], dtype=np.float64)
    finite = drawn[np.isfinite(drawn)]
    if len(finite) < 2:
        raise ValueError(f"the statistic is defined on {len(finite)} of {replicates} replicates")
    if method == "percentile":
        ends = np.array([tail, 1 - tail])
    else:
        ends = _bca_ends(
            value, finite, [_left_out(of_counts, s) for s in clusters.left_out()], tail
        )
    low, high = np.quantile(finite, ends)
    discarded = replicates - len(finite)
    return BootstrapInterval(
        value, float(low), float(high), confidence_level, method, replicates, discarded
    )


def mean_interval(
    values: ArrayLike,
    groups: ArrayLike,
    replicates: int = 500,
    *,
    seed: int,
    confidence_level: float = 0.95,
) -> BootstrapInterval:
    """Return the mean with its percentile bootstrap interval, resampling whole groups.

    Args:
        values: [units].
        groups: [units], e.g. the patient of each slice.
        replicates: number of replicates.
        seed: of the random draws.
        confidence_level: nominal coverage.

    Raises:
        ValueError: without values, for NaN, or for a unit without a group.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers) or np.isnan(numbers).any():
        raise ValueError(f"a mean of {len(numbers)} values, {np.isnan(numbers).sum()} of them NaN")
    of_unit = _numbered(groups, len(numbers))
    sums, sizes = np.bincount(of_unit, weights=numbers), np.bincount(of_unit)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=replicates)
    drawn = (times @ sums) / (times @ sizes)
    low, high = np.quantile(drawn, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    return BootstrapInterval(
        float(numbers.mean()),
        float(low),
        float(high),
        confidence_level,
        "percentile",
        replicates,
        0,
    )


@dataclass(frozen=True)
class _Clusters:
    """What is resampled: the cluster of each unit, and the clusters of each stratum."""

    of_unit: NDArray[np.int64]
    strata: list[NDArray[np.int64]]

    @classmethod
    def of(cls, positive: BoolArray, groups: ArrayLike | None) -> _Clusters:
        """Number the clusters; each class, or kind of patient, is a stratum."""
        units = len(positive)
        of_unit = np.arange(units) if groups is None else _numbered(groups, units)
        any_positive = np.bincount(of_unit, weights=positive) > 0
        strata = [np.flatnonzero(any_positive), np.flatnonzero(~any_positive)]
        return cls(of_unit, [stratum for stratum in strata if len(stratum)])

    def draws(self, replicates: int, seed: int) -> Iterator[Counts]:
        """Yield how often each unit is drawn, as often as its cluster, [units]."""
        rng = np.random.default_rng(seed)
        times = np.empty(sum(map(len, self.strata)), np.int64)
        for _ in range(replicates):
            for stratum in self.strata:
                chosen = rng.integers(len(stratum), size=len(stratum))
                times[stratum] = np.bincount(chosen, minlength=len(stratum))
            yield times[self.of_unit]

    def left_out(self) -> Iterator[Iterator[Counts]]:
        """Yield for each stratum the counts without each of its clusters in turn."""
        times = np.ones(sum(map(len, self.strata)), np.int64)

        def without_each(stratum: NDArray[np.int64]) -> Iterator[Counts]:
            for cluster in stratum:
                times[cluster] = 0
                yield times[self.of_unit]
                times[cluster] = 1

        return (without_each(stratum) for stratum in self.strata)


def _numbered(groups: ArrayLike, units: int) -> NDArray[np.int64]:
    """Return the groups' numbers in order of appearance, [units]."""
    names = np.asarray(groups).tolist()
    if len(names) != units:
        raise ValueError(f"{len(names)} groups for {units} units")
    missing = sum(name is None or name == "" or name != name for name in names)
    if missing:
        raise ValueError(f"{missing} of {units} units have no group")
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _prepared(statistic: Statistic, positive: BoolArray, scores: Sequence[Any]) -> OfCounts:
    """Return the statistic as a function of counts, NaN where a class was not drawn."""
    if statistic is roc_auc:
        statistic = Auc()
    if isinstance(statistic, WeightedStatistic):
        return statistic.prepare(positive, *scores)
    units = np.arange(len(positive))

    def of_arrays(counts: Counts) -> float:
        drawn = np.repeat(units, counts)
        truth = positive[drawn]
        if truth.all() or not truth.any():
            return float("nan")
        return float(statistic(truth, *(score[drawn] for score in scores)))

    return of_arrays


def _left_out(of_counts: OfCounts, counts: Iterator[Counts]) -> FloatArray:
    return np.array([of_counts(c) for c in counts], dtype=np.float64)


def _bca_ends(
    value: float, drawn: FloatArray, left_out: Sequence[FloatArray], tail: float
) -> FloatArray:
    """Return the two quantiles of the replicates that BCa takes in place of the tails."""
    below = ((drawn < value).mean() + (drawn <= value).mean()) / 2
    if not 0 < below < 1:
        raise ValueError("BCa is not defined: the value lies outside all replicates")
    bias = ndtri(below)
    acceleration = _acceleration(left_out)
    z = bias + ndtri(np.array([tail, 1 - tail]))
    return np.asarray(ndtr(bias + z / (1 - acceleration * z)), dtype=np.float64)


def _acceleration(left_out: Sequence[FloatArray]) -> float:
    """Return BCa's acceleration: one sixth of the influences' skewness, over all strata."""
    cubes = squares = 0.0
    for values in left_out:
        size = len(values)
        if not np.isfinite(values).all():
            raise ValueError("BCa is not defined: a unit is the only one of its kind")
        influence = (size - 1) * (values.mean() - values)
        cubes += float((influence**3).sum()) / size**3
        squares += float((influence**2).sum()) / size**2
    return cubes / squares**1.5 / 6 if squares > 0 else 0.0
