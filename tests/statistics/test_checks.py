"""Bad truth and bad scores are refused with the cause, by every statistic that takes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from ichnet.statistics.bootstrap import bootstrap_interval
from ichnet.statistics.calibration import (
    PlattCalibration,
    brier_score,
    calibration_line,
    expected_calibration_error,
)
from ichnet.statistics.checks import binary
from ichnet.statistics.delong import delong_interval, delong_test
from ichnet.statistics.operating_points import (
    matched_sensitivity_threshold,
    operating_point,
    youden_threshold,
)
from ichnet.statistics.roc import roc_auc, roc_curve
from ichnet.statistics.weighted import Auc, Sensitivity

TRUTH = [0, 0, 1, 1]
SCORE = [0.1, 0.4, 0.35, 0.8]

TAKE_ONE_SCORE: dict[str, Callable[..., object]] = {
    "roc_auc": roc_auc,
    "roc_curve": roc_curve,
    "delong_interval": delong_interval,
    "delong_test, first": lambda t, s: delong_test(t, s, SCORE),
    "delong_test, second": lambda t, s: delong_test(t, SCORE, s),
    "bootstrap of a function": lambda t, s: bootstrap_interval(roc_auc, t, s, seed=0),
    "bootstrap of counts": lambda t, s: bootstrap_interval(Sensitivity(), t, s, seed=0),
    "operating_point": lambda t, s: operating_point(t, s, 0.5),
    "matched_sensitivity_threshold": lambda t, s: matched_sensitivity_threshold(t, s, 0.9),
    "youden_threshold": youden_threshold,
    "brier_score": brier_score,
    "expected_calibration_error": expected_calibration_error,
    "calibration_line": calibration_line,
    "PlattCalibration.fit": lambda t, s: PlattCalibration.fit(s, t),
}
ONE_CLASS_WILL_DO = {"operating_point", "brier_score", "expected_calibration_error"}
NAMES = list(TAKE_ONE_SCORE)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_that_is_not_a_number_is_refused(name):
    with pytest.raises(ValueError, match=r"NaN for 1 of 4 units"):
        TAKE_ONE_SCORE[name](TRUTH, [0.1, np.nan, 0.35, 0.8])


@pytest.mark.parametrize("name", NAMES)
def test_a_score_of_another_length_is_refused(name):
    with pytest.raises(ValueError, match=r"shape \(3,\), truth has \(4,\)"):
        TAKE_ONE_SCORE[name](TRUTH, SCORE[:3])


@pytest.mark.parametrize("name", NAMES)
def test_unknown_truth_is_refused(name):
    with pytest.raises(ValueError, match="0 or 1 for every unit, found 1 NaN"):
        TAKE_ONE_SCORE[name]([0, 1, np.nan, 1], SCORE)


@pytest.mark.parametrize("name", NAMES)
def test_truth_of_another_kind_is_refused(name):
    with pytest.raises(ValueError, match="found 2"):
        TAKE_ONE_SCORE[name]([0, 1, 2, 1], SCORE)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ONE_CLASS_WILL_DO])
@pytest.mark.parametrize("truth", [[0, 0, 0, 0], [True] * 4])
def test_one_class_is_refused(name, truth):
    with pytest.raises(ValueError, match=r"(4|0) positive and (4|0) negative units"):
        TAKE_ONE_SCORE[name](truth, SCORE)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "operating_point"])
def test_nothing_is_refused(name):
    with pytest.raises(ValueError, match=r"0 positive and 0 negative|no units|0 units"):
        TAKE_ONE_SCORE[name]([], [])


def test_truth_of_any_type():
    expected = [False, True, True]
    for truth in ([0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], np.array([0, 1, 1], object)):
        np.testing.assert_array_equal(binary(truth), expected)
    with pytest.raises(ValueError, match=r"one dimension, not shape \(1, 3\)"):
        binary([[0, 1, 1]])


def test_scores_must_be_numbers():
    with pytest.raises(ValueError, match="numbers"):
        roc_auc(TRUTH, np.array(list("abcd")))
    assert roc_auc(TRUTH, np.array(SCORE, object)) == 0.75


def test_a_weighted_statistic_takes_one_score():
    with pytest.raises(ValueError, match="unpack"):
        bootstrap_interval(Auc(), TRUTH, SCORE, SCORE, seed=0)


def test_tensorflow_and_scipy_stats_are_not_imported():
    code = (
        "import sys, ichnet.statistics.delong, ichnet.statistics.bootstrap, "
        "ichnet.statistics.calibration, ichnet.statistics.proportions\n"
        "print({'tensorflow', 'keras', 'scipy.stats', 'scipy.optimize'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "set()"
