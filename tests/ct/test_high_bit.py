"""Stored values that do not lie in the lowest bits (retired from the standard) are read right."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.ct.pixels import read_hu

UNSIGNED = np.array([[0, 1, 994, 1054], [2024, 4095, 24, 3000]], np.uint16)
SIGNED = np.array([[-1024, -1, 0, 30], [1000, 2047, -2048, 70]], np.int16)


@pytest.mark.parametrize("bits_above", [0, 0b1111 << 12])
@pytest.mark.parametrize("high_bit", [11, 12, 13, 15])
def test_twelve_unsigned_bits_wherever_they_lie(write_slice, tmp_path, high_bit, bits_above):
    stored = UNSIGNED << (high_bit - 11)
    if high_bit == 11:
        stored |= bits_above  # an overlay, as old scanners kept them there
    path = write_slice(
        tmp_path / "a.dcm",
        stored.astype(np.uint16),
        bits_stored=12,
        HighBit=high_bit,
        RescaleIntercept=-1024,
    )
    expected = UNSIGNED.astype(np.int16) - 1024
    np.testing.assert_array_equal(read_hu(read_header(path)), expected)


@pytest.mark.parametrize("high_bit", [11, 12, 15])
def test_twelve_signed_bits_keep_their_sign(write_slice, tmp_path, high_bit):
    stored = (SIGNED.astype(np.int32) << (high_bit - 11)).astype(np.int16)
    path = write_slice(tmp_path / "a.dcm", stored, bits_stored=12, HighBit=high_bit)
    np.testing.assert_array_equal(read_hu(read_header(path)), SIGNED.clip(-1024))


@pytest.mark.parametrize("high_bit", [10, 16, 3])
def test_bits_that_do_not_fit_are_refused(write_slice, tmp_path, high_bit):
    path = write_slice(tmp_path / "a.dcm", UNSIGNED, bits_stored=12, HighBit=high_bit)
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "bad-header"


def test_compressed_pixels_in_other_bits_are_refused(write_slice, tmp_path):
    path = write_slice(tmp_path / "a.dcm", UNSIGNED << 4, bits_stored=12, HighBit=11)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.HighBit = 15
    dataset.save_as(path)
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "bad-header"
