from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.table import Table
from ichnet.reporting.tables.table2 import table2
from ichnet.runs import RunFolder
from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    scans_path,
    slices_path,
    write_predictions,
)

# ICH, and what each arm says: AUC 5/6, 4/6 and 1
SCANS = {
    "s1": (1, {"rsna-weak": 0.9, "aihub-weak": 0.9, "aihub-strong": 0.9}),
    "s2": (1, {"rsna-weak": 0.8, "aihub-weak": 0.35, "aihub-strong": 0.8}),
    "s3": (1, {"rsna-weak": 0.3, "aihub-weak": 0.3, "aihub-strong": 0.5}),
    "s4": (0, {"rsna-weak": 0.1, "aihub-weak": 0.1, "aihub-strong": 0.1}),
    "s5": (0, {"rsna-weak": 0.4, "aihub-weak": 0.4, "aihub-strong": 0.2}),
}


def write_arm(run: RunFolder, arm: str, scans: dict[str, tuple[int, dict[str, float]]]) -> None:
    folder = run.predictions(f"MobileNetV2-{arm}")
    for columns, path in (
        (SCAN_COLUMNS, scans_path(folder, "dumc")),
        (SLICE_COLUMNS, slices_path(folder, "dumc")),
    ):
        rows = (
            {
                "cohort": "dumc",
                "scan_id": scan,
                "patient_id": f"p-{scan}",
                "ANY": ich,
                **(
                    {"slice_index": 0, "score": probability[arm]}
                    if columns is SLICE_COLUMNS
                    else {"probability": probability[arm]}
                ),
            }
            for scan, (ich, probability) in scans.items()
        )
        write_predictions(rows, columns, path)


@pytest.fixture
def one_network(config: Config) -> Config:
    return replace(config, classifiers=replace(config.classifiers, backbones=("MobileNetV2",)))


def cells(table: Table, row: int) -> dict[str, str]:
    return dict(zip(table.columns, map(str, table.rows[row]), strict=True))


def test_cells_by_scan(tmp_path: Path, one_network: Config) -> None:
    run = RunFolder(tmp_path)
    for arm in ("rsna-weak", "aihub-weak", "aihub-strong"):
        write_arm(run, arm, SCANS)

    arms, contrast, _, _ = table2(run, one_network)

    assert [row[1] for row in arms.rows] == ["RSNA, weak", "AI-Hub, weak", "AI-Hub, strong"]
    first = cells(arms, 0)
    assert first["AUC"].startswith("0.833 (")
    assert first["Sensitivity"].startswith("0.667 (")
    assert first["Specificity"] == "1.000 (1.000–1.000)"
    assert [first[name] for name in ("AUC difference", "SE", "p", "p, Holm")] == [
        "reference",
        "–",
        "–",
        "–",
    ]
    strong = cells(arms, 2)
    assert strong["AUC"] == "1.000 (1.000–1.000)"
    assert strong["Sensitivity"] == "1.000 (1.000–1.000)"  # .5 at a threshold of .5 is positive
    assert strong["AUC difference"].startswith("+0.167 (")
    # placements 1, 1, 1/2 against 1, 1, 1 and 1, 2/3 against 1, 1:
    # variance 1/12 / 3 + 1/18 / 2 = 1/18; z = 1/6 / .2357 = .7071
    assert strong["SE"] == "0.2357"
    assert strong["p"] == "0.480"
    assert strong["p, Holm"] == "0.959"  # twice the smaller of two
    assert cells(contrast, 0)["AUC difference"].startswith("+0.333 (")
    assert "Scan level; 5 scans (3 with, 2 without ICH) of DUMC." in arms.caption
    assert "Qure.ai CQ500: no scan predictions, left out." in arms.notes


def test_cells_by_slice_have_patient_intervals_and_no_p(
    tmp_path: Path, one_network: Config
) -> None:
    run = RunFolder(tmp_path)
    for arm in ("rsna-weak", "aihub-weak", "aihub-strong"):
        write_arm(run, arm, SCANS)

    _, _, slices, contrast = table2(run, one_network)

    assert slices.columns == (
        "Network",
        "Training",
        "AUC",
        "Sensitivity",
        "Specificity",
        "AUC difference",
    )
    auc = slices.rows[0][2]
    assert isinstance(auc, Estimate)
    assert auc.value == pytest.approx(5 / 6)
    assert 0 <= auc.low < auc.value <= auc.high
    assert cells(contrast, 0)["AUC difference"].startswith("+0.333 (")
    assert slices.caption.startswith("Slice level; 5 slices (3 with, 2 without ICH) of DUMC.")


def test_a_missing_arm_is_a_dash_and_a_note(tmp_path: Path, one_network: Config) -> None:
    run = RunFolder(tmp_path)
    for arm in ("rsna-weak", "aihub-strong"):
        write_arm(run, arm, SCANS)

    arms, contrast, _, _ = table2(run, one_network)

    assert set(arms.rows[1][2:]) == {"–"}
    assert str(arms.rows[2][6]).startswith("+0.167")
    assert contrast.rows[0][6] == "–"
    assert "MobileNetV2-aihub-weak: no predictions for dumc." in arms.notes
    assert "MobileNetV2-aihub-weak: no predictions for dumc." in contrast.notes


def test_one_class_gives_dashes_and_the_reason(tmp_path: Path, one_network: Config) -> None:
    run = RunFolder(tmp_path)
    write_arm(run, "rsna-weak", {scan: row for scan, row in SCANS.items() if row[0]})

    arms = table2(run, one_network)[0]

    assert {cell for row in arms.rows for cell in row[2:]} == {"–"}
    assert arms.caption.endswith("No numbers: 3 with and 0 without ICH, two of each are needed.")


def test_nothing_predicted(tmp_path: Path, config: Config) -> None:
    for table in table2(RunFolder(tmp_path), config):
        assert {cell for row in table.rows for cell in row[2:]} == {"–"}
        assert len(table.notes) >= 6  # two cohorts, and each model
