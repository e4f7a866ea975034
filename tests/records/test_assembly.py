"""Record sets of scans that a function makes: tables, shards, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.cohorts.splits import PatientOverlapError
from ichnet.config import ImageConfig
from ichnet.ct.errors import ReadError
from ichnet.ct.volume import Volume
from ichnet.records import assembly
from ichnet.records import writer as writer_module
from ichnet.records.assembly import write_record_set
from ichnet.records.example import SCHEMA_VERSION
from ichnet.records.schema import parse_slice
from ichnet.records.source import MadeScans

AS_THEY_ARE = MadeScans(lambda case: case, most_slices=3)


@dataclass(frozen=True)
class Plain:
    """Makes scans of three slices, of as many HU as their number; fit to be sent to a worker."""

    matrix: int = 32

    def __call__(self, number: int) -> Case:
        if number < 0:
            raise ReadError(Path(f"scan{number}"), "truncated", "there are no such scans")
        volume = Volume(
            hu=np.full((3, self.matrix, self.matrix), number, np.int16),
            pixel_spacing_mm=(4.0, 4.0),
            orientation=np.array([1.0, 0, 0, 0, 1, 0]),
            positions_mm=np.array([[0.0, 0, 5 * i] for i in range(3)]),
            slice_spacing_mm=np.full(3, 5.0),
            scan_id=f"scan{number}",
            patient_id=f"patient{number}",
        )
        unknown = np.full((3, 6), UNKNOWN, np.int8)
        return Case("aihub", volume, unknown[0], unknown)


PLAIN = MadeScans(Plain(), most_slices=3)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hu_of(folder: Path) -> dict[str, list[int]]:
    """The HU by which each slice is known, by shard."""
    return {
        path.name: [
            int(parse_slice(one, 32)["hu"][0, 0]) for one in tf.data.TFRecordDataset(str(path))
        ]
        for path in sorted(folder.glob("*.tfrecord"))
    }


def test_tables_cell_by_cell(make_case, write_records, tmp_path):
    write_records(
        tmp_path / "set",
        {
            "train": [make_case(1, {1: "IPH", 2: "EDH"})],
            "test": [make_case(2, {0: "SAH"}, slices=1, patient="p", outlined=False)],
        },
    )
    assert (tmp_path / "set" / "scans.csv").read_text().splitlines() == [
        "cohort,scan_id,patient_id,split,slices,ANY,EDH,IPH,IVH,SAH,SDH,volume_ml_ANY,"
        "volume_ml_EDH,volume_ml_IPH,volume_ml_IVH,volume_ml_SAH,volume_ml_SDH,age_years,sex,votes",
        "aihub,scan1,patient1,train,3,1,1,1,0,0,0,2.56,1.28,1.28,0,0,0,61,F,",
        "aihub,scan2,p,test,1,1,0,0,0,1,0,,,,,,,,,101",
    ]
    assert (tmp_path / "set" / "slices.csv").read_text().splitlines() == [
        "scan_id,split,slice_index,ANY,EDH,IPH,IVH,SAH,SDH",
        "scan1,train,0,0,0,0,0,0,0",
        "scan1,train,1,1,0,1,0,0,0",
        "scan1,train,2,1,1,0,0,0,0",
        "scan2,test,0,,,,,,",
    ]
    assert (tmp_path / "set" / "excluded.csv").read_text().splitlines() == ["file,reason,detail"]


def test_splits_that_come_mixed_are_kept_apart(image, tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "SLICES_PER_SHARD", 6)
    splits = ["train", "validation", "train", "validation", "train"]
    chosen = [(number, split, None) for number, split in enumerate(splits)]
    record_set = write_record_set(chosen, PLAIN, image, tmp_path / "set", {})
    assert hu_of(tmp_path / "set") == {
        "train-00000-of-00002.tfrecord": [0, 0, 0, 2, 2, 2],
        "train-00001-of-00002.tfrecord": [4, 4, 4],
        "validation-00000-of-00001.tfrecord": [1, 1, 1, 3, 3, 3],
    }
    assert record_set.splits == ("train", "validation")


def test_scans_of_which_some_slices_are_wanted_count_those(make_case, image, tmp_path):
    chosen = [(make_case(1, {1: "IPH"}, slices=6), "train", frozenset(["1.2.1.4", "1.2.1.1"]))]
    record_set = write_record_set(chosen, AS_THEY_ARE, image, tmp_path / "set", {})
    assert record_set.scans[0]["slices"] == "2"
    assert [row["slice_index"] for row in record_set.slices] == ["1", "4"]


def test_info_says_what_it_was_given(image, tmp_path):
    info = {"cohort": "aihub"}
    write_record_set([(1, "train", None)], PLAIN, image, tmp_path / "set", info)
    written = json.loads((tmp_path / "set" / "info.json").read_text())
    assert written.pop("image")["matrix"] == 32
    (shard,) = (tmp_path / "set").glob("*.tfrecord")
    assert written.pop("shards") == {shard.name: shard.stat().st_size}
    assert [len(digest) for digest in written.pop("content").values()] == [12]
    assert written == {"schema": SCHEMA_VERSION, "cohort": "aihub"}


@pytest.mark.slow
def test_two_workers_write_what_one_does(image, tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "SLICES_PER_SHARD", 6)
    chosen = [(number, "train", None) for number in range(5)]
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        write_record_set(chosen, PLAIN, image, folder, {}, workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert len(list((tmp_path / "1").glob("*.tfrecord"))) == 3


def test_what_was_interrupted_goes_on(image, tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "SLICES_PER_SHARD", 6)
    chosen = [(number, "train", None) for number in range(5)]
    write_record_set(chosen, PLAIN, image, tmp_path / "at once", {})
    made = []

    def interrupted(self: Plain, number: int) -> Case:
        made.append(number)
        if len(made) == 4:
            raise KeyboardInterrupt
        return make(self, number)

    make = Plain.__call__
    monkeypatch.setattr(Plain, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_record_set(chosen, PLAIN, image, tmp_path / "set", {})
    assert not (tmp_path / "set").exists()
    write_record_set(chosen, PLAIN, image, tmp_path / "set", {})
    assert made == [0, 1, 2, 3, 2, 3, 4]
    assert contents(tmp_path / "set") == contents(tmp_path / "at once")


@pytest.mark.parametrize(
    "other",
    [
        {"source": MadeScans(Plain(16), 3)},
        {"chosen": [(3, "train", None)]},
        {"image": ImageConfig(16, 128.0, ())},
    ],
)
def test_other_scans_begin_anew(image, tmp_path, monkeypatch, other):
    """What another source, other scans or another matrix had begun is not gone on with."""
    arguments = {"chosen": [(2, "train", None)], "source": PLAIN, "image": image}
    folder = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(assembly, "finish", lambda *_: None)  # as if it had been interrupted
        write_record_set(**arguments, folder=folder, info={})
    write_record_set(**{**arguments, **other}, folder=folder, info={})
    write_record_set(**{**arguments, **other}, folder=tmp_path / "alone", info={})
    assert contents(folder) == contents(tmp_path / "alone")


def test_a_scan_that_cannot_be_used_keeps_the_old_set(image, tmp_path):
    write_record_set([(1, "train", None)], PLAIN, image, tmp_path / "set", {})
    before = contents(tmp_path / "set")
    with pytest.raises(ReadError, match="there are no such scans"):
        write_record_set([(-1, "train", None)], PLAIN, image, tmp_path / "set", {})
    assert contents(tmp_path / "set") == before


def test_info_is_written_last(image, tmp_path, monkeypatch):
    def no_exclusions(*_):
        raise OSError("disk full")

    monkeypatch.setattr(assembly, "write_exclusions", no_exclusions)
    with pytest.raises(OSError, match="disk full"):
        write_record_set([(1, "train", None)], PLAIN, image, tmp_path / "set", {})
    assert not list(tmp_path.rglob("info.json"))


def test_a_patient_in_two_splits_is_refused(image, tmp_path):
    with pytest.raises(PatientOverlapError, match="patient1 "):
        write_record_set(
            [(1, "train", None), (1, "test", None)], PLAIN, image, tmp_path / "set", {}
        )
