from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import Config
from ichnet.reporting.tables.table import Table
from ichnet.reporting.tables.table3 import baselines_table, table3
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions

# SDH, SAH, volume, then what basic and all say
ICH = {
    "s1": (1, 0, 4.0, 0.9, 0.9),
    "s2": (1, 1, 5.0, 0.8, 0.8),
    "s3": (0, None, None, 0.3, 0.7),
}
NORMAL = {"n1": (0.1, 0.1), "n2": (0.4, 0.2)}


@pytest.fixture
def two_ensembles(config: Config) -> Config:
    combinations = {name: config.ensembles.combinations[name] for name in ("basic", "all")}
    return replace(config, ensembles=replace(config.ensembles, combinations=combinations))


def write_ensembles(run: RunFolder, names: tuple[str, ...] = ("basic", "all")) -> None:
    for name in names:
        which = ("basic", "all").index(name)
        rows: list[dict[str, object]] = [
            {
                "scan_id": s,
                "ANY": 1,
                "SDH": sdh,
                "SAH": sah,
                "volume_ml": ml,
                "probability": p[which],
            }
            for s, (sdh, sah, ml, *p) in ICH.items()
        ]
        rows += [
            {"scan_id": s, "ANY": 0, "SDH": 0, "SAH": 0, "volume_ml": 0.0, "probability": p[which]}
            for s, p in NORMAL.items()
        ]
        write_predictions(
            ({"cohort": "dumc", **row} for row in rows),
            SCAN_COLUMNS,
            scans_path(run.predictions(f"ensemble-{name}"), "dumc"),
        )


def row(table: Table, start: str, ensemble: str) -> dict[str, str]:
    found = [r for r in table.rows if str(r[0]).startswith(start) and r[1] == ensemble]
    assert len(found) == 1
    return dict(zip(table.columns, map(str, found[0]), strict=True))


def test_cells(tmp_path: Path, two_ensembles: Config) -> None:
    run = RunFolder(tmp_path)
    write_ensembles(run)

    table = table3(run, two_ensembles)

    assert list(dict.fromkeys(r[0] for r in table.rows)) == [
        "All (3 ICH, 2 normal)",
        "SDH (2 ICH, 2 normal)",
        "SAH (1 ICH, 2 normal)",
        "Small (2 ICH, 2 normal)",
    ]
    basic, final = row(table, "All", "basic"), row(table, "All", "all")
    assert basic["AUC"].startswith("0.833 (")
    assert basic["Sensitivity"] == "0.667 (0.094–0.992)"  # Clopper-Pearson, 2 of 3
    assert basic["Specificity"] == "1.000 (0.158–1.000)"  # 2 of 2
    assert basic["AUC difference"] == "reference"
    assert basic["Models"] == "1 + 2"
    assert final["Models"] == "1 + 2 + 3 + 4 + 5"
    assert final["AUC difference"].startswith("+0.167 (")
    assert (final["SE"], final["p"], final["p, Holm"]) == ("0.2357", "0.480", "0.480")
    assert row(table, "SDH", "basic")["AUC"] == "1.000 (1.000–1.000)"
    assert set(list(row(table, "SAH", "all").values())[3:]) == {"–"}
    assert "SAH: no numbers, 1 with and 2 without ICH, two of each are needed." in table.caption


def test_identical_models_do_not_differ(tmp_path: Path, two_ensembles: Config) -> None:
    run = RunFolder(tmp_path)
    write_ensembles(run)

    sdh = row(table3(run, two_ensembles), "SDH", "all")

    assert sdh["AUC difference"] == "+0.000 (+0.000 to +0.000)"
    assert sdh["p"] == "1.000"


def test_scans_of_unknown_subtype_or_volume_are_counted(
    tmp_path: Path, two_ensembles: Config
) -> None:
    run = RunFolder(tmp_path)
    write_ensembles(run)

    notes = table3(run, two_ensembles).notes

    assert "SAH: subtype unknown for 1 of 3 scans with ICH, which are not in it." in notes
    assert "Small: volume unknown for 1 of 3 scans with ICH, which are not in it." in notes
    assert not any(note.startswith("SDH:") for note in notes)


def test_a_test_set_without_hemorrhage_is_dashes_with_the_reason(
    tmp_path: Path, two_ensembles: Config
) -> None:
    run = RunFolder(tmp_path)
    write_ensembles(run)
    none_small = replace(
        two_ensembles, selection=replace(two_ensembles.selection, small_lesion_ml=1.0)
    )

    table = table3(run, none_small)

    assert set(list(row(table, "Small", "all").values())[3:]) == {"–"}
    assert "Small: no numbers, 0 with and 2 without ICH, two of each are needed." in table.caption


def test_without_basic_there_is_nothing_to_compare_with(
    tmp_path: Path, two_ensembles: Config
) -> None:
    run = RunFolder(tmp_path)
    write_ensembles(run, ("all",))

    table = table3(run, two_ensembles)

    assert row(table, "All", "basic")["AUC"] == "–"
    assert row(table, "All", "all")["AUC"] == "1.000 (1.000–1.000)"
    assert row(table, "All", "all")["AUC difference"] == "–"
    assert "ensemble-basic: no predictions for dumc." in table.notes


@pytest.mark.slow
def test_baselines_are_tested_against_the_basic_ensemble_on_the_same_scans(run, config):
    table, ensembles = baselines_table(run, config), table3(run, config)
    models = [row[1] for row in table.rows[:11]]
    assert models[0] == "ensemble-basic"
    assert models[1:6] == [
        f"segmenter-{name}" for name in ("all", "subtype", "sdh", "sah", "small")
    ]
    assert models[6:] == [
        "baseline-mean",
        "baseline-maximum",
        "baseline-nnls",
        "baseline-threshold",
        "ensemble-all",
    ]
    assert len(table.rows) == 44
    heads = {row[0] for row in table.rows}
    assert heads == {row[0] for row in ensembles.rows}
    basic = [row for row in ensembles.rows if row[1] == "basic"]
    assert [row[3:] for row in table.rows if row[1] == "ensemble-basic"] == [
        row[3:] for row in basic
    ]
    assert not table.notes
