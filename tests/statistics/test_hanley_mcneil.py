from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.delong import delong_interval
from ichnet.statistics.hanley_mcneil import hanley_mcneil_interval, hanley_mcneil_standard_error


def test_hand_computed():
    # AUC .5, 2 of each: Q1 = Q2 = 1/3; (.25 + (1/3 - .25) + (1/3 - .25)) / 4
    assert hanley_mcneil_standard_error(0.5, 2, 2) ** 2 == pytest.approx((0.25 + 1 / 6) / 4)
    # Q1 = .8/1.2 = 2/3, Q2 = 1.28/1.8 = 32/45; (.16 + 2 * 2/75 + 4 * 16/225) / 15
    variance = (0.16 + 2 * (2 / 3 - 0.64) + 4 * (32 / 45 - 0.64)) / 15
    assert hanley_mcneil_standard_error(0.8, 3, 5) ** 2 == pytest.approx(variance)


def test_is_that_of_exponential_scores():
    """The formula is exact for exponential scores, for which DeLong's converges to it."""
    rng = np.random.default_rng(0)
    truth = np.arange(40_000) < 20_000
    score = rng.exponential(size=40_000) * np.where(truth, 3, 1)  # AUC 3/4
    delong = delong_interval(truth, score)
    assert delong.standard_error == pytest.approx(
        hanley_mcneil_standard_error(0.75, 20_000, 20_000), rel=0.02
    )


@pytest.mark.parametrize("auc", [0, 1])
def test_a_perfect_area_has_no_error(auc):
    interval = hanley_mcneil_interval(auc, 5, 5)
    assert (interval.low, interval.high) == (auc, auc)


def test_interval():
    interval = hanley_mcneil_interval(0.5, 2, 2)
    assert (interval.low, interval.high) == (0, 1)
    error = hanley_mcneil_standard_error(0.77, 487, 499)
    interval = hanley_mcneil_interval(0.77, 487, 499, confidence_level=0.9)
    assert interval.high == pytest.approx(0.77 + 1.6448536269514722 * error)


@pytest.mark.parametrize(("auc", "positives", "negatives"), [(1.1, 5, 5), (0.8, 0, 5), (0.8, 5, 0)])
def test_refused(auc, positives, negatives):
    with pytest.raises(ValueError, match=r"AUC|one of each"):
        hanley_mcneil_standard_error(auc, positives, negatives)
