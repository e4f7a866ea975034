"""Isotonic calibration against values by hand and against brute force."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ichnet.statistics.isotonic import IsotonicCalibration


def test_neighbours_in_the_wrong_order_are_pooled():
    """Two of each class: targets 1/4 and 3/4; the middle two are averaged to 1/2."""
    calibration = IsotonicCalibration.fit([0.1, 0.2, 0.6, 0.9], [0, 1, 0, 1])
    assert calibration.scores == (0.1, 0.2, 0.6, 0.9)
    assert calibration.probabilities == pytest.approx((0.25, 0.5, 0.5, 0.75))
    # level beyond the ends, linear between
    assert calibration.apply(0.0) == pytest.approx(0.25)
    assert calibration.apply(0.15) == pytest.approx(0.375)
    np.testing.assert_allclose(calibration.apply(np.array([0.4, 1.0])), [0.5, 0.75])


def test_equal_scores_are_one_knot():
    """Three units at .5 with one positive of one in all: targets 2/3 and 1/(3 + 2)."""
    calibration = IsotonicCalibration.fit([0.5, 0.5, 0.5, 0.2], [1, 0, 0, 0])
    assert calibration.scores == (0.2, 0.5)
    assert calibration.probabilities == pytest.approx((0.2, (2 / 3 + 2 / 5) / 3))


def test_one_knot_is_a_constant():
    calibration = IsotonicCalibration.fit([0.5, 0.5], [1, 0])
    assert calibration.apply(0.9) == pytest.approx(0.5)


def test_no_other_monotone_function_of_a_grid_fits_better():
    """Six units, every non-decreasing assignment of eleven levels to them."""
    rng = np.random.default_rng(0)
    score, truth = np.sort(rng.random(6)), np.array([0, 1, 0, 0, 1, 1])
    target = np.where(truth == 1, 4 / 5, 1 / 5)
    fitted = IsotonicCalibration.fit(score, truth).apply(score)
    levels = np.stack(np.meshgrid(*[np.linspace(0, 1, 11)] * 6), axis=-1).reshape(-1, 6)
    monotone = levels[(np.diff(levels, axis=1) >= 0).all(axis=1)]
    best = ((monotone - target) ** 2).sum(axis=1).min()
    assert ((fitted - target) ** 2).sum() <= best + 1e-12
    assert (np.diff(fitted) >= 0).all()


def test_levels_keep_their_ends_only():
    score = np.linspace(0, 1, 50)
    calibration = IsotonicCalibration.fit(score, np.tile([1, 0], 25))
    assert len(calibration.scores) < 10
    whole = calibration.apply(score)
    assert (np.diff(whole) >= 0).all()


def test_it_is_written_as_json():
    calibration = IsotonicCalibration((0.1, 0.9), (0.2, 0.8))
    assert json.loads(calibration.to_json()) == {
        "scores": [0.1, 0.9],
        "probabilities": [0.2, 0.8],
    }


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="of each class are needed"):
        IsotonicCalibration.fit([0.1, 0.2], [1, 1])
