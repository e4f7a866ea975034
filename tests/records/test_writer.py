"""Cases on the networks' grid, shards and tables of a record set, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.ct.errors import Exclusion
from ichnet.files import whole_path
from ichnet.records import writer as writer_module
from ichnet.records.example import SCHEMA_VERSION
from ichnet.records.schema import parse_slice
from ichnet.records.writer import RecordSetWriter, encode_case


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(writer_module, "SLICES_PER_SHARD", 3)


def records_of(path: Path) -> list[dict[str, tf.Tensor]]:
    return [parse_slice(one, 32) for one in tf.data.TFRecordDataset(str(path))]


def test_slices_are_encoded_in_order_with_what_is_known_of_the_scan(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}), image))
    assert [record.slice_index for record in records] == [0, 1, 2]
    assert [int(record.hu[5, 5]) for record in records] == [20, 21, 22]
    assert [record.labels.tolist() for record in records] == [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0],
    ]
    for record in records:
        assert record.hu.dtype == np.int16
        assert record.scan_labels.tolist() == [1, 0, 0, 0, 0, 1]
        assert (record.pixel_spacing_mm, record.slice_spacing_mm) == (4.0, 5.0)
        # 16 pixels of 4 x 4 x 5 mm
        np.testing.assert_allclose(record.volume_ml, [1.28, 0, 0, 0, 0, 1.28])
    assert records[1].mask is not None
    np.testing.assert_array_equal(np.argwhere(records[1].mask == 16)[[0, -1]], [[8, 10], [11, 13]])


def test_only_the_wanted_slices_are_encoded_by_their_index_in_the_scan(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}), image, wanted=[2, 0]))
    assert [record.slice_index for record in records] == [0, 2]
    assert [int(record.hu[0, 0]) for record in records] == [20, 22]
    # the volume is the scan's, not that of the slices chosen
    np.testing.assert_allclose(records[0].volume_ml[0], 1.28)


def test_nobody_drew_is_no_mask(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}, outlined=False), image))
    assert all(record.mask is None for record in records)
    assert all(np.isnan(record.volume_ml).all() for record in records)


def test_pixels_beyond_the_image_are_air(make_case, image):
    wider = replace(image, field_of_view_mm=image.field_of_view_mm * 2)
    record = list(encode_case(make_case(2, {1: "SDH"}), wider))[1]
    assert record.pixel_spacing_mm == 8.0
    # 32 pixels of 4 mm are the middle 16 of 32 pixels of 8 mm
    assert (record.hu[8:24, 8:24] == 21).all()
    assert (record.hu[:8] == -1024).all()
    assert (record.hu[:, 24:] == -1024).all()
    # 4 x 4 pixels of 4 mm become 2 x 2 of 8 mm
    assert record.mask is not None
    assert np.argwhere(record.mask == 16).tolist() == [[12, 13], [12, 14], [13, 13], [13, 14]]


@pytest.mark.parametrize(
    ("scans", "files", "counts"),
    [
        ([3, 2], ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"], [3, 2]),
        ([3, 3], ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"], [3, 3]),
        ([7], [f"train-{i:05d}-of-00003.tfrecord" for i in range(3)], [3, 3, 1]),
        ([1], ["train-00000-of-00001.tfrecord"], [1]),
    ],
)
def test_shards_are_filled_in_order(
    make_case, write_records, tmp_path, small_shards, scans, files, counts
):
    cases = [make_case(i, {}, slices=slices) for i, slices in enumerate(scans)]
    write_records(tmp_path / "set", {"train": cases})
    found = sorted((tmp_path / "set").glob("*.tfrecord"))
    assert [path.name for path in found] == files
    assert [len(records_of(path)) for path in found] == counts
    hu = [int(record["hu"][0, 0]) for path in found for record in records_of(path)]
    assert hu == [10 * i + j for i, slices in enumerate(scans) for j in range(slices)]


def test_splits_that_come_mixed_are_kept_apart(make_case, image, tmp_path, small_shards):
    with RecordSetWriter(tmp_path / "set", image) as writer:
        for number, split in enumerate(["train", "validation", "train", "validation"]):
            writer.add(make_case(number, {}, slices=2), split)
        writer.finish([], {})
    found = sorted((tmp_path / "set").glob("*.tfrecord"))
    assert {path.name: [int(one["hu"][0, 0]) for one in records_of(path)] for path in found} == {
        "train-00000-of-00002.tfrecord": [0, 1, 20],
        "train-00001-of-00002.tfrecord": [21],
        "validation-00000-of-00002.tfrecord": [10, 11, 30],
        "validation-00001-of-00002.tfrecord": [31],
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


def test_scans_of_which_some_slices_are_wanted_count_those(make_case, image, tmp_path):
    with RecordSetWriter(tmp_path / "set", image) as writer:
        writer.add(make_case(1, {1: "IPH"}, slices=6), "train", wanted=[4, 1])
        writer.finish([], {})
    assert writer.scans[0]["slices"] == 2
    assert [row["slice_index"] for row in writer.slices] == [1, 4]


def test_info_is_written_last(make_case, image, tmp_path, monkeypatch):
    def no_exclusions(*_):
        raise OSError("disk full")

    with RecordSetWriter(tmp_path / "set", image) as writer:
        writer.add(make_case(1, {}), "train")
        monkeypatch.setattr(writer_module, "write_exclusions", no_exclusions)
        with pytest.raises(OSError, match="disk full"):
            writer.finish([], {})
        assert not (tmp_path / "set" / "info.json").exists()


def test_info_and_exclusions_say_what_they_were_given(make_case, image, tmp_path):
    with RecordSetWriter(tmp_path / "set", image) as writer:
        writer.add(make_case(1, {}), "train")
        writer.finish([Exclusion(Path("a/b.dcm"), "truncated", "cut, off")], {"cohort": "aihub"})
    info = json.loads((tmp_path / "set" / "info.json").read_text())
    assert info == {"schema": SCHEMA_VERSION, "cohort": "aihub"}
    assert (tmp_path / "set" / "excluded.csv").read_text().splitlines() == [
        "file,reason,detail",
        'a/b.dcm,truncated,"cut, off"',
    ]


def test_an_exception_leaves_no_folder_and_keeps_the_old_one(
    make_case, write_records, image, tmp_path
):
    folder = tmp_path / "set"

    def fail():
        with whole_path(folder) as temporary, RecordSetWriter(temporary, image) as writer:
            writer.add(make_case(1, {}), "train")
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        fail()
    assert list(tmp_path.iterdir()) == []
    write_records(folder, {"train": [make_case(2, {})]})
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RuntimeError, match="interrupted"):
        fail()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_the_same_cases_give_the_same_files(make_case, write_records, tmp_path):
    for name in ("first", "second"):
        write_records(tmp_path / name, {"train": [make_case(1, {1: "IPH"}), make_case(2, {})]})
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("first", "second")
    )
    assert first == second


def test_a_folder_that_is_there_is_not_added_to(image, tmp_path):
    with pytest.raises(FileExistsError):
        RecordSetWriter(tmp_path, image)
