"""Files, figures and headline of an evaluated export."""

from __future__ import annotations

import csv
import json

import pytest
from known_answers import write_answers

from ichnet.reporting.pages.external import write_external
from ichnet.runs.external import answers_folder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions

pytestmark = pytest.mark.slow


def test_tables_figures_and_page(tmp_path):
    found = write_external(write_answers(tmp_path, subtypes=True))
    tables = (
        "detection",
        "slices",
        "calibration",
        "reliability",
        "subtypes",
        "outlines",
        "lesions",
    )
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in tables for suffix in ("csv", "md", "html", "tex")
    }
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "roc.png", "roc.svg", "roc.csv", "reliability.png", "reliability.svg",
    }  # fmt: skip
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "7 scans of 7 patients (3 with, 4 without ICH) of own" in page
    assert "truncated 2." in page
    assert "Trained on nobody." in page
    assert page.count("<svg ") == 2
    assert all(f'id="{name}"' in page for name in tables)
    with (tmp_path / "figures" / "roc.csv").open(encoding="utf-8") as handle:
        curves = {row["scans"] for row in csv.DictReader(handle)}
    assert curves == {"Any hemorrhage", "SDH"}  # of the others there are too few

    json.dumps(found, allow_nan=False)
    assert found["scan_auc"][0] == pytest.approx(10 / 12, abs=1e-4)
    assert found["sensitivity"] == [0.6667, 0.2077, 0.9385]
    assert (found["scans"], found["with_ich"], found["threshold"]) == (7, 3, 0.5)
    assert found["dice_by_slice"][0] == 0.25
    assert found["subtype_auc"]["SDH"][0] == 0.9
    assert found["subtype_auc"]["EDH"] is None


def test_without_outlines_and_subtypes(tmp_path):
    found = write_external(write_answers(tmp_path, outlines=False))
    assert found["dice_by_slice"] is found["dice_by_scan"] is found["hausdorff95_mm"] is None
    assert found["subtype_auc"] == {}


def test_scans_of_one_class_have_no_auc_but_a_page(tmp_path):
    write_answers(tmp_path, outlines=False)
    rows = [
        {"cohort": "dumc", "scan_id": scan, "patient_id": scan, "ANY": 0, "probability": 0.2}
        for scan in "de"
    ]
    path = scans_path(answers_folder(tmp_path).predictions("m"), "dumc")
    write_predictions(rows, SCAN_COLUMNS, path)
    found = write_external(tmp_path)
    assert found["scan_auc"] is found["sensitivity"] is found["calibration_slope"] is None
    assert found["specificity"][0] == 1
    assert (tmp_path / "index.html").exists()


def test_a_cohort_of_unknown_truth_is_refused(tmp_path):
    write_answers(tmp_path, outlines=False)
    rows = [{"cohort": "dumc", "scan_id": "u", "probability": 0.5}]
    write_predictions(
        rows, SCAN_COLUMNS, scans_path(answers_folder(tmp_path).predictions("m"), "dumc")
    )
    with pytest.raises(ValueError, match="the truth of no scan of own is known"):
        write_external(tmp_path)
