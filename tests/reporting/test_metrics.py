"""metrics.json holds what the tables hold, and where it came from."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from ichnet.predictions import SCAN_COLUMNS, scans_path, write_predictions
from ichnet.reporting.metrics import metrics, write_metrics
from ichnet.reporting.table3 import table3
from ichnet.runs import RunFolder


@pytest.fixture
def four_scans(tmp_path) -> RunFolder:
    """Two with hemorrhage (.9, .3; 3 and 30 mL, SDH), two without (.6, .1)."""
    run = RunFolder(tmp_path / "runs" / "four")
    rows = [
        {"ANY": 1, "SDH": 1, "SAH": 0, "volume_ml": 3.0, "probability": 0.9},
        {"ANY": 1, "SDH": 1, "SAH": 0, "volume_ml": 30.0, "probability": 0.3},
        {"ANY": 0, "SDH": 0, "SAH": 0, "volume_ml": 0.0, "probability": 0.6},
        {"ANY": 0, "SDH": 0, "SAH": 0, "volume_ml": 0.0, "probability": 0.1},
    ]
    write_predictions(
        ({"cohort": "dumc", "scan_id": f"s{i}", **row} for i, row in enumerate(rows)),
        SCAN_COLUMNS,
        scans_path(run.predictions("ensemble-all"), "dumc"),
    )
    return run


def test_figures_by_hand(four_scans, config):
    """AUC: 3 of 4 pairs in order; one hit of two; one of two normals called."""
    found = metrics(four_scans, config)
    everything = found["models"]["ensemble-all"]["All"]
    assert (everything["scans"], everything["with_ich"]) == (4, 2)
    assert everything["auc"]["value"] == everything["auc_bootstrap"]["value"] == 0.75
    assert everything["sensitivity"]["value"] == everything["specificity_exact"]["value"] == 0.5
    assert everything["decisions"] == {
        "threshold": 0.5,
        "true_positives": 1,
        "false_positives": 1,
        "true_negatives": 1,
        "false_negatives": 1,
    }
    assert everything["brier"] == pytest.approx((0.01 + 0.49 + 0.36 + 0.01) / 4)
    assert everything["discarded_replicates"] == 0
    assert found["models"]["ensemble-all"]["dumc"] == everything


def test_what_cannot_be_measured_says_why(four_scans, config):
    sets = metrics(four_scans, config)["models"]["ensemble-all"]
    assert sets["SDH"]["with_ich"] == 2
    assert sets["SAH"] == {
        "scans": 2,
        "with_ich": 0,
        "unmeasurable": "0 with and 2 without ICH, two of each are needed",
    }
    assert "1 with and 2 without" in sets["Small"]["unmeasurable"]


def test_the_file_names_what_it_came_from(four_scans, config):
    path = write_metrics(four_scans, config)
    found = json.loads(path.read_text(encoding="utf-8"))
    name = "predictions/ensemble-all/dumc.scans.csv"
    content = (four_scans.root / name).read_bytes()
    assert found["predictions"] == {name: hashlib.sha256(content).hexdigest()[:12]}
    assert found["threshold"] == config.evaluation.threshold
    assert found["seed"] == config.seed


def test_numbers_are_those_of_the_table(run, config):
    found = metrics(run, config)["models"]["ensemble-sdh"]["SDH"]["auc"]
    row = next(
        row for row in table3(run, config).rows if str(row[0]).startswith("SDH") and row[1] == "sdh"
    )
    estimate = row[3]
    np.testing.assert_allclose(
        [estimate.value, estimate.low, estimate.high], [found["value"], found["low"], found["high"]]
    )
