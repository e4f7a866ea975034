"""Curves for each subtype; none where too few were seen."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.subtype_calibration import SubtypeCalibration, apply_curves, fit_curves

rng = np.random.default_rng(3)
TRUTH = np.stack([rng.random(60) < share for share in (0.5, 0.4, 0.05, 0.5, 0.0)], axis=1) * 1.0
SCORES = np.clip(0.3 + 0.3 * TRUTH + rng.normal(0, 0.2, TRUTH.shape), 0.01, 0.99)


def test_each_subtype_has_a_curve_of_its_own():
    curves = fit_curves(SCORES, TRUTH)
    assert TRUTH[:, 2].sum() < 5
    assert [curve is None for curve in curves] == [False, False, True, False, True]
    for column in (0, 1, 3):
        assert curves[column] == PlattCalibration.fit(SCORES[:, column], TRUTH[:, column])


def test_units_of_unknown_truth_are_left_out():
    unknown = TRUTH.copy()
    unknown[:20] = -1
    assert fit_curves(SCORES, unknown)[0] == PlattCalibration.fit(SCORES[20:, 0], TRUTH[20:, 0])


def test_probabilities_by_hand():
    """log-odds of .8 are 1.386; half of them 0.693, of which the probability is 2/3."""
    curves = (PlattCalibration(0.5, 0.0), PlattCalibration(1.0, 0.0), None, None, None)
    found = apply_curves(curves, np.full((2, 5), 0.8))
    assert found.shape == (2, 5)
    np.testing.assert_allclose(found[:, :2], [[2 / 3, 0.8]] * 2)
    assert np.isnan(found[:, 2:]).all()
    calibration = SubtypeCalibration(curves, curves)
    np.testing.assert_allclose(calibration.of_scan(np.full(5, 0.8))[:2], [2 / 3, 0.8])


def test_a_mapping_without_a_curve_for_each_subtype_is_refused():
    with pytest.raises(ValueError, match="2 curves for 5 subtypes"):
        SubtypeCalibration.from_mapping({"slices": [None, None], "scans": [None] * 5})
