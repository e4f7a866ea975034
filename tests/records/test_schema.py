"""A slice comes back from its bytes as it went in."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from ichnet.records.example import SliceRecord
from ichnet.records.schema import parse_slice, parse_training_batch

MATRIX = 4

HU = np.array(
    [[-1024, -1000, -1, 0], [1, 37, 62, 80], [400, 1000, 3071, 32767], [-5, -60, -100, -500]],
    np.int16,
)
BITS = np.array([[0, 1, 2, 4], [8, 16, 31, 18], [0, 0, 0, 0], [0, 0, 0, 1]], np.uint8)


def record(mask=BITS, labels=(1, 1, 1, 1, 1, 1), volume_ml=(6.0, 1.0, 2.0, 0.5, 0.25, 4.0)):
    return SliceRecord(
        hu=HU,
        mask=mask,
        labels=np.array(labels, np.int8),
        scan_labels=np.array([1, 0, 1, 0, -1, 1], np.int8),
        scan_id="0123456789abcdef",
        patient_id="fedcba9876543210",
        slice_index=17,
        pixel_spacing_mm=1.796875,
        slice_spacing_mm=4.5,
        volume_ml=np.array(volume_ml),
    )


def parsed(one: SliceRecord) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in parse_slice(one.serialize(), MATRIX).items()}


def test_hu_come_back_as_float32():
    hu = parsed(record())["hu"]
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, HU)  # [4, 4]


def test_mask_bits_come_back_and_the_mask_is_any_of_them():
    slice_ = parsed(record())
    np.testing.assert_array_equal(slice_["mask_bits"], BITS)
    np.testing.assert_array_equal(
        slice_["mask"], [[0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]]
    )
    assert slice_["mask"].dtype == np.float32
    assert slice_["mask_bits"].dtype == np.uint8
    assert slice_["has_mask"]


def test_without_an_outline_the_mask_is_zero_and_says_so():
    slice_ = parsed(record(mask=None))
    assert not slice_["has_mask"]
    np.testing.assert_array_equal(slice_["mask"], np.zeros((4, 4)))
    np.testing.assert_array_equal(slice_["mask_bits"], np.zeros((4, 4)))


def test_an_empty_outline_is_an_outline():
    slice_ = parsed(record(mask=np.zeros((4, 4), np.uint8)))
    assert slice_["has_mask"]
    assert not slice_["mask"].any()


def test_unknown_labels_and_volumes_stay_unknown():
    slice_ = parsed(record(labels=(-1, -1, 0, 1, -1, 0), volume_ml=[np.nan] * 6))
    np.testing.assert_array_equal(slice_["labels"], np.float32([-1, -1, 0, 1, -1, 0]))
    np.testing.assert_array_equal(slice_["scan_labels"], np.float32([1, 0, 1, 0, -1, 1]))
    assert np.isnan(slice_["volume_ml"]).all()
    assert slice_["volume_ml"].shape == (6,)


def test_names_and_numbers_come_back():
    slice_ = parsed(record())
    assert slice_["scan_id"] == b"0123456789abcdef"
    assert slice_["patient_id"] == b"fedcba9876543210"
    assert slice_["slice_index"] == 17
    assert slice_["pixel_spacing_mm"] == 1.796875
    assert slice_["slice_spacing_mm"] == 4.5
    np.testing.assert_array_equal(slice_["volume_ml"], [6, 1, 2, 0.5, 0.25, 4])


def test_the_same_slice_gives_the_same_bytes():
    assert record().serialize() == record().serialize()
    assert record().serialize() != record(labels=(0, 0, 0, 0, 0, 0)).serialize()


@pytest.mark.parametrize("byte_order", ["<i2", ">i2"])
def test_bytes_do_not_depend_on_the_byte_order_in_memory(byte_order):
    one = record()
    other = SliceRecord(**{**vars(one), "hu": HU.astype(byte_order)})
    assert other.serialize() == one.serialize()


def test_batches_for_training_hold_the_same_as_slices():
    records = [record(), record(mask=None, labels=(-1, 0, 0, 0, 0, 0))]
    batch = parse_training_batch(tf.constant([one.serialize() for one in records]), MATRIX)
    draws = batch.pop("outline_draw").numpy()
    assert (draws.shape, draws.dtype) == ((2,), np.float32)
    assert np.all((draws >= 0) & (draws < 1))
    assert set(batch) == {"hu", "mask", "labels"}
    for number, one in enumerate(records):
        slice_ = parsed(one)
        for name, values in batch.items():
            assert values.dtype == slice_[name].dtype
            np.testing.assert_array_equal(values[number], slice_[name], err_msg=name)


def test_a_batch_of_another_matrix_is_refused():
    """Four slices of 4 x 4 have as many pixels as one of 8 x 8."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_training_batch(tf.constant([record().serialize()] * 4), 8)


def test_shapes_are_known_inside_a_graph():
    dataset = tf.data.Dataset.from_tensors(record().serialize())
    spec = dataset.map(lambda one: parse_slice(one, MATRIX)).element_spec
    assert {name: tuple(value.shape) for name, value in spec.items()} == {
        "hu": (4, 4),
        "mask": (4, 4),
        "mask_bits": (4, 4),
        "has_mask": (),
        "labels": (6,),
        "scan_labels": (6,),
        "volume_ml": (6,),
        "scan_id": (),
        "patient_id": (),
        "slice_index": (),
        "pixel_spacing_mm": (),
        "slice_spacing_mm": (),
    }


def test_another_matrix_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_slice(record().serialize(), 5)
