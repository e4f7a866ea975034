from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    TEXT_COLUMNS,
    concatenate,
    read_predictions,
    scans_path,
    slices_path,
    write_predictions,
)

SCAN = {
    "cohort": "cq500",
    "scan_id": "00aa",
    "patient_id": "0123456789abcdef",
    "ANY": 1,
    "SDH": 0,
    "volume_ml": 12.5,
    "votes": "110",
    "score": 0.25,
    "probability": 0.5,
}


def test_scan_columns_round_trip(tmp_path):
    path = scans_path(tmp_path / "model", "cq500")
    assert path == tmp_path / "model" / "cq500.scans.csv"
    write_predictions([SCAN, {**SCAN, "scan_id": "00ab", "ANY": 0}], SCAN_COLUMNS, path)
    table = read_predictions(path)
    assert tuple(table) == SCAN_COLUMNS
    assert table["scan_id"].tolist() == ["00aa", "00ab"]  # text, although they look like numbers
    assert table["votes"].tolist() == ["110", "110"]
    assert table["ANY"].tolist() == [1, 0]
    assert table["volume_ml"].tolist() == [12.5, 12.5]
    for column, values in table.items():
        assert values.dtype == (object if column in TEXT_COLUMNS else np.float64)


def test_unknowns_are_empty_cells_and_come_back_as_nan(tmp_path):
    path = tmp_path / "dumc.scans.csv"
    unknown = {"EDH": None, "IPH": np.nan, "IVH": float("nan"), "SAH": np.float32("nan")}
    write_predictions([{"cohort": "dumc", "votes": None, **unknown}], SCAN_COLUMNS, path)
    assert path.read_text().splitlines()[1] == "dumc" + "," * (len(SCAN_COLUMNS) - 1)
    table = read_predictions(path)
    assert all(np.isnan(table[column]).all() for column in (*unknown, "SDH", "score"))
    assert table["votes"].tolist() == [""]


def test_slice_columns_round_trip(tmp_path):
    path = slices_path(tmp_path, "dumc")
    row = {
        "cohort": "dumc",
        "scan_id": "s",
        "patient_id": "p",
        "slice_index": np.int64(3),
        "score": np.float32(0.1),
        "overlap_pixels": 0,
    }
    write_predictions([row], SLICE_COLUMNS, path)
    table = read_predictions(path)
    assert table["slice_index"].tolist() == [3]
    assert table["overlap_pixels"].tolist() == [0]
    assert np.isnan(table["mask_pixels"]).all()
    # nine digits carry a float32 exactly
    assert np.float32(table["score"][0]) == np.float32(0.1)


def test_truth_as_booleans(tmp_path):
    path = tmp_path / "x.scans.csv"
    write_predictions([{"ANY": True, "EDH": np.bool_(False)}], SCAN_COLUMNS, path)
    table = read_predictions(path)
    assert (table["ANY"].tolist(), table["EDH"].tolist()) == ([1], [0])


def test_no_rows(tmp_path):
    path = tmp_path / "x.slices.csv"
    write_predictions([], SLICE_COLUMNS, path)
    table = read_predictions(path)
    assert all(values.shape == (0,) for values in table.values())


def test_a_key_that_is_no_column_leaves_no_file(tmp_path):
    path = tmp_path / "x.scans.csv"
    with pytest.raises(ValueError, match="probabilty"):
        write_predictions([{"probabilty": 0.5}], SCAN_COLUMNS, path)
    assert list(tmp_path.iterdir()) == []


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_another_table_is_refused(tmp_path):
    path = write(tmp_path / "x.csv", "scan_id,probability", "a,0.5")
    with pytest.raises(ValueError, match=r"x\.csv: not a predictions file \(columns scan_id"):
        read_predictions(path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ValueError, match=r"empty\.csv: not a predictions file"):
        read_predictions(tmp_path / "empty.csv")


def test_a_number_that_is_none_is_refused(tmp_path):
    cells = dict.fromkeys(SCAN_COLUMNS, "") | {"volume_ml": "12,5 mL"}
    path = write(
        tmp_path / "x.csv",
        ",".join(SCAN_COLUMNS),
        ",".join(f'"{cell}"' for cell in cells.values()),
    )
    with pytest.raises(ValueError, match=r"x\.csv: column volume_ml: .*12,5 mL"):
        read_predictions(path)


@pytest.mark.parametrize("cells", [5, len(SCAN_COLUMNS) + 1])
def test_a_row_cut_off_is_no_row_of_unknowns(tmp_path, cells):
    whole = ",".join([""] * len(SCAN_COLUMNS))
    path = write(tmp_path / "x.csv", ",".join(SCAN_COLUMNS), whole, ",".join([""] * cells))
    with pytest.raises(ValueError, match=rf"x\.csv: row 3 does not have {len(SCAN_COLUMNS)} cells"):
        read_predictions(path)


def test_concatenate(tmp_path):
    paths = []
    for cohort in ("dumc", "cq500"):
        paths.append(scans_path(tmp_path, cohort))
        write_predictions([{**SCAN, "cohort": cohort}], SCAN_COLUMNS, paths[-1])
    table = concatenate(read_predictions(path) for path in paths)
    assert table["cohort"].tolist() == ["dumc", "cq500"]
    assert table["probability"].tolist() == [0.5, 0.5]
    assert tuple(table) == SCAN_COLUMNS
