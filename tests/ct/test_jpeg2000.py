"""JPEG 2000 decoded quickly is what other decoders give, bit for bit, or left to them."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless

from ichnet.ct.header import read_header
from ichnet.ct.jpeg2000 import decode_jpeg2000
from ichnet.ct.pixels import read_hu

TEXTURE = np.random.default_rng(0).normal(30, 300, (33, 48))


@pytest.fixture
def encode(write_slice, tmp_path):
    """Write a slice as JPEG 2000 and return its path and codestream."""

    def write(stored: np.ndarray, bits: int):
        path = write_slice(tmp_path / "slice.dcm", stored, bits_stored=bits)
        dataset = dcmread(path)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(path)
        return path, next(generate_frames(dataset.PixelData, number_of_frames=1))

    return write


@pytest.mark.parametrize(
    ("kind", "bits"), [(np.int16, 16), (np.uint16, 12), (np.uint16, 16), (np.int16, 12)]
)
def test_values_are_exact(encode, kind, bits):
    low = -(1 << bits - 1) if kind == np.int16 else 0
    stored = TEXTURE.clip(low, low + (1 << bits) - 1).astype(kind)
    stored[0, :2] = low, low + (1 << bits) - 1
    path, codestream = encode(stored, bits)
    decoded = decode_jpeg2000(codestream, stored.shape, bits, kind == np.int16)
    assert decoded is not None
    assert decoded.dtype == kind
    np.testing.assert_array_equal(decoded, stored)
    np.testing.assert_array_equal(read_hu(read_header(path)), np.clip(stored, -1024, 32767))


def test_what_differs_from_the_header_is_left_to_others(encode):
    _, codestream = encode(TEXTURE.astype(np.int16), 16)
    assert decode_jpeg2000(codestream, (33, 47), 16, True) is None
    assert decode_jpeg2000(codestream, (33, 48), 16, False) is None
    assert decode_jpeg2000(codestream, (33, 48), 12, True) is None
    assert decode_jpeg2000(codestream[:40], (33, 48), 16, True) is None
    assert decode_jpeg2000(b"\0" * 100, (33, 48), 16, True) is None


def test_a_stream_that_was_cut_is_never_decoded_to_other_values(encode):
    stored = TEXTURE.astype(np.int16)
    _, codestream = encode(stored, 16)
    for length in range(45, len(codestream) - 2, 97):
        assert decode_jpeg2000(codestream[:length], stored.shape, 16, True) is None
