"""From slices to a probability, and the file that keeps how."""

from __future__ import annotations

import json

import pytest

from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.scan_score import (
    UNCHANGED,
    ScanCalibration,
    read_calibration,
    write_calibration,
)

AUCS = (PoolingAuc("maximum", 0.5, 1 / 3, 2 / 3), PoolingAuc("mean-of-3", 0.9, 0.8, 0.95))


def test_slices_pass_pooling_and_curve():
    calibration = ScanCalibration("mean-of-3", PlattCalibration(a=1.0, b=0.0))
    assert calibration.score([0.2, 0.6, 0.1, 0.7], [5] * 4) == pytest.approx(0.5)
    assert calibration.apply(0.5) == pytest.approx(0.5)
    assert UNCHANGED.score([0.2, 0.6], [5, 5]) == 0.6
    assert UNCHANGED.apply(0.6) == pytest.approx(0.6)


@pytest.mark.parametrize(
    "calibration",
    [
        UNCHANGED,
        ScanCalibration("mean-of-3", PlattCalibration(1 / 3, -0.1), True, 12, 14, AUCS),
        ScanCalibration("maximum", PlattCalibration(0.01, 0.0), False, 12, 14, AUCS),
        ScanCalibration("over-10-mm", IsotonicCalibration((0.1, 0.9), (1 / 3, 0.75))),
    ],
)
def test_calibration_file_round_trip(calibration, tmp_path):
    path = tmp_path / "calibration.json"
    write_calibration(calibration, path)
    assert read_calibration(path) == calibration


def test_why_a_model_is_not_calibrated_is_told_with_its_figures():
    refused = ScanCalibration("maximum", PlattCalibration(0.01, 0.0), False, 12, 14, AUCS)
    assert refused.refusal.startswith(
        "cannot be told from a model that guesses, on 12 validation scans with and 14 without "
        "hemorrhage: AUC 0.500 (0.333–0.667). It is not calibrated"
    )
    assert UNCHANGED.refusal == ""


WHOLE = json.loads(UNCHANGED.to_json())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"a": 1, "b": 0}',
        *(
            json.dumps({**WHOLE, "curve": curve})
            for curve in (
                None,
                {"slope": 1},
                {"a": 1},
                {"a": "x", "b": 0},
                {"a": None, "b": 0},
                {"scores": [], "probabilities": []},
                {"scores": [0.1, 0.2], "probabilities": [0.5]},
                {"scores": ["x"], "probabilities": [0.5]},
            )
        ),
        json.dumps({**WHOLE, "pooling": "median"}),
        json.dumps({**WHOLE, "validation": [{"pooling": "maximum"}]}),
        json.dumps({name: WHOLE[name] for name in WHOLE if name != "calibrated"}),
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
