"""The head is found by its skull, followed where it lies beside the centre, and refused if cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ellipsoid_heads import GAP_MM, HEIGHTS_MM, SLICES, SPACING_MM, head_hu

from ichnet.ct.dicom import read_series, read_series_and_skull
from ichnet.ct.errors import ReadError
from ichnet.ct.head import (
    OFF_CENTRE_MM,
    caution_about_base,
    find_skull,
    head_centre_mm,
    require_head,
)
from ichnet.ct.resample import to_matrix

KEY = bytes(32)


def spacings(hu) -> np.ndarray:
    return np.full(len(hu), GAP_MM)


def centre(hu, spacing_mm=SPACING_MM):
    return head_centre_mm(find_skull(hu, spacing_mm, spacings(hu)))


def refusal(make_volume, hu, spacing_mm=SPACING_MM) -> str:
    volume = make_volume(hu, pixel_spacing_mm=spacing_mm, gaps_mm=GAP_MM)
    skull = find_skull(hu, spacing_mm, volume.slice_spacing_mm)
    try:
        require_head(volume, skull, Path("a.dcm"))
    except ReadError as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("down_mm", "right_mm"), [(60, 0), (-40, 0), (0, 40), (0, -60), (25, -25), (14.5, 14.5)]
)
def test_the_middle_of_a_head_beside_the_centre(down_mm, right_mm):
    hu = head_hu(down_mm, right_mm, size=(200, 220))
    assert centre(hu) == pytest.approx((down_mm, right_mm), abs=1.01)  # half a pixel


@pytest.mark.parametrize(("down_mm", "right_mm"), [(0, 0), (18, 0), (0, -18), (12, 12)])
def test_a_head_near_the_centre_is_not_followed(down_mm, right_mm):
    assert np.hypot(down_mm, right_mm) < OFF_CENTRE_MM
    assert centre(head_hu(down_mm, right_mm)) == (0.0, 0.0)


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5), (0.5, 1.0), (0.7, 0.7)])
def test_fine_and_oblong_pixels(spacing_mm):
    coarse = head_hu(30, -24, size=(160, 160))[:, :, :]
    repeats = [round(2 / mm) for mm in spacing_mm]
    fine = coarse.repeat(repeats[0], axis=1).repeat(repeats[1], axis=2)
    factors = [mm * repeat / 2 for mm, repeat in zip(spacing_mm, repeats, strict=True)]
    expected = (30 * factors[0], -24 * factors[1])
    assert centre(fine, spacing_mm) == pytest.approx(expected, abs=1.5)


def test_neither_arms_nor_a_table_are_taken_for_the_head():
    hu = head_hu(0, 40, size=(128, 200))
    hu[:, 60:68, 4:12] = 1200  # a bone of an arm
    hu[:, 124:126, :] = 100  # a table
    assert centre(hu) == pytest.approx((0, 40), abs=1.01)


def test_an_opened_skull_is_found():
    hu = head_hu(0, 40, size=(128, 200))
    hu[:, :, 60:90][hu[:, :, 60:90] == 1000] = 30  # the right side is gone
    down_mm, right_mm = centre(hu)
    assert (down_mm, right_mm) == pytest.approx((0, 40), abs=12)
    assert right_mm > 30


def test_chin_and_spine_do_not_move_the_head():
    heights_mm = np.arange(-120, 70, GAP_MM)
    hu = head_hu(30, 0, size=(160, 128), heights_mm=heights_mm)
    hu[:12, 10:120, 40:90] = 1000  # below the cranium, at its front
    assert centre(hu) == pytest.approx((30, 0), abs=2)


def test_the_cranium_is_the_uppermost_100_mm():
    hu = head_hu(heights_mm=np.arange(-70, 66, 5.0))
    skull = find_skull(hu, SPACING_MM, np.full(len(hu), 5.0))
    assert skull is not None
    # the topmost slice, number 27 at 65 mm, shows 56 cm2; number 7 lies at -35 mm
    assert skull.slices.tolist() == list(range(7, 28))


@pytest.mark.parametrize("hu", [np.full((20, 64, 64), -1000), np.full((20, 64, 64), 40)])
def test_no_bone_is_no_head(make_volume, hu):
    assert centre(hu.astype(np.int16)) == (0.0, 0.0)
    assert refusal(make_volume, hu) == "no-head"


def test_four_pixels_are_no_head(make_volume):
    assert refusal(make_volume, head_hu()[:, 62:66, 62:66]) == "no-head"
    assert refusal(make_volume, np.full((20, 4, 4), 1000)) == "no-head"


def test_a_whole_head_is_judged(make_volume):
    assert refusal(make_volume, head_hu()) == ""
    assert refusal(make_volume, head_hu(60, 30, size=(220, 220))) == ""


@pytest.mark.parametrize("shift_hu", [-577, -1024, 400])
def test_a_brain_of_another_density_is_none(make_volume, shift_hu):
    hu = head_hu(brain_hu=30 + shift_hu, skull_hu=1000)
    assert refusal(make_volume, hu) == "no-head"


@pytest.mark.parametrize("shift", [{"down_mm": 45}, {"down_mm": -45}, {"right_mm": 70}])
def test_a_head_that_leaves_the_image_is_incomplete(make_volume, shift):
    # 128 pixels are 128 mm to either side; the head reaches 12 or 17 mm beyond: half of it skull
    assert refusal(make_volume, head_hu(**shift)) == "incomplete-head"


def test_a_skull_that_alone_leaves_the_image_does_not_matter(make_volume):
    assert refusal(make_volume, head_hu(down_mm=37)) == ""  # 4 mm of 8


def test_a_head_that_leaves_the_circle_of_reconstruction_is_incomplete(make_volume):
    hu = head_hu(size=(82, 82))  # 164 mm for 190
    y, x = np.mgrid[:82, :82] - 40.5
    padded = np.where(np.hypot(x, y) <= 41, hu, -1024)
    assert refusal(make_volume, padded) == "incomplete-head"
    padded[:, 0, 40] = -1023  # no pixel of a corner
    assert refusal(make_volume, padded) == "incomplete-head"


def test_half_a_head_is_incomplete(make_volume):
    assert refusal(make_volume, head_hu()[: SLICES // 2]) == "incomplete-head"


def test_a_scan_that_ends_2_cm_below_the_vertex_is_judged(make_volume):
    below_mm = HEIGHTS_MM[HEIGHTS_MM < 55]
    assert refusal(make_volume, head_hu(heights_mm=below_mm)) == ""


def test_the_networks_see_the_same_head_wherever_it_lies():
    middle = to_matrix(head_hu(size=(220, 220)), SPACING_MM, 64, 230)
    beside = head_hu(60, -80, size=(220, 220))
    followed = to_matrix(beside, SPACING_MM, 64, 230, centre(beside))
    assert np.abs(followed - middle).max() < 1  # shifted by whole pixels
    assert np.abs(to_matrix(beside, SPACING_MM, 64, 230) - middle).max() > 1000


def test_a_series_carries_the_centre_of_its_head(write_series, tmp_path):
    files = write_series(
        tmp_path, head_hu(40, 0, size=(170, 128)), GAP_MM, PixelSpacing=list(SPACING_MM)
    )
    assert read_series(files, KEY).centre_mm == pytest.approx((40, 0), abs=1.01)


def test_a_series_that_was_turned_carries_the_centre_as_turned(write_series, tmp_path):
    hu = head_hu(40, 0, size=(170, 128))[:, ::-1]  # rows from posterior to anterior
    files = write_series(
        tmp_path,
        np.ascontiguousarray(hu),
        GAP_MM,
        PixelSpacing=list(SPACING_MM),
        ImageOrientationPatient=[1, 0, 0, 0, -1, 0],
    )
    volume = read_series(files, KEY)
    assert volume.turn.rows_mirrored
    assert volume.centre_mm == pytest.approx((40, 0), abs=1.01)


def test_the_real_head_is_found_near_the_centre(real_head):
    volume, skull = read_series_and_skull(real_head, KEY)
    assert volume.centre_mm == (0.0, 0.0)
    require_head(volume, skull, real_head[0])


def test_air_above_it_does_not_hide_that_the_vertex_is_missing(make_volume):
    hu = head_hu()
    hu[SLICES // 2 :] = -1000
    assert refusal(make_volume, hu) == "incomplete-head"


def test_the_upper_half_alone_is_told_of(make_volume):
    def caution(hu) -> str:
        volume = make_volume(hu, pixel_spacing_mm=SPACING_MM, gaps_mm=GAP_MM)
        skull = find_skull(hu, SPACING_MM, volume.slice_spacing_mm)
        return caution_about_base(volume, require_head(volume, skull, Path("a.dcm")))

    whole = head_hu()
    assert caution(whole) == ""
    # ten slices of 6 mm, of which all show the skull; 0.6 of the head's 149 mm are 90
    assert caution(whole[SLICES // 2 :]).startswith("only the uppermost 60 mm of the skull")
