"""DeLong's test of a million units, and bootstrap intervals of slices drawn by scan.

DeLong's test is timed against MLstatkit's, Sun and Xu's algorithm with a Python loop over the ties;
the bootstrap against a loop that draws scans and calls scikit-learn, timed on fewer replicates and
scaled, since no package draws whole groups. Both ways of a pair must give the same answer.

    pip install --constraint constraints.txt --editable '.[benchmark]'
    python benchmarks/statistics.py

The last line is one JSON object. This file's name hides Python's ``statistics`` from everything
that runs in this folder, so nothing here imports that.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from MLstatkit import Delong_test
from numpy.typing import NDArray
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
    print_pair("all distinct", "ichnet", "MLstatkit", distinct)
    rounded = compare_delong(positive, a.round(3), b.round(3))
    print_pair("three decimals", "ichnet", "MLstatkit", rounded)
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
    """Return the seconds of our test and of MLstatkit's.

    Raises:
        RuntimeError: when their differences or standard errors are not the same.
    """
    ours, theirs, seconds = in_turns(
        lambda: delong_test(positive, a, b), lambda: package_delong(positive, a, b), ROUNDS
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


def package_delong(positive: Bools, a: Floats, b: Floats) -> tuple[float, float]:
    """Return the difference of two AUCs and its standard error, by the package."""
    *_, auc_a, auc_b, info = Delong_test(positive, a, b)
    if info["method"] != "delong":
        raise RuntimeError(f"MLstatkit answered by {info['method']}")
    return auc_a - auc_b, math.sqrt(info["var_diff"])


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
    return results[0], results[1], (float(np.median(seconds[0])), float(np.median(seconds[1])))


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
