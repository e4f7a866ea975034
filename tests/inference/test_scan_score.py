"""Slices to scan, and the calibration file."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.inference.scan_score import read_calibration, scan_score, write_calibration
from ichnet.statistics.calibration import PlattCalibration


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


def test_calibration_file_round_trip(tmp_path):
    path = tmp_path / "calibration.json"
    write_calibration(PlattCalibration(a=1.25, b=-0.1), path)
    assert read_calibration(path) == PlattCalibration(a=1.25, b=-0.1)


def test_a_file_that_is_no_calibration_is_named(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text('{"slope": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"calibration\.json"):
        read_calibration(path)
    with pytest.raises(FileNotFoundError):
        read_calibration(tmp_path / "absent.json")
