"""Scans and trainings together: by the definition, by analysis of variance, and by coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from ichnet.statistics.crossed import crossed_auc_difference, hillis_degrees_of_freedom
from ichnet.statistics.delong import delong_test
from ichnet.statistics.roc import roc_auc

TRUTH = np.arange(50) < 20


def scores(rng, trainings, scans=50, skill=1.0, truth=TRUTH):
    """Scores of models that share what is hard about a scan."""
    hard = rng.normal(size=scans)
    return skill * truth + hard + rng.normal(size=(trainings, scans))


def pseudovalues(truth, first, second):
    """Differences of AUC as jackknife pseudovalues [trainings, scans], each class on its own."""
    found = np.empty(first.shape)
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        whole = roc_auc(truth, a) - roc_auc(truth, b)
        for scan in range(len(truth)):
            keep = np.arange(len(truth)) != scan
            size = truth.sum() if truth[scan] else (~truth).sum()
            left = roc_auc(truth[keep], a[keep]) - roc_auc(truth[keep], b[keep])
            found[row, scan] = size * whole - (size - 1) * left
    return found


def test_it_is_the_analysis_of_jackknife_pseudovalues():
    """Dorfman, Berbaum and Metz's route: leave each scan out, no placements, no DeLong."""
    rng = np.random.default_rng(3)
    first, second = scores(rng, 4, skill=np.array([[0.5], [1], [2], [3]])), scores(rng, 4)
    values = pseudovalues(TRUTH, first, second)
    means = values[:, TRUTH].mean(axis=1)
    shared = np.zeros((4, 4))
    for part in (values[:, TRUTH], values[:, ~TRUTH]):
        size = part.shape[1]
        left = part - part.mean(axis=1, keepdims=True)
        shared += left @ left.T / (size * (size - 1))
    of_scans = (shared.sum() - np.trace(shared)) / 12
    of_trainings = sum((means - means.mean()) ** 2) / 3 / 4
    assert of_trainings > (np.trace(shared) / 4 - of_scans) / 4  # the bound does not hold here
    error = math.sqrt(of_trainings + of_scans)
    freedom = (of_trainings + of_scans) ** 2 / (of_trainings**2 / 3)
    found = crossed_auc_difference(TRUTH, first, second)
    assert found.of_training == pytest.approx(means)
    assert found.scans_variance == pytest.approx(of_scans)
    assert found.trainings_variance == pytest.approx(of_trainings)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    low, high = student.interval(0.95, freedom, means.mean(), error)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(2 * student.sf(abs(means.mean()) / error, freedom))


def test_one_training_is_delongs_test():
    rng = np.random.default_rng(4)
    first, second = scores(rng, 1, skill=1.5), scores(rng, 1)
    found, expected = (
        crossed_auc_difference(TRUTH, first, second),
        delong_test(TRUTH, first[0], second[0]),
    )
    assert (found.value, found.low, found.high, found.p) == pytest.approx(
        (expected.difference, expected.low, expected.high, expected.p)
    )
    assert found.trainings_variance == 0
    assert math.isinf(found.degrees_of_freedom)


def test_trainings_that_agree_are_worth_no_more_than_one():
    rng = np.random.default_rng(5)
    first, second = scores(rng, 1, skill=1.5), scores(rng, 1)
    once = crossed_auc_difference(TRUTH, first, second)
    thrice = crossed_auc_difference(TRUTH, np.tile(first, (3, 1)), np.tile(second, (3, 1)))
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_trainings_that_agree_by_chance_differ_as_much_as_their_scans_let_them():
    """Each training is right on other scans, and all have the same difference."""
    first = np.array([[1, 2, 3, 4, 5, 6.5, 7, 8], [1, 2, 3, 6.5, 5, 4, 7, 8]])
    truth = [0, 0, 0, 0, 1, 1, 1, 1]
    second = np.tile(np.array([4, 1, 2, 3, 3.5, 5, 6, 7.0]), (2, 1))
    found = crossed_auc_difference(truth, first, second)
    apart = [delong_test(truth, a, b).standard_error for a, b in zip(first, second, strict=True)]
    assert sum(one**2 for one in apart) / 2 == pytest.approx(
        2 * found.trainings_variance + found.scans_variance
    )


def test_a_mean_over_networks_has_the_mean_difference_and_less_spread():
    rng = np.random.default_rng(6)
    first, second = (np.stack([scores(rng, 3, skill=s) for _ in range(4)], 1) for s in (1.6, 1.0))
    together = crossed_auc_difference(TRUTH, first, second)
    apart = [crossed_auc_difference(TRUTH, first[:, i], second[:, i]) for i in range(4)]
    assert together.value == pytest.approx(np.mean([one.value for one in apart]))
    assert together.standard_error < np.mean([one.standard_error for one in apart])


def test_equal_models_do_not_differ():
    first = scores(np.random.default_rng(7), 3)
    found = crossed_auc_difference(TRUTH, first, first)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_degrees_of_freedom_by_hand():
    assert hillis_degrees_of_freedom(1.0, 0.0, 3) == 2
    assert hillis_degrees_of_freedom(1.0, 2.0, 3) == 18
    assert math.isinf(hillis_degrees_of_freedom(0.0, 2.0, 3))


@pytest.mark.parametrize(
    ("truth", "first", "second", "message"),
    [
        ([0, 1, 1], [[1, 2, 3]], [[1, 2, 3]], "1 negative"),
        ([0, 0, 1, 1], [[1, 2, 3, math.nan]], [[1, 2, 3, 4]], "NaN"),
        ([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4], "first must be"),
        ([0, 0, 1, 1], np.empty((0, 4)), np.empty((0, 4)), "first must be"),
        ([0, 0, 1, 1], [[1, 2, 3, 4]] * 2, [[1, 2, 3, 4]] * 3, "2 and 3 trainings"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, first, second, message):
    with pytest.raises(ValueError, match=message):
        crossed_auc_difference(truth, first, second)


@pytest.mark.parametrize(
    ("trainings", "spread", "shared"), [(3, 0.0, 0.0), (3, 0.3, 0.5), (6, 0.5, 0.8)]
)
def test_coverage_over_scans_and_trainings(trainings, spread, shared):
    """400 studies in which scans and trainings are both drawn anew.

    The true mean difference is known: a training's skill, the distance of the classes in standard
    deviations, is drawn from nine around the model's. ``shared`` is the part of a score's noise
    that all trainings of a model have in common.
    """
    rng = np.random.default_rng(8)
    truth = np.arange(100) < 50
    steps = spread * np.linspace(-1, 1, 9)
    expected = np.subtract(*(norm.cdf((s + steps) / math.sqrt(2)).mean() for s in (1.6, 1.2)))
    held = 0
    for _ in range(400):
        drawn = []
        for skill in (1.6, 1.2):
            skills = skill + rng.choice(steps, (trainings, 1))
            common, own = rng.normal(size=100), rng.normal(size=(trainings, 100))
            drawn.append(skills * truth + shared**0.5 * common + (1 - shared) ** 0.5 * own)
        found = crossed_auc_difference(truth, *drawn)
        held += found.low <= expected <= found.high
    assert held / 400 >= 0.92
    assert held / 400 < 1 or spread == 0
