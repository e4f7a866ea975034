"""A record set's tables and files, and patients that may not be on two sides."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ichnet.cohorts.splits import PatientOverlapError
from ichnet.records.record_set import (
    RecordSet,
    RecordSetError,
    read_table,
    require_disjoint_test_patients,
    require_patient_disjoint,
    write_table,
)


@pytest.fixture(scope="module")
def record_set(make_case, write_records, tmp_path_factory) -> RecordSet:
    made = write_records(
        tmp_path_factory.mktemp("records") / "aihub-scans",
        {
            "train": [make_case(1, {1: "IPH"}), make_case(2, {}), make_case(3, {}, patient="p")],
            "validation": [make_case(4, {0: "SDH"}), make_case(5, {}, patient="q")],
            "ensemble": [make_case(6, {})],
        },
    )
    # the writer refuses a patient in two splits; a table that somebody edited may hold one
    table = made.folder / "scans.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",q,", ",p,"), encoding="utf-8")
    return RecordSet.open(made.folder)


def test_tables_are_rows_of_text(record_set):
    assert [row["scan_id"] for row in record_set.scans] == [f"scan{i}" for i in range(1, 7)]
    assert record_set.scans[0]["volume_ml_IPH"] == "1.28"
    assert len(record_set.slices) == 18
    assert record_set.slices[1] == {
        "scan_id": "scan1",
        "split": "train",
        "slice_index": "1",
        "ANY": "1",
        "EDH": "0",
        "IPH": "1",
        "IVH": "0",
        "SAH": "0",
        "SDH": "0",
    }


def test_what_a_set_says_of_itself(record_set):
    assert record_set.matrix == 32
    assert record_set.splits == ("ensemble", "train", "validation")
    assert record_set.info["image"]["field_of_view_mm"] == 128.0
    assert record_set.patients("train") == {
        "patient1": "aihub-scans train",
        "patient2": "aihub-scans train",
        "p": "aihub-scans train",
    }


def test_shards_of_one_split_only(record_set):
    assert record_set.shards("train") == [record_set.folder / "train-00000-of-00001.tfrecord"]
    with pytest.raises(RecordSetError, match=r"aihub-scans: no records in split 'test'"):
        record_set.shards("test")


def test_a_set_without_info_is_unfinished(tmp_path):
    with pytest.raises(RecordSetError, match=r"no finished record set \(no info.json\)"):
        RecordSet.open(tmp_path)


def test_the_fingerprint_is_of_the_content(record_set, make_case, write_records, tmp_path):
    again = write_records(tmp_path / "a", {"train": [make_case(1, {1: "IPH"})]})
    same = write_records(tmp_path / "b", {"train": [make_case(1, {1: "IPH"})]})
    other = write_records(tmp_path / "c", {"train": [make_case(1, {1: "SDH"})]})
    case = make_case(1, {1: "IPH"})
    brighter = replace(case, volume=replace(case.volume, hu=case.volume.hu + np.int16(1)))
    one_hu_more = write_records(tmp_path / "d", {"train": [brighter]})
    assert again.scans == one_hu_more.scans
    assert again.fingerprint != one_hu_more.fingerprint
    assert again.fingerprint == same.fingerprint == RecordSet.open(tmp_path / "a").fingerprint
    assert len({again.fingerprint, other.fingerprint, record_set.fingerprint}) == 3
    assert len(again.fingerprint) == 12


def test_patients_on_both_sides_are_listed(record_set):
    require_patient_disjoint([(record_set, "train"), (record_set, "ensemble")])
    with pytest.raises(PatientOverlapError) as raised:
        require_patient_disjoint(
            (record_set, split) for split in ("train", "ensemble", "validation")
        )
    assert str(raised.value) == (
        "1 patients are on both sides: p (aihub-scans train; aihub-scans validation)"
    )


def test_two_sets_are_compared_as_well(record_set, make_case, write_records, tmp_path):
    other = write_records(
        tmp_path / "dumc",
        {"test": [make_case(1, {}), make_case(2, {}), make_case(9, {})]},
    )
    with pytest.raises(PatientOverlapError) as raised:
        require_patient_disjoint([(record_set, "ensemble"), (record_set, "train"), (other, "test")])
    assert str(raised.value) == (
        "2 patients are on both sides: patient1 (aihub-scans train; dumc test), "
        "patient2 (aihub-scans train; dumc test)"
    )


def test_nobody_is_tested_on_whom_a_set_to_learn_from_knows(
    record_set, make_case, write_records, tmp_path
):
    strangers = write_records(tmp_path / "cq500", {"test": [make_case(9, {})]})
    require_disjoint_test_patients([record_set], [strangers])
    known = write_records(tmp_path / "dumc", {"test": [make_case(2, {}), make_case(8, {})]})
    with pytest.raises(PatientOverlapError) as raised:
        require_disjoint_test_patients([record_set], [strangers, known])
    assert str(raised.value) == (
        "1 patients are on both sides: patient2 (aihub-scans train; dumc test)"
    )


def test_tables_keep_commas_and_empty_cells(tmp_path):
    rows = [{"a": "1,5", "b": ""}, {"a": "", "b": 'x"y'}]
    write_table(rows, ("a", "b"), tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv") == rows


def test_tables_are_read_without_tensorflow():
    program = (
        "import sys, ichnet.records.record_set; assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], cwd=root, check=True)
