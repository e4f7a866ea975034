"""A model that may only guess says so wherever its results are read."""

from __future__ import annotations

import pytest
from known_scans import HEIGHTS_MM, head
from prediction_files import rows_of

import ichnet
from ichnet.cli import SUCCESS, main
from ichnet.deployment.export import export_model
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.scan_score import ScanCalibration

# exports a model and predicts twice
pytestmark = pytest.mark.slow


def test_a_model_that_is_not_calibrated_says_so_once_and_is_uncertain_of_all(
    bright_pixels, config, write_scan, tmp_path, capsys
):
    refused = ScanCalibration(
        "mean-of-3",
        PlattCalibration(0.01, 0.0),
        calibrated=False,
        with_ich=5,
        without_ich=6,
        validation=(PoolingAuc("mean-of-3", 0.6, 0.4, 0.8),),
    )
    export_model(bright_pixels, "bright", config, refused, tmp_path / "model")
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_scan(scans, head(), HEIGHTS_MM, series="1")
    write_scan(scans, head(80.0), HEIGHTS_MM, series="2")
    capsys.readouterr()
    command = ["predict", "--model", tmp_path / "model", "--out", out, scans]
    assert main([str(word) for word in command]) == SUCCESS
    assert capsys.readouterr().err.count("ichnet: bright cannot be told from a model") == 1
    with pytest.warns(UserWarning, match="bright cannot be told from a model"):
        assert all(one.uncertain for one in ichnet.predict(scans, tmp_path / "model"))
    rows = rows_of(out / "predictions.csv")
    assert [row["uncertain"] for row in rows] == ["yes", "yes"]
    assert all(row["note"].startswith("bright cannot be told from a model") for row in rows)
    normal, bleeding = sorted(float(row["score"]) for row in rows)
    # one slice of eleven shows the blood, at a score of 1
    assert (normal, bleeding) == (0, pytest.approx(1 / 3, abs=1e-6))
