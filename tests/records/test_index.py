"""Records by number; files that are cut, damaged or missing are named."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow as tf

from ichnet.records.index import RecordIndex
from ichnet.records.record_set import RecordSetError
from ichnet.records.tfrecord import TFRecordFile, read_record, record_spans

CONTENTS = [[b"first", b"", b"third" * 100], [b"fourth"], []]
"""Of three files; the second record is empty, and so is the last file."""

NAMES = [f"train-{index:05d}-of-00003.tfrecord" for index in range(3)]


@pytest.fixture
def folder(tmp_path):
    for name, contents in zip(NAMES, CONTENTS, strict=True):
        with TFRecordFile(tmp_path / name) as file:
            for content in contents:
                file.write(content)
    return tmp_path


def test_spans_are_where_the_contents_lie(folder):
    # 12 bytes of header before a content, 4 of checksum after it
    assert record_spans(folder / NAMES[0]) == [(12, 5), (33, 0), (49, 500)]
    assert record_spans(folder / NAMES[2]) == []
    assert read_record(folder / NAMES[0], 12, 5) == b"first"


def test_records_are_found_by_number_in_any_order(folder):
    index = RecordIndex.open(folder, "train", 4, {})
    numbers = [3, 0, 2, 0, 1]
    expected = [b"fourth", b"first", b"third" * 100, b"first", b""]
    assert list(index.read(np.array(numbers))) == expected
    pipeline = tf.data.Dataset.from_tensors(np.array(numbers)).map(index.read_in_graph)
    (found,) = pipeline.as_numpy_iterator()
    assert list(found) == expected


@pytest.mark.parametrize("size", [1, 13, 25, 36, 549, 552])
def test_a_file_that_was_cut_off_is_named(folder, size):
    """Inside of a header, a content or a checksum; records end at 21, 37 and 553 bytes."""
    os.truncate(folder / NAMES[0], size)
    records = sum(end <= size for end in (21, 37, 553))
    with pytest.raises(RecordSetError, match=f"{NAMES[0]}: cut off after {records} records"):
        RecordIndex.open(folder, "train", 4, {})


def test_a_file_of_known_size_that_was_cut_between_records_is_named(folder):
    os.truncate(folder / NAMES[0], 37)
    with pytest.raises(RecordSetError) as raised:
        RecordIndex.open(folder, "train", 4, {NAMES[0]: 553, NAMES[1]: 22})
    assert str(raised.value) == (
        f"{folder / NAMES[0]}: this shard of the records holds 37 bytes of 553; copy it again, or "
        "prepare the set again"
    )


def test_a_file_of_unknown_size_that_was_cut_between_records_is_found_by_their_number(folder):
    os.truncate(folder / NAMES[0], 37)
    with pytest.raises(RecordSetError) as raised:
        RecordIndex.open(folder, "train", 4, {})
    assert str(raised.value) == (f"{folder}: 3 records in split 'train', but slices.csv lists 4")


def test_a_file_that_did_not_arrive_is_named(folder):
    (folder / NAMES[1]).unlink()
    with pytest.raises(RecordSetError, match=f"{NAMES[1]}: this shard of the records is missing"):
        RecordIndex.open(folder, "train", 4, {})
    with pytest.raises(RecordSetError, match="missing"):
        record_spans(folder / NAMES[1])
    with pytest.raises(RecordSetError, match="no records in split 'test'"):
        RecordIndex.open(folder, "test", 4, {})


@pytest.mark.parametrize(("byte", "found"), [(0, "opening"), (14, "reading")])
def test_a_damaged_byte_is_found(folder, byte, found):
    path = folder / NAMES[0]
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    if found == "opening":
        with pytest.raises(RecordSetError, match="damaged at byte 0, or no TFRecord file"):
            RecordIndex.open(folder, "train", 4, {})
        return
    index = RecordIndex.open(folder, "train", 4, {})
    with pytest.raises(RecordSetError, match=f"{NAMES[0]}: the record at byte 12 is damaged"):
        index.read(np.array([0]))
