"""Slices to scan, and the calibration file."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration
from ichnet.statistics.scan_score import read_calibration, scan_score, write_calibration


def test_the_most_suspicious_slice_decides():
    assert scan_score([0.1, 0.75, 0.2]) == 0.75
    assert scan_score(np.array([0.25], np.float32)) == 0.25


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "without slices"), ([0.1, np.nan, np.nan], "2 of 3 slice scores are not numbers")],
)
def test_scores_that_cannot_be_compared_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        scan_score(scores)


@pytest.mark.parametrize(
    "calibration",
    [PlattCalibration(a=1 / 3, b=-0.1), IsotonicCalibration((0.1, 0.9), (1 / 3, 0.75))],
)
def test_calibration_file_round_trip(calibration, tmp_path):
    path = tmp_path / "calibration.json"
    write_calibration(calibration, path)
    assert read_calibration(path) == calibration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"slope": 1}',
        '{"a": 1}',
        '{"a": "x", "b": 0}',
        '{"a": null, "b": 0}',
        '{"scores": [], "probabilities": []}',
        '{"scores": [0.1, 0.2], "probabilities": [0.5]}',
        '{"scores": ["x"], "probabilities": [0.5]}',
    ],
)
def test_a_file_that_is_no_calibration_is_named(text, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"calibration\.json"):
        read_calibration(path)


def test_a_model_that_was_not_calibrated(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_calibration(tmp_path / "absent.json")
