from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from ichnet.statistics.crossed import crossed_auc_difference
from ichnet.statistics.delong import delong_test
from ichnet.statistics.hanley_mcneil import hanley_mcneil_standard_error
from ichnet.statistics.power import (
    auc_difference_power,
    auc_difference_sample_size,
    crossed_difference_positives,
    crossed_difference_power,
)


def test_by_hand():
    # z of the difference under each hypothesis, 100 of each class
    null = math.sqrt(2) * hanley_mcneil_standard_error(0.85, 100, 100)
    error = math.hypot(
        hanley_mcneil_standard_error(0.8, 100, 100), hanley_mcneil_standard_error(0.9, 100, 100)
    )
    expected = norm.sf((1.959963984540054 * null - 0.1) / error)
    assert auc_difference_power(0.8, 0.9, 100, 100) == pytest.approx(expected, abs=1e-5)


def test_without_a_difference_it_is_alpha():
    assert auc_difference_power(0.8, 0.8, 50, 70, correlation=0.4) == pytest.approx(0.05)
    assert auc_difference_power(0.8, 0.8, 50, 70, alpha=0.01) == pytest.approx(0.01)


@pytest.mark.parametrize(("ratio", "correlation"), [(1, 0), (1, 0.6), (2.5, 0.3), (0.4, 0)])
def test_the_sample_is_the_smallest(ratio, correlation):
    size = auc_difference_sample_size(0.93, 0.95, 0.8, ratio, correlation)
    assert size.negatives == math.ceil(size.positives * ratio)
    assert size.power >= 0.8
    fewer = size.positives - 1
    assert auc_difference_power(0.93, 0.95, fewer, math.ceil(fewer * ratio), correlation) < 0.8


def test_order_does_not_matter_and_pairing_helps():
    alone = auc_difference_sample_size(0.95, 0.93)
    assert alone == auc_difference_sample_size(0.93, 0.95)
    assert auc_difference_sample_size(0.93, 0.95, correlation=0.5).positives < alone.positives


def test_power_of_delong_on_different_and_on_the_same_units():
    """1,500 simulated tests of exponential scores (AUC .75 and .83), for which the formula is.

    Scores that share nothing have uncorrelated AUCs although the units are the same.
    """
    rng = np.random.default_rng(5)
    truth = np.arange(120) < 60
    scale_a, scale_b = np.where(truth, 3.0, 1.0), np.where(truth, 5.0, 1.0)
    found = 0
    for _ in range(1500):
        a, b = rng.exponential(scale_a), rng.exponential(scale_b)
        found += delong_test(truth, a, b).p < 0.05
    power = auc_difference_power(3 / 4, 5 / 6, 60, 60)
    assert found / 1500 == pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) / 1500))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"auc_b": 0.8}, "equal AUCs"),
        ({"power": 1.0}, "power"),
        ({"power": 0.04}, "power"),
        ({"correlation": 1.0}, "correlation"),
        ({"alpha": 0.0}, "confidence level"),
        ({"negatives_per_positive": 0.0}, "negatives per positive"),
        ({"auc_b": 1.2}, "AUC"),
        ({"auc_b": 0.8 + 1e-9}, "thousand million"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        auc_difference_sample_size(**{"auc_a": 0.8, "auc_b": 0.9, **arguments})


def test_no_variance():
    with pytest.raises(ValueError, match="variance of the difference is zero"):
        auc_difference_power(1.0, 1.0, 10, 10)


def test_trainings_that_hardly_differ_have_the_power_of_one():
    one = auc_difference_power(0.9, 0.93, 300, 300, 0.7)
    many = crossed_difference_power(0.9, 0.93, 300, 300, 3, 1e-5, 0.7)
    assert many == pytest.approx(one, abs=0.01)  # the variance is not that of the null


def test_two_trainings_far_apart_have_the_power_of_a_t_test():
    """So many scans that only the trainings count: n = 3, delta = sd: noncentral t with df 2."""
    shift, critical = math.sqrt(3) * 0.03 / 0.03, t.ppf(0.975, 2)
    expected = nct.sf(critical, 2, shift) + nct.cdf(-critical, 2, shift)
    found = crossed_difference_power(0.9, 0.93, 10**8, 10**8, 3, 0.03)
    assert found == pytest.approx(expected, abs=1e-3)


def test_the_number_of_positives_is_the_smallest():
    found = crossed_difference_positives(0.9, 0.95, 600, 3, 0.01, 0.6)
    assert found is not None
    power = [crossed_difference_power(0.9, 0.95, n, 600, 3, 0.01, 0.6) for n in (found - 1, found)]
    assert power[0] < 0.8 <= power[1]
    assert crossed_difference_positives(0.9, 0.91, 600, 3, 0.02) is None


@pytest.mark.parametrize(("trainings", "sd", "correlation"), [(1, 0.1, 0), (3, 0, 0), (3, 0.1, 1)])
def test_a_plan_of_one_training_has_no_power(trainings, sd, correlation):
    with pytest.raises(ValueError, match=r"trainings|correlation"):
        crossed_difference_power(0.8, 0.9, 50, 50, trainings, sd, correlation)


def test_power_of_the_crossed_analysis():
    """500 simulated studies, in which the trainings' errors on scans are nearly the same."""
    rng = np.random.default_rng(6)
    truth = np.arange(200) < 100
    distance = math.sqrt(2) * norm.ppf([0.85, 0.79])
    slope = norm.pdf(distance / math.sqrt(2)) / math.sqrt(2)  # of the AUC, by the distance
    found = 0
    for _ in range(500):
        drawn = [
            (d + rng.normal(0, 0.02 / math.sqrt(2) / s, 3))[:, None] * truth + rng.normal(size=200)
            for d, s in zip(distance, slope, strict=True)
        ]
        found += crossed_auc_difference(truth, *drawn).p < 0.05
    assert found / 500 == pytest.approx(
        crossed_difference_power(0.85, 0.79, 100, 100, 3, 0.02), abs=0.07
    )
