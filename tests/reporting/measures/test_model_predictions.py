from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.reporting.measures.model_predictions import exclusive_subtypes, load_predictions
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions


def write_scans(
    run: RunFolder, model: str, cohort: str, rows: list[tuple[str, object, float]]
) -> None:
    write_predictions(
        (
            {"cohort": cohort, "scan_id": scan, "patient_id": "p", "ANY": ich, "probability": p}
            for scan, ich, p in rows
        ),
        SCAN_COLUMNS,
        scans_path(run.predictions(model), cohort),
    )


def test_models_are_joined_scan_by_scan_whatever_the_order_of_their_files(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_scans(run, "a", "dumc", [("s2", 0, 0.2), ("s1", 1, 0.1)])
    write_scans(run, "b", "dumc", [("s1", 1, 0.9), ("s2", 0, 0.8)])

    predictions = load_predictions(run, ["a", "b"])

    assert predictions.truth["scan_id"].tolist() == ["s1", "s2"]
    assert predictions.ich.tolist() == [True, False]
    assert predictions.by_model["a"].tolist() == [0.1, 0.2]
    assert predictions.by_model["b"].tolist() == [0.9, 0.8]


def test_missing_models_and_cohorts_are_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_scans(run, "a", "dumc", [("s1", 1, 0.1), ("s2", 0, 0.1)])

    predictions = load_predictions(run, ["a", "b"])

    assert predictions.cohorts == ("dumc",)
    assert predictions.missing == {"b": "no predictions for dumc"}
    assert predictions.notes == ("Qure.ai CQ500: no scan predictions, left out.",)
    assert predictions.describe() == "2 scans (1 with, 1 without ICH) of DUMC"


def test_a_model_that_lacks_a_cohort_of_the_others_is_missing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_scans(run, "a", "dumc", [("s1", 1, 0.1)])
    write_scans(run, "a", "cq500", [("s2", 1, 0.1)])
    write_scans(run, "b", "dumc", [("s1", 1, 0.1)])

    predictions = load_predictions(run, ["a", "b"])

    assert list(predictions.by_model) == ["a"]
    assert predictions.missing == {"b": "no predictions for cq500"}


def test_without_any_predictions_everything_is_missing(tmp_path: Path) -> None:
    predictions = load_predictions(RunFolder(tmp_path), ["a"])

    assert len(predictions) == 0
    assert predictions.missing == {"a": "no predictions for dumc, cq500"}


def test_scans_of_unknown_truth_are_left_out_and_counted(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_scans(run, "a", "dumc", [("s1", 1, 0.1), ("s2", None, 0.5), ("s3", 0, 0.3)])
    write_scans(run, "a", "cq500", [("s4", None, 0.1)])

    predictions = load_predictions(run, ["a"])

    assert predictions.truth["scan_id"].tolist() == ["s1", "s3"]
    assert predictions.by_model["a"].tolist() == [0.1, 0.3]
    assert predictions.cohorts == ("dumc",)
    assert predictions.notes == (
        "DUMC: truth unknown for 1 of 3 scans, left out.",
        "Qure.ai CQ500: truth unknown for 1 of 1 scans, left out.",
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([("s1", 1, 0.1)], "cover 1 and 2 units"),
        ([("s1", 1, 0.1), ("s3", 0, 0.1)], "disagree on scan_id .first at scan s3"),
        ([("s1", 0, 0.1), ("s2", 0, 0.1)], "disagree on ANY .first at scan s1"),
        ([("s1", 1, np.nan), ("s2", 0, 0.1)], "scan s1 has no probability"),
    ],
)
def test_predictions_that_cannot_be_compared_are_refused(
    tmp_path: Path, other: list[tuple[str, object, float]], message: str
) -> None:
    run = RunFolder(tmp_path)
    write_scans(run, "a", "dumc", [("s1", 1, 0.1), ("s2", 0, 0.1)])
    write_scans(run, "b", "dumc", other)

    with pytest.raises(ValueError, match=message):
        load_predictions(run, ["a", "b"])


def test_exclusive_subtypes() -> None:
    one, nan = 1.0, np.nan
    truth = {
        "ANY": np.array([1, 1, 1, 0, nan]),
        "EDH": np.array([0, 0, nan, 0, nan]),
        "IPH": np.array([0, one, nan, 0, nan]),
        "IVH": np.array([0, one, nan, 0, nan]),
        "SAH": np.array([one, 0, nan, 0, nan]),
        "SDH": np.array([0, 0, nan, 0, nan]),
    }

    assert exclusive_subtypes(truth).tolist() == ["SAH", "mixed", "none", "", ""]


def test_small_lesions_are_above_zero_and_up_to_the_limit(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    volumes = {"s1": 5.0, "s2": 5.01, "s3": 0.0, "s4": None, "s5": 0.1}
    write_predictions(
        (
            {"cohort": "dumc", "scan_id": scan, "ANY": 1, "probability": 0.5, "volume_ml": ml}
            for scan, ml in volumes.items()
        ),
        SCAN_COLUMNS,
        scans_path(run.predictions("a"), "dumc"),
    )

    assert load_predictions(run, ["a"]).small(5.0).tolist() == [True, False, False, False, True]
