"""DeLong's test of a million units, and bootstrap intervals of slices drawn by scan.

DeLong's test is timed against Sun and Xu's algorithm as it is usually copied, with a Python loop
over the ties; the bootstrap against a loop that draws scans and calls scikit-learn, timed on fewer
replicates and scaled. Both ways of a pair must give the same answer.

    pip install --constraint constraints.txt --editable '.[benchmark]'
    python benchmarks/delong_bootstrap.py

The last line is one JSON object.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import recall_score, roc_auc_score

from ichnet.statistics.bootstrap import bootstrap_interval
from ichnet.statistics.delong import delong_test
from ichnet.statistics.weighted import Auc, Sensitivity, Specificity, WeightedStatistic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNITS, ROUNDS = 1_000_000, 5
SLICES, SCANS = 45_300, 986
REPLICATES, LOOP_REPLICATES = 500, 20
THRESHOLD = 0.5


class Slices(NamedTuple):
    """Slices of scans, [SLICES] each."""

    ich: Bools
    probability: Floats
    scan: NDArray[np.str_]


def main() -> None:
    """Time each way in turns and print medians."""
    rng = np.random.default_rng(0)
    result: dict[str, float] = {}

    print(f"DeLong's test of two scores, {UNITS:,} units, median of {ROUNDS} rounds")
    positive, a, b = two_scores(rng)
    distinct = compare_delong(positive, a, b)
    print_pair("all distinct", "ichnet", "as usually copied", distinct)
    rounded = compare_delong(positive, a.round(3), b.round(3))
    print_pair("three decimals", "ichnet", "as usually copied", rounded)
    result["delong_million_seconds"] = round(distinct[0], 3)
    result["delong_speedup"] = round(distinct[1] / distinct[0], 2)
    result["delong_rounded_speedup"] = round(rounded[1] / rounded[0], 2)

    print(
        f"AUC, sensitivity and specificity, {REPLICATES} bootstrap replicates of {SLICES:,} slices "
        f"by {SCANS} scans;\nscikit-learn timed on {LOOP_REPLICATES} replicates, "
        f"times {REPLICATES // LOOP_REPLICATES}"
    )
    bootstrap = compare_bootstrap(draw_slices(rng))
    print_pair("by scan", "ichnet", "scikit-learn loop", bootstrap)
    result["bootstrap_speedup"] = round(bootstrap[1] / bootstrap[0], 1)
    print(json.dumps(result))


def two_scores(rng: np.random.Generator) -> tuple[Bools, Floats, Floats]:
    """Return a class and two correlated probabilities of it; three in ten units are positive."""
    positive = rng.random(UNITS) < 0.3
    common = rng.normal(positive, 1)
    a, b = (1 / (1 + np.exp(-(common + rng.normal(0, 0.5, UNITS)))) for _ in range(2))
    return positive, a, b


def draw_slices(rng: np.random.Generator) -> Slices:
    """Return slices of which those of one scan are alike; half of the scans have hemorrhage."""
    scan = np.sort(np.append(np.arange(SCANS), rng.integers(SCANS, size=SLICES - SCANS)))
    has_ich = np.arange(SCANS) % 2 == 0
    ich = has_ich[scan] & (rng.random(SLICES) < 0.35)
    logit = 2.5 * ich - 1 + rng.normal(0, 0.7, SCANS)[scan] + rng.normal(0, 1, SLICES)
    names = np.char.add("scan-", scan.astype(np.str_))
    return Slices(ich, 1 / (1 + np.exp(-logit)), names)


def compare_delong(positive: Bools, a: Floats, b: Floats) -> tuple[float, float]:
    """Return the seconds of our test and of the usual copy.

    Raises:
        RuntimeError: when their differences or standard errors are not the same.
    """
    ours, theirs, seconds = in_turns(
        lambda: delong_test(positive, a, b), lambda: copied_delong(positive, a, b), ROUNDS
    )
    must_agree((ours.difference, ours.standard_error), theirs)
    return seconds


def compare_bootstrap(slices: Slices) -> tuple[float, float]:
    """Return the seconds of all replicates by us and by a loop over scikit-learn.

    Raises:
        RuntimeError: when the three values on the slices themselves are not the same.
    """
    ours, theirs, (fast, slow) = in_turns(
        lambda: our_bootstrap(slices), lambda: looped_bootstrap(slices, LOOP_REPLICATES), ROUNDS
    )
    must_agree(ours, theirs)
    return fast, slow * REPLICATES / LOOP_REPLICATES


def our_bootstrap(slices: Slices) -> tuple[float, ...]:
    """Return the three values, each made with its interval."""
    statistics: tuple[WeightedStatistic, ...] = (
        Auc(),
        Sensitivity(THRESHOLD),
        Specificity(THRESHOLD),
    )
    return tuple(
        bootstrap_interval(
            statistic,
            slices.ich,
            slices.probability,
            groups=slices.scan,
            replicates=REPLICATES,
            seed=0,
        ).value
        for statistic in statistics
    )


def looped_bootstrap(slices: Slices, replicates: int) -> tuple[float, ...]:
    """Draw scans with and without hemorrhage apart and measure their slices with scikit-learn."""
    rng = np.random.default_rng(0)
    names, number = np.unique(slices.scan, return_inverse=True)
    of_scan = np.split(np.argsort(number, kind="stable"), np.bincount(number).cumsum()[:-1])
    any_ich = np.bincount(number, weights=slices.ich, minlength=len(names)) > 0
    strata = [np.flatnonzero(any_ich), np.flatnonzero(~any_ich)]
    drawn = []
    for _ in range(replicates):
        scans = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        units = np.concatenate([of_scan[scan] for scan in scans])
        drawn.append(measured(slices.ich[units], slices.probability[units]))
    np.quantile(drawn, [0.025, 0.975], axis=0)
    return measured(slices.ich, slices.probability)


def measured(ich: Bools, probability: Floats) -> tuple[float, ...]:
    """Return AUC, sensitivity and specificity by scikit-learn."""
    decision = probability >= THRESHOLD
    return (
        float(roc_auc_score(ich, probability)),
        float(recall_score(ich, decision)),
        float(recall_score(ich, decision, pos_label=False)),
    )


def copied_delong(positive: Bools, a: Floats, b: Floats) -> tuple[float, float]:
    """Return the difference of two AUCs and its standard error, and compute p, as usually copied.

    Reference:
        Sun X, Xu W. IEEE Signal Processing Letters 2014;21:1389-1393.
    """
    order = np.argsort(~positive, kind="stable")
    scores = np.vstack([a, b])[:, order]
    m, n = int(positive.sum()), int((~positive).sum())
    of_positives = np.vstack([midranks(score[:m]) for score in scores])
    of_negatives = np.vstack([midranks(score[m:]) for score in scores])
    of_all = np.vstack([midranks(score) for score in scores])
    aucs = of_all[:, :m].sum(axis=1) / m / n - (m + 1) / 2 / n
    v01 = (of_all[:, :m] - of_positives) / n
    v10 = 1 - (of_all[:, m:] - of_negatives) / m
    covariance = np.cov(v01) / m + np.cov(v10) / n
    contrast = np.array([1, -1])
    difference = float(contrast @ aucs)
    standard_error = math.sqrt(contrast @ covariance @ contrast)
    2 * norm.sf(abs(difference) / standard_error)
    return difference, standard_error


def midranks(values: Floats) -> Floats:
    """Return ranks from 1, the mean of theirs for equal values; a Python loop over the ties."""
    order = np.argsort(values)
    ascending = values[order]
    size = len(values)
    ranks = np.zeros(size)
    i = 0
    while i < size:
        j = i
        while j < size and ascending[j] == ascending[i]:
            j += 1
        ranks[i:j] = 0.5 * (i + j - 1)
        i = j
    result = np.empty(size)
    result[order] = ranks + 1
    return result


def in_turns(
    one: Callable[[], Any], other: Callable[[], Any], rounds: int
) -> tuple[Any, Any, tuple[float, float]]:
    """Return what two ways give and each one's median seconds, run in turns."""
    ways = (one, other)
    results: list[Any] = [None, None]
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for index, way in enumerate(ways):
            start = time.perf_counter()
            results[index] = way()
            seconds[index].append(time.perf_counter() - start)
    return results[0], results[1], (median(seconds[0]), median(seconds[1]))


def must_agree(ours: tuple[float, ...], theirs: tuple[float, ...]) -> None:
    """Stop when two ways differ: a faster wrong answer is no gain.

    Raises:
        RuntimeError: when a number differs by more than rounding.
    """
    if not np.allclose(ours, theirs, rtol=1e-9, atol=1e-12):
        raise RuntimeError(f"the ways differ: {ours} and {theirs}")


def print_pair(what: str, one: str, other: str, seconds: tuple[float, float]) -> None:
    """Print two times and their ratio."""
    fast, slow = seconds
    print(f"  {what:15} {one} {fast:8.3f} s   {other} {slow:8.3f} s   {slow / fast:6.1f} times")


if __name__ == "__main__":
    main()
