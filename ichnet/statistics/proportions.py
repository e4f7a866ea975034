"""Intervals of a proportion, and McNemar's test of two paired proportions."""

from __future__ import annotations

from typing import Literal

from scipy.special import chdtrc

from ichnet.statistics.interval import Interval, normal_quantile

# scipy.stats takes a second to import: within the functions, so that --help does not wait for it


def proportion_interval(
    successes: int,
    total: int,
    confidence_level: float = 0.95,
    method: Literal["clopper-pearson", "wilson"] = "clopper-pearson",
) -> Interval:
    """Return a proportion with its interval.

    Args:
        successes: e.g. the hemorrhages that were found.
        total: e.g. all hemorrhages.
        confidence_level: nominal coverage.
        method: Clopper and Pearson's is exact (covers at least ``confidence_level``); Wilson's
            is shorter and covers ``confidence_level`` on average.

    Raises:
        ValueError: when ``total`` is zero or ``successes`` is not in 0..total.
    """
    from scipy.stats import binomtest

    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is not a proportion")
    normal_quantile(confidence_level)
    found = binomtest(int(successes), int(total)).proportion_ci(
        confidence_level, "exact" if method == "clopper-pearson" else method
    )
    return Interval(successes / total, float(found.low), float(found.high), confidence_level)


def mcnemar_test(
    only_a: int, only_b: int, method: Literal["exact", "mid-p", "chi2"] = "exact"
) -> float:
    """Return the two-sided p of equal proportions in pairs.

    Args:
        only_a: pairs in which only the first was right.
        only_b: pairs in which only the second was right. Pairs that agree do not enter the test.
        method: the exact binomial test; the mid-p test, which counts half the probability of the
            observed result (less conservative); or chi-squared without continuity correction.

    Raises:
        ValueError: when a count is negative.

    Reference:
        Fagerland MW, Lydersen S, Laake P. BMC Medical Research Methodology 2013;13:91.
    """
    from scipy.stats import binom

    discordant = only_a + only_b
    if min(only_a, only_b) < 0:
        raise ValueError(f"counts cannot be negative: {only_a}, {only_b}")
    if discordant == 0:
        return 1.0
    if method == "chi2":
        return float(chdtrc(1, (only_a - only_b) ** 2 / discordant))
    fewer = min(only_a, only_b)
    p = 2 * float(binom.cdf(fewer, discordant, 0.5))
    if method == "mid-p":
        p -= float(binom.pmf(fewer, discordant, 0.5))
    return min(p, 1.0)
