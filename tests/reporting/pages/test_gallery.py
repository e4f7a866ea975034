from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.reporting.measures.model_predictions import ModelPredictions, load_predictions
from ichnet.reporting.pages.gallery import choose_cases, gallery_page, read_predicted
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions

SCANS = {
    "hit-1": (1, 0.99),
    "hit-2": (1, 0.9),
    "hit-3": (1, 0.8),
    "hit-4": (1, 0.5),  # a probability at the threshold is a hit
    "miss-1": (1, 0.1),
    "miss-2": (1, 0.49),
    "alarm-1": (0, 0.7),
    "alarm-2": (0, 0.5),
    "rejection": (0, 0.49),
}


@pytest.fixture
def predictions(tmp_path: Path) -> ModelPredictions:
    run = RunFolder(tmp_path)
    write_predictions(
        (
            {"cohort": "dumc", "scan_id": scan, "ANY": ich, "probability": p}
            for scan, (ich, p) in SCANS.items()
        ),
        SCAN_COLUMNS,
        scans_path(run.predictions("m"), "dumc"),
    )
    return load_predictions(run, ["m"])


def test_the_three_surest_of_each_kind(predictions: ModelPredictions) -> None:
    gallery = choose_cases(predictions, "m", 0.5)

    assert [case.scan_id for case in gallery.hits] == ["hit-1", "hit-2", "hit-3"]
    assert [case.scan_id for case in gallery.misses] == ["miss-1", "miss-2"]
    assert [case.scan_id for case in gallery.alarms] == ["alarm-1", "alarm-2"]
    assert gallery.counts == {"hits": 4, "misses": 2, "alarms": 2, "rejections": 1}


def test_scans_with_a_picture_come_first(predictions: ModelPredictions) -> None:
    gallery = choose_cases(predictions, "m", 0.5, pictured={"hit-2", "hit-4", "alarm-2"})

    assert [case.scan_id for case in gallery.hits] == ["hit-2", "hit-4", "hit-1"]
    assert [case.scan_id for case in gallery.misses] == ["miss-1", "miss-2"]
    assert [case.scan_id for case in gallery.alarms] == ["alarm-2", "alarm-1"]
    assert gallery.counts == {"hits": 4, "misses": 2, "alarms": 2, "rejections": 1}


def test_cards_tell_truth_volume_and_what_could_not_be_read(
    predictions: ModelPredictions, tmp_path: Path
) -> None:
    (tmp_path / "predictions.csv").write_text("scan_id,model\nhit-1,m\nhit-2,m\n", "utf-8")
    (tmp_path / "excluded.csv").write_text("file,reason,detail\na,truncated,b\n", "utf-8")
    (tmp_path / "hit-1.png").write_bytes(b"png")
    predicted = read_predicted(tmp_path)

    gallery = choose_cases(predictions, "m", 0.5, predicted.pictures)
    page = gallery_page(gallery, predicted, "m", 0.5)

    assert list(predicted.pictures) == ["hit-1"]
    assert "Outlines: m." in str(page["rule"])
    assert "Files that could not be used: 1 (predict/excluded.csv)." in str(page["rule"])
    hits, _, alarms = page["kinds"]  # type: ignore[misc]
    assert hits["count"] == "the most confident of 4 true positives"
    assert hits["cases"][0]["image"] == "data:image/png;base64,cG5n"
    assert hits["cases"][0]["truth"] == "ICH, subtype not stated"
    assert hits["cases"][0]["volume"] == "–"
    assert hits["cases"][1]["image"] == ""
    assert alarms["cases"][0]["truth"] == "normal"


def test_a_folder_without_predictions_has_no_pictures(tmp_path: Path) -> None:
    predicted = read_predicted(tmp_path / "none")

    assert (predicted.pictures, predicted.models, predicted.excluded) == ({}, (), 0)
