from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from ichnet.statistics.calibration import (
    PlattCalibration,
    brier_score,
    calibration_line,
    expected_calibration_error,
    reliability,
    slope_z,
)


def sample(units: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn with probability expit(0.5 x - 1) where the score is expit(x)."""
    rng = np.random.default_rng(seed)
    x = 3 * rng.normal(size=units)
    return rng.random(units) < expit(0.5 * x - 1), expit(x)


def statsmodels_logit(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # targets between 0 and 1
        model = sm.GLM(target, sm.add_constant(x), family=sm.families.Binomial())
        return np.asarray(model.fit(tol=1e-12).params)


def test_platt_equals_statsmodels():
    truth, score = sample()
    m, n = truth.sum(), (~truth).sum()
    target = np.where(truth, (m + 1) / (m + 2), 1 / (n + 2))
    b, a = statsmodels_logit(target, logit(score))
    fitted = PlattCalibration.fit(score, truth)
    assert (fitted.a, fitted.b) == pytest.approx((a, b), rel=1e-6)


def test_platt_finds_what_made_the_data():
    truth, score = sample(200_000)
    fitted = PlattCalibration.fit(score, truth)
    assert (fitted.a, fitted.b) == pytest.approx((0.5, -1), abs=0.03)
    assert expected_calibration_error(truth, fitted.apply(score)) < 0.01
    assert expected_calibration_error(truth, score) > 0.1


def test_separated_classes_have_a_finite_answer():
    fitted = PlattCalibration.fit([0.0, 0.0, 1.0, 1.0, 1.0], [0, 0, 1, 1, 1])
    # two values only: they get the targets themselves, 1/4 and 4/5
    assert fitted.apply(0.0) == pytest.approx(1 / 4, abs=1e-9)
    assert fitted.apply(1.0) == pytest.approx(4 / 5, abs=1e-9)


def test_scores_that_hardly_differ():
    truth, score = sample()
    squeezed = 0.5 + (score - 0.5) * 1e-7
    fitted, wide = PlattCalibration.fit(squeezed, truth), PlattCalibration.fit(score, truth)
    assert fitted.a > 1e5
    assert np.corrcoef(fitted.apply(squeezed), wide.apply(score))[0, 1] > 0.9


def test_equal_scores_keep_their_slope():
    fitted = PlattCalibration.fit([0.3] * 4, [0, 0, 0, 1])
    assert fitted.a == 1
    # targets 1/5 three times and 2/3
    assert fitted.apply(0.3) == pytest.approx((3 / 5 + 2 / 3) / 4)


def test_hemorrhages_that_scored_lower_do_not_turn_the_ranking_round():
    """Six of ten positive: probabilities stay near that share, and in the order of the scores."""
    score = np.array([0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
    calibration = PlattCalibration.fit(score, [1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    assert calibration.a == 0.01
    probability = calibration.apply(score)
    assert (np.diff(probability)[np.diff(score) > 0] > 0).all()
    # the smoothed targets are 7/8 and 1/6
    np.testing.assert_allclose(probability, (6 * 7 / 8 + 4 / 6) / 10, atol=0.01)


def test_identity_and_types():
    identity = PlattCalibration(a=1.0, b=0.0)
    assert isinstance(identity.apply(0.25), float)
    assert identity.apply(0.25) == pytest.approx(0.25)
    two_by_two = np.array([[0.1, 0.2], [0.9, 1.0]])
    np.testing.assert_allclose(identity.apply(two_by_two), two_by_two, atol=1.1e-6)
    assert identity.apply(np.float32(0.5)) == pytest.approx(0.5)
    assert math.isfinite(identity.apply(0.0))


def test_probabilities_outside_are_refused():
    for statistic in (brier_score, calibration_line, expected_calibration_error):
        with pytest.raises(ValueError, match=r"from 0.2 to 1.5"):
            statistic([0, 1], [0.2, 1.5])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        PlattCalibration.fit([-1.0, 0.5], [0, 1])


def test_brier():
    assert brier_score([0, 1, 1], [0.2, 0.6, 1.0]) == pytest.approx((0.04 + 0.16) / 3)
    truth, score = sample()
    assert brier_score(truth, score) == pytest.approx(brier_score_loss(truth, score))


def test_reliability_by_hand():
    truth = [0, 1, 0, 1, 1]
    probability = [0.0, 0.1, 0.5, 0.75, 1.0]  # bins [0, .5): two; [.5, 1]: three
    bins = reliability(truth, probability, bins=2)
    np.testing.assert_array_equal(bins.units, [2, 3])
    np.testing.assert_allclose(bins.predicted, [0.05, 0.75])
    np.testing.assert_allclose(bins.observed, [0.5, 2 / 3])
    assert bins.expected_error == pytest.approx((2 * 0.45 + 3 * (0.75 - 2 / 3)) / 5)
    assert expected_calibration_error(truth, probability, 2) == bins.expected_error


def test_empty_bins_are_left_out():
    bins = reliability([0, 1], [0.05, 0.95])
    np.testing.assert_array_equal(bins.units, [1, 1])
    np.testing.assert_allclose(bins.predicted, [0.05, 0.95])


def test_bins_of_equal_numbers():
    truth, score = sample(1000)
    np.testing.assert_array_equal(reliability(truth, score, 8, "quantile").units, [125] * 8)
    # ties stay together
    np.testing.assert_array_equal(reliability([0, 1] * 4, [0.5] * 8, 4, "quantile").units, [8])
    with pytest.raises(ValueError, match="0 bins"):
        reliability(truth, score, 0)


def test_calibration_line_equals_statsmodels():
    truth, score = sample()
    intercept, slope = statsmodels_logit(truth.astype(float), logit(score))
    line = calibration_line(truth, score)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept), rel=1e-6)
    offset = sm.GLM(
        truth.astype(float), np.ones(len(truth)), sm.families.Binomial(), offset=logit(score)
    ).fit(tol=1e-12)
    assert line.in_the_large == pytest.approx(offset.params[0], rel=1e-6)


def test_right_probabilities():
    truth, score = sample(100_000)
    line = calibration_line(truth, expit(0.5 * logit(score) - 1))
    assert (line.slope, line.intercept, line.in_the_large) == pytest.approx((1, 0, 0), abs=0.04)


@pytest.mark.parametrize("truth", [[0, 0, 1, 1], [1, 1, 0, 0]])
def test_separated_classes_have_no_slope(truth):
    with pytest.raises(ValueError, match="slope is infinite"):
        calibration_line(truth, [0.1, 0.4, 0.4, 0.9])
    with pytest.raises(ValueError, match="no slope"):
        calibration_line(truth, [0.4] * 4)


def test_slope_z_is_the_signed_root_of_the_likelihood_ratio():
    """Two of four positive, in order .2 .2 .9 .9: targets 1/4 and 3/4, met in full.

    Likelihood ratio 2 x 4 x (log 2 - entropy(1/4)) = 8 x (.693147 - .562335) = 1.046496.
    """
    assert slope_z([0.2, 0.2, 0.9, 0.9], [0, 0, 1, 1]) == pytest.approx(math.sqrt(1.046496))
    assert slope_z([0.2, 0.2, 0.9, 0.9], [1, 1, 0, 0]) == pytest.approx(-math.sqrt(1.046496))
    assert slope_z([0.2, 0.9, 0.2, 0.9], [0, 0, 1, 1]) == pytest.approx(0, abs=1e-6)
    assert slope_z([0.3] * 4, [0, 0, 1, 1]) == 0


def test_slope_z_of_a_score_that_tells_nothing_is_standard_normal():
    rng = np.random.default_rng(8)
    truth = np.arange(60) % 2 == 0
    found = [slope_z(rng.random(60), truth) for _ in range(300)]
    assert np.mean(np.abs(found) > 1.96) < 0.09
    assert abs(np.mean(found)) < 0.15
