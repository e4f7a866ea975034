"""Records are those that TensorFlow would write, byte for byte, without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.records.example import SliceRecord
from ichnet.records.tfrecord import TFRecordFile


def record(mask, volume_ml, slice_index=17, hu_side=4):
    return SliceRecord(
        hu=np.arange(hu_side**2, dtype=np.int16).reshape(hu_side, hu_side) - 1024,
        mask=mask,
        labels=np.array([1, 0, 1, -1, 0, 1], np.int8),
        scan_labels=np.array([1, 0, 1, 0, -1, 1], np.int8),
        scan_id="0123456789abcdef",
        patient_id="fedcba9876543210",
        slice_index=slice_index,
        pixel_spacing_mm=0.8984375,
        slice_spacing_mm=4.7,
        volume_ml=np.array(volume_ml),
    )


def as_tensorflow_writes_it(one: SliceRecord) -> bytes:
    def of_bytes(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def of_integers(values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def of_floats(values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    features = {
        "hu": of_bytes(one.hu.tobytes()),
        "mask": of_bytes(b"" if one.mask is None else one.mask.tobytes()),
        "labels": of_integers(one.labels.tolist()),
        "scan_labels": of_integers(one.scan_labels.tolist()),
        "scan_id": of_bytes(one.scan_id.encode()),
        "patient_id": of_bytes(one.patient_id.encode()),
        "slice_index": of_integers([one.slice_index]),
        "pixel_spacing_mm": of_floats([one.pixel_spacing_mm]),
        "slice_spacing_mm": of_floats([one.slice_spacing_mm]),
        "volume_ml": of_floats(one.volume_ml.tolist()),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


RECORDS = {
    "no mask, volumes unknown": record(None, [np.nan] * 6),
    "mask": record(np.full((4, 4), 31, np.uint8), [6.0, 1.0, 2.0, 0.1, 1e-9, 3e5]),
    "first slice": record(None, [0.0] * 6, slice_index=0),
    "many slices": record(None, [0.0] * 6, slice_index=300_000),
    "lengths of three bytes": record(np.ones((130, 130), np.uint8), [0.0] * 6, hu_side=130),
}


@pytest.mark.parametrize("one", RECORDS.values(), ids=RECORDS.keys())
def test_a_record_is_the_example_of_tensorflow(one):
    assert one.serialize() == as_tensorflow_writes_it(one)


def test_the_sign_of_zero_does_not_matter():
    negative, positive = record(None, [-0.0] * 6), record(None, [0.0] * 6)
    assert negative.serialize() == positive.serialize() == as_tensorflow_writes_it(positive)


def test_a_file_is_the_one_that_tensorflow_writes(tmp_path):
    contents = [b"", b"1", b"\xff" * 1000, *(one.serialize() for one in RECORDS.values())]
    with TFRecordFile(tmp_path / "ours") as ours:
        for content in contents:
            ours.write(content)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as theirs:
        for content in contents:
            theirs.write(content)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    read = tf.data.TFRecordDataset(str(tmp_path / "ours")).as_numpy_iterator()
    assert list(read) == contents


def test_cohorts_are_prepared_without_tensorflow():
    program = (
        "import sys, ichnet.records.prepare; assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], cwd=root, check=True)
