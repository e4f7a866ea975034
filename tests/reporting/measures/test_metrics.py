"""metrics.json holds what the tables hold, where it came from, and what they read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ichnet.reporting.measures.metrics import load_metrics
from ichnet.reporting.tables.table3 import table3
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions
from ichnet.statistics.calibration import calibration_line
from ichnet.statistics.delong import delong_test


@pytest.fixture
def four_scans(tmp_path) -> RunFolder:
    """Two with hemorrhage (.9, .3; 3 and 30 mL, SDH), two without (.6, .1)."""
    run = RunFolder(tmp_path / "runs" / "four")
    write_four(run, 0.6)
    return run


def write_four(run: RunFolder, third: float) -> None:
    rows = [
        {"ANY": 1, "SDH": 1, "SAH": 0, "volume_ml": 3.0, "probability": 0.9},
        {"ANY": 1, "SDH": 1, "SAH": 0, "volume_ml": 30.0, "probability": 0.3},
        {"ANY": 0, "SDH": 0, "SAH": 0, "volume_ml": 0.0, "probability": third},
        {"ANY": 0, "SDH": 0, "SAH": 0, "volume_ml": 0.0, "probability": 0.1},
    ]
    write_predictions(
        ({"cohort": "dumc", "scan_id": f"s{i}", **row} for i, row in enumerate(rows)),
        SCAN_COLUMNS,
        scans_path(run.predictions("ensemble-all"), "dumc"),
    )


def read(run: RunFolder) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run.root / "metrics.json").read_text(encoding="utf-8"))
    return document


def test_figures_by_hand(four_scans, config):
    """AUC: 3 of 4 pairs in order; one hit of two; one of two normals called."""
    metrics = load_metrics(four_scans, config)
    everything = metrics.of("scan").models["ensemble-all"]
    assert metrics.of("scan").counts == "2 ICH, 2 normal"
    assert everything.auc.value == everything.auc_bootstrap.value == 0.75
    assert everything.sensitivity.value == everything.specificity_exact.value == 0.5
    point = everything.decisions
    assert (point.threshold, point.true_positives, point.false_positives) == (0.5, 1, 1)
    assert (point.true_negatives, point.false_negatives) == (1, 1)
    assert everything.youden_threshold == 0.3  # both hits, one false alarm; at 0.9 as good
    assert everything.brier == pytest.approx((0.01 + 0.49 + 0.36 + 0.01) / 4)
    line = calibration_line([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.1])
    assert everything.calibration_slope == pytest.approx(line.slope)
    assert everything.calibration_in_the_large == pytest.approx(line.in_the_large)
    assert everything.discarded == 0
    assert metrics.of("scan", "dumc").models["ensemble-all"] == everything


def test_what_cannot_be_measured_says_why(four_scans, config):
    metrics = load_metrics(four_scans, config)
    assert metrics.of("scan", "SDH").with_ich == 2
    sah = metrics.of("scan", "SAH")
    assert (sah.units, sah.with_ich, sah.models) == (2, 0, {})
    assert sah.unmeasurable == "0 with and 2 without ICH, two of each are needed"
    assert "1 with and 2 without" in metrics.of("scan", "Small").unmeasurable
    assert metrics.of("scan", "cq500").models == {}
    assert metrics.of("scan").unmatched == "ensemble-basic has no predictions"
    assert metrics.of("slice").unmeasurable


def test_a_probability_that_separates_has_no_slope(four_scans, config):
    write_four(four_scans, third=0.2)
    figures = load_metrics(four_scans, config).of("scan").models["ensemble-all"]
    assert figures.auc.value == 1
    assert figures.calibration_slope is figures.calibration_in_the_large is None


def test_the_file_names_what_it_came_from(four_scans, config):
    load_metrics(four_scans, config)
    found = read(four_scans)
    name = "predictions/ensemble-all/dumc.scans.csv"
    content = (four_scans.root / name).read_bytes()
    made_from = found["made_from"]
    assert made_from["predictions"] == {name: hashlib.sha256(content).hexdigest()[:12]}
    assert len(made_from["data"]) == 12
    assert made_from["settings"]["evaluation"]["threshold"] == config.evaluation.threshold
    assert (found["threshold"], found["seed"]) == (config.evaluation.threshold, config.seed)


@pytest.mark.slow
def test_tables_show_what_the_file_holds(run, config):
    """Another number in the file is another number in the table: nobody measures again."""
    load_metrics(run, config)
    path = run.root / "metrics.json"
    original = path.read_text(encoding="utf-8")
    document = json.loads(original)
    document["sets"]["scan"]["SDH"]["models"]["ensemble-sdh"]["auc"]["low"] = 0.123
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        (row,) = [
            r for r in table3(run, config).rows if str(r[0]).startswith("SDH") and r[1] == "sdh"
        ]
    finally:
        path.write_text(original, encoding="utf-8")
    assert row[3].low == 0.123


def test_a_file_that_is_current_is_left_and_another_is_made_again(four_scans, config):
    path = four_scans.root / "metrics.json"
    first = load_metrics(four_scans, config)
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert load_metrics(four_scans, config) == first
    assert path.read_text(encoding="utf-8").endswith("\n")  # not written again

    at_06 = replace(config, evaluation=replace(config.evaluation, threshold=0.2))
    assert load_metrics(four_scans, at_06).of("scan").models["ensemble-all"].sensitivity.value == 1
    write_four(four_scans, third=0.2)
    assert load_metrics(four_scans, at_06).of("scan").models["ensemble-all"].auc.value == 1

    document = read(four_scans)
    document["made_from"]["format"] = 0
    path.write_text(json.dumps(document), encoding="utf-8")
    load_metrics(four_scans, at_06)
    assert read(four_scans)["made_from"]["format"] > 0


def test_neither_the_program_s_text_nor_other_settings_make_it_stale(four_scans, config):
    load_metrics(four_scans, config)
    assert read(four_scans)["made_from"].keys() == {
        "ichnet", "format", "settings", "data", "predictions"
    }  # fmt: skip
    path = four_scans.root / "metrics.json"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    other = replace(config, phantom=replace(config.phantom, matrix=512), export=())
    load_metrics(four_scans, other)
    assert path.read_text(encoding="utf-8").endswith("\n")  # not written again


def test_a_broken_file_is_refused(four_scans, config):
    path = four_scans.root / "metrics.json"
    path.write_text('{"sets": ', encoding="utf-8")
    with pytest.raises(ValueError, match="made again") as error:
        load_metrics(four_scans, config)
    assert str(path) in str(error.value)


def test_numbers_come_back_from_json_as_they_were(run, config):
    metrics = load_metrics(run, config).of("scan", "SDH")
    (row,) = [r for r in table3(run, config).rows if str(r[0]).startswith("SDH") and r[1] == "sdh"]
    assert row[3] == metrics.models["ensemble-sdh"].auc
    comparison = metrics.comparisons["ensemble-sdh", "ensemble-basic"]
    assert row[7] == comparison.difference
    assert comparison.difference.signed
    difference = (
        metrics.models["ensemble-sdh"].auc.value - metrics.models["ensemble-basic"].auc.value
    )
    assert comparison.difference.value == pytest.approx(difference)


def test_every_contrast_is_measured_once(run, config):
    metrics = load_metrics(run, config)
    for contrast in config.contrasts:
        found = metrics.of("scan", contrast.test_set)
        known = {contrast.model, contrast.against} <= found.models.keys()
        assert ((contrast.model, contrast.against) in found.comparisons) == known
    assert metrics.of("scan", "dumc").comparisons.keys() == {
        (f"{backbone}-aihub-strong", "ensemble-all") for backbone in ("MobileNetV2", "VGG19")
    }
    slices = metrics.of("slice")
    assert len(slices.comparisons) == 2 * 3
    assert all(one.p is None for one in slices.comparisons.values())
    assert np.all([name in slices.models for pair in slices.comparisons for name in pair])


def test_delong_s_test_of_the_run(run, config):
    from ichnet.reporting.measures.model_predictions import load_predictions

    names = ["MobileNetV2-aihub-strong", "MobileNetV2-aihub-weak"]
    predictions = load_predictions(run, names)
    expected = delong_test(predictions.ich, *(predictions.by_model[name] for name in names))
    found = load_metrics(run, config).of("scan").comparisons[names[0], names[1]]
    assert found.p == expected.p
    assert found.standard_error == expected.standard_error
