"""JPEG Lossless decoded quickly is what GDCM gives, bit for bit, or left to pydicom."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLosslessSV1

from ichnet.ct.header import read_header
from ichnet.ct.jpeg_lossless import decode_jpeg_lossless
from ichnet.ct.pixels import read_hu

imagecodecs = pytest.importorskip("imagecodecs")

TEXTURE = np.random.default_rng(0).normal(30, 300, (33, 48))


def encoded(stored: np.ndarray, bits: int) -> bytes:
    unsigned = stored.view(np.uint16) & np.uint16((1 << bits) - 1)
    return bytes(imagecodecs.ljpeg_encode(unsigned, bitspersample=bits))


@pytest.mark.parametrize(
    ("kind", "bits"), [(np.int16, 16), (np.uint16, 12), (np.uint16, 16), (np.int16, 12)]
)
def test_values_are_exact(kind, bits):
    low = -(1 << bits - 1) if kind == np.int16 else 0
    stored = TEXTURE.clip(low, low + (1 << bits) - 1).astype(kind)
    decoded = decode_jpeg_lossless(encoded(stored, bits), stored.shape, bits, kind == np.int16)
    assert decoded is not None
    assert decoded.dtype == kind
    np.testing.assert_array_equal(decoded, stored)


def test_a_slice_is_read_as_gdcm_reads_it(write_slice, tmp_path):
    pytest.importorskip("gdcm")
    stored = TEXTURE.astype(np.int16)
    path = write_slice(tmp_path / "slice.dcm", stored)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([encoded(stored, 16)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.save_as(path)
    header = read_header(path)
    assert header.fragments_offset is not None
    read = pydicom.dcmread(path)
    read.pixel_array_options(decoding_plugin="gdcm")
    np.testing.assert_array_equal(read.pixel_array, stored)
    np.testing.assert_array_equal(read_hu(header), stored.clip(-1024))
    assert len(list(generate_frames(read.PixelData, number_of_frames=1))) == 1


def test_what_differs_from_the_header_is_left_to_others():
    codestream = encoded(TEXTURE.astype(np.int16), 16)
    assert decode_jpeg_lossless(codestream, (33, 47), 16, True) is None
    assert decode_jpeg_lossless(codestream, (33, 48), 8, True) is None
    assert decode_jpeg_lossless(b"\0" * 100, (33, 48), 16, True) is None


def test_a_stream_without_its_end_is_left_to_others():
    stored = TEXTURE.astype(np.int16)
    codestream = encoded(stored, 16)
    for length in range(10, len(codestream) - 2, 97):
        assert decode_jpeg_lossless(codestream[:length], stored.shape, 16, True) is None
