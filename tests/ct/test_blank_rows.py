"""Slices that were never written, or in part, are found between those that were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ellipsoid_heads import GAP_MM, SLICES, SPACING_MM, head_hu

from ichnet.ct.blank_rows import blank_rows, require_written
from ichnet.ct.errors import ReadError
from ichnet.ct.head import find_skull


def refusal(make_volume, hu) -> str:
    volume = make_volume(hu, pixel_spacing_mm=SPACING_MM, gaps_mm=GAP_MM)
    try:
        require_written(volume, find_skull(hu, SPACING_MM, volume.slice_spacing_mm), Path("a.dcm"))
    except ReadError as error:
        return f"{error.reason}: {error.detail}"
    return ""


def test_a_head_is_whole(make_volume):
    assert refusal(make_volume, head_hu()) == ""


@pytest.mark.parametrize("value", [-1024, 0])
@pytest.mark.parametrize("rows", [slice(None), slice(64, None), slice(85, None), slice(0, 40)])
def test_a_slice_is_blank_or_a_part_of_it(make_volume, rows, value):
    hu = head_hu()
    hu[8, rows] = value
    assert refusal(make_volume, hu) == "truncated: slice 9 of 20 is blank, or a part of it"


def test_several_slices_are_blank(make_volume):
    hu = head_hu()
    hu[8:12] = -1024
    assert refusal(make_volume, hu) == "truncated: slice 9 of 20 is blank, or a part of it"


def test_the_lower_slices_are_blank(make_volume):
    hu = head_hu()
    hu[: SLICES // 2] = -1024
    assert refusal(make_volume, hu) == "truncated: slice 1 of 20 is blank, or a part of it"


def test_air_above_the_head_is_no_blank_slice(make_volume):
    hu = np.concatenate([head_hu(), np.full((1, 128, 128), -1024, np.int16)])
    assert refusal(make_volume, hu) == ""


def test_rows_of_one_value_inside_a_region():
    hu = np.array([[5, 5, 5, 5], [-9, -9, -9, 7], [-9, -9, 3, 7], [-9, -9, -9, -9]], np.int16)
    inside = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0]], bool)
    # the first is brighter than water, the third has two values, the fourth two pixels
    assert blank_rows(hu, inside) == 1
