from __future__ import annotations

import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from ichnet.statistics.proportions import mcnemar_test, proportion_interval

COUNTS = [(0, 10), (10, 10), (3, 10), (483, 492), (1, 1)]


@pytest.mark.parametrize(("successes", "total"), COUNTS)
@pytest.mark.parametrize(("method", "theirs"), [("clopper-pearson", "beta"), ("wilson", "wilson")])
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_equals_statsmodels(successes, total, method, theirs, level):
    ours = proportion_interval(successes, total, level, method)
    low, high = proportion_confint(successes, total, 1 - level, theirs)
    assert ours.value == successes / total
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)


def test_by_hand():
    # nothing of 10: the upper end solves (1 - p)^10 = 0.025
    interval = proportion_interval(0, 10)
    assert (interval.low, interval.high) == pytest.approx((0, 1 - 0.025**0.1))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_exact_coverage_of_both_methods(share):
    """Without simulation: the chance of every count of 40, summed where the interval holds."""
    chances = binom.pmf(range(41), 40, share)
    covered = {
        method: sum(
            chance
            for successes, chance in enumerate(chances)
            if (found := proportion_interval(successes, 40, method=method)).low
            <= share
            <= found.high
        )
        for method in ("clopper-pearson", "wilson")
    }
    assert covered["clopper-pearson"] >= 0.95
    assert covered["wilson"] == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_mcnemar_rejects_the_null_no_more_often_than_it_says(share):
    """Of 60 pairs a share disagrees, either way alike: exact type I error of the exact test."""
    error = sum(
        binom.pmf(discordant, 60, share) * binom.pmf(only_a, discordant, 0.5)
        for discordant in range(61)
        for only_a in range(discordant + 1)
        if mcnemar_test(only_a, discordant - only_a) < 0.05
    )
    assert 0 < error <= 0.05


@pytest.mark.parametrize(("successes", "total"), [(0, 0), (3, 2), (-1, 2)])
def test_no_proportion(successes, total):
    with pytest.raises(ValueError, match="not a proportion"):
        proportion_interval(successes, total)


def test_no_such_method():
    with pytest.raises(ValueError, match="method"):
        proportion_interval(1, 2, method="wald")  # type: ignore[arg-type]


@pytest.mark.parametrize(("b", "c"), [(2, 9), (9, 2), (5, 5), (0, 3), (40, 25)])
def test_mcnemar_equals_statsmodels(b, c):
    table = [[100, b], [c, 50]]
    exact = statsmodels_mcnemar(table, exact=True).pvalue
    chi2 = statsmodels_mcnemar(table, exact=False, correction=False).pvalue
    assert mcnemar_test(b, c) == pytest.approx(exact, abs=1e-12)
    assert mcnemar_test(b, c, "chi2") == pytest.approx(chi2, abs=1e-12)


def test_mcnemar_by_hand():
    assert mcnemar_test(0, 3) == 2 / 8
    assert mcnemar_test(0, 3, "mid-p") == pytest.approx(2 / 8 - 1 / 8)
    assert mcnemar_test(1, 1, "mid-p") == pytest.approx(1)
    for method in ("exact", "mid-p", "chi2"):
        assert mcnemar_test(0, 0, method) == 1  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        mcnemar_test(-1, 2)
