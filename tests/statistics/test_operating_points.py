from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from ichnet.statistics.operating_points import (
    matched_sensitivity_threshold,
    operating_point,
    youden_threshold,
)

TRUTH = [0, 0, 0, 1, 1]
SCORE = [0.1, 0.5, 0.7, 0.4, 0.5]


def test_a_score_at_the_threshold_is_called():
    point = operating_point(TRUTH, SCORE, 0.5)
    assert (point.true_positives, point.false_negatives) == (1, 1)
    assert (point.false_positives, point.true_negatives) == (2, 1)
    assert point.sensitivity == 1 / 2
    assert point.specificity == 1 / 3
    assert point.accuracy == 2 / 5
    assert point.positive_predictive_value == 1 / 3
    assert point.negative_predictive_value == 1 / 2


def test_a_share_of_nothing():
    nobody_called = operating_point(TRUTH, SCORE, 2)
    assert math.isnan(nobody_called.positive_predictive_value)
    assert nobody_called.negative_predictive_value == 3 / 5
    assert math.isnan(operating_point([1, 1], [0.2, 0.9], 0.5).specificity)
    with pytest.raises(ValueError, match="threshold is NaN"):
        operating_point(TRUTH, SCORE, math.nan)


@pytest.mark.parametrize(
    ("sensitivity", "threshold"),
    [(0.95, 1), (0.9500001, 0), (1, 0), (0.05, 19), (0.051, 18), (1e-9, 19)],
)
def test_matched_sensitivity(sensitivity, threshold):
    # positives score 0..19
    truth = [1] * 20 + [0] * 3
    score = [*range(20), 5, 6, 7]
    found = matched_sensitivity_threshold(truth, score, sensitivity)
    assert found == threshold
    assert operating_point(truth, score, found).sensitivity >= sensitivity * (1 - 1e-12)


def test_matched_sensitivity_in_spite_of_rounding():
    assert 0.55 * 100 > 55
    truth, score = [1] * 100 + [0], [*range(100), 0]
    assert matched_sensitivity_threshold(truth, score, 0.55) == 45  # 45 to 99 are 55


@pytest.mark.parametrize("sensitivity", [0, 1.01, math.nan])
def test_impossible_sensitivity(sensitivity):
    with pytest.raises(ValueError, match="sensitivity"):
        matched_sensitivity_threshold(TRUTH, SCORE, sensitivity)


def test_youden():
    assert youden_threshold([0, 0, 1, 0, 1], [1, 2, 3, 4, 5]) == 3
    # 2 and 4 both give 1/2: the lower, which misses none
    assert youden_threshold([0, 1, 0, 1], [1, 2, 3, 4]) == 2
    # nothing is better than calling everything
    assert youden_threshold([0, 1], [5, 5]) == 5
    assert youden_threshold([1, 0], [1, 2]) == 1


@pytest.mark.parametrize("seed", range(3))
def test_youden_reaches_the_best_of_the_curve(seed):
    rng = np.random.default_rng(seed)
    truth = rng.random(200) < 0.3
    score = np.round(rng.normal(size=200) + truth, 1)
    point = operating_point(truth, score, youden_threshold(truth, score))
    x, y, _ = roc_curve(truth, score)
    assert point.sensitivity + point.specificity - 1 == pytest.approx((y - x).max(), abs=1e-12)
