"""JPEG 2000 at half its resolution lies where the whole image lies, and is near it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless
from scipy.ndimage import gaussian_filter

from ichnet.ct.dicom import read_listed
from ichnet.ct.header import read_header
from ichnet.ct.jpeg2000 import decode_reduced
from ichnet.ct.orientation import UNTURNED, Turn
from ichnet.ct.reduced import middle_of_whole_mm, reduced_headers
from ichnet.ct.resample import to_matrix
from ichnet.ct.series_headers import SeriesHeaders

ROWS, COLUMNS = 64, 80
SMOOTH = gaussian_filter(np.random.default_rng(0).normal(0, 3000, (3, ROWS, COLUMNS)), (0, 4, 4))
STORED = SMOOTH.clip(-900, 900).astype(np.int16)


@pytest.fixture
def compressed(write_series, tmp_path):
    """The headers of a series as JPEG 2000, pixels of 1 mm."""
    paths = write_series(tmp_path, STORED)
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(path)
    headers = [read_header(path) for path in paths]
    return [replace(header, pixel_spacing_mm=(1.0, 1.0)) for header in headers]


def test_the_half_is_taken_where_its_pixels_are_small_enough(compressed):
    halved = reduced_headers(compressed, 2.0)
    assert halved is not None
    assert halved[0].shape == (32, 40)
    assert halved[0].whole_shape == (64, 80)
    assert halved[0].pixel_spacing_mm == (2.0, 2.0)
    assert halved[0].position_mm == compressed[0].position_mm  # its first pixel is the same one
    assert reduced_headers(compressed, 1.99) is None


def test_what_is_not_jpeg_2000_or_may_have_wrapped_is_read_whole(compressed):
    other = [replace(one, transfer_syntax=pydicom.uid.ExplicitVRLittleEndian) for one in compressed]
    assert reduced_headers(other, 2.0) is None
    wrapped = [replace(one, stored=(12, False), rescale=(1.0, 0.0)) for one in compressed]
    assert reduced_headers(wrapped, 2.0) is None


def test_both_ways_agree_on_the_grid_of_the_networks(compressed):
    halved = reduced_headers(compressed, 2.0)
    assert halved is not None
    whole, half = (read_listed(SeriesHeaders.of(one), bytes(32)) for one in (compressed, halved))
    assert half.hu.shape == (3, 32, 40)
    assert half.centre_mm == (0.5, 0.5)  # (63 / 2 - 31) pixels of 1 mm
    grid = [
        to_matrix(one.hu, one.pixel_spacing_mm, 16, 48.0, one.centre_mm) for one in (whole, half)
    ]
    shifted = to_matrix(half.hu, half.pixel_spacing_mm, 16, 48.0, (0.0, 0.0))
    assert np.abs(grid[1] - grid[0]).mean() < 5
    assert np.abs(shifted - grid[0]).mean() > 10


@pytest.mark.parametrize(
    ("turn", "down_right"),
    [
        (UNTURNED, (0.5, 1.0)),
        (Turn(transposed=True), (1.0, 0.5)),
        (Turn(rows_mirrored=True), (-0.5, 1.0)),
        (Turn(columns_mirrored=True), (0.5, -1.0)),
    ],
)
def test_the_middle_turns_with_the_slices(compressed, turn, down_right):
    header = replace(
        compressed[0],
        shape=(32, 40),
        whole_shape=(64, 80),
        pixel_spacing_mm=(2.0, 4.0),
        reduction=1,
    )
    assert middle_of_whole_mm(header, turn) == down_right


def test_values_are_those_of_the_codestream(compressed):
    dataset = pydicom.dcmread(compressed[0].path)
    codestream = next(generate_frames(dataset.PixelData, number_of_frames=1))
    half = decode_reduced(codestream, (32, 40), 16, True, 1)
    assert half is not None
    assert half.dtype == np.int16
    assert np.abs(half.astype(int) - STORED[0, ::2, ::2]).max() < 60
    assert decode_reduced(codestream, (64, 80), 16, True, 1) is None
    assert decode_reduced(codestream, (32, 40), 12, True, 1) is None
    assert decode_reduced(codestream, (32, 40), 16, False, 1) is None
    assert decode_reduced(codestream, (1, 1), 16, True, 9) is None  # it has fewer levels
    for length in range(45, len(codestream) - 2, 97):
        assert decode_reduced(codestream[:length], (32, 40), 16, True, 1) is None
