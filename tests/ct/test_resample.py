"""Slices, masks and maps between the scan's grid and the networks'."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.ct.resample import axis_weights, from_matrix, mask_to_matrix, to_matrix
from ichnet.ct.volume import AIR_HU

IPH, SDH = 2, 16


def disc(size: int, spacing_mm: float, x_mm: float, y_mm: float, radius_mm: float) -> np.ndarray:
    """A float32 disc [1, size, size]; coordinates from the centre of the image."""
    at_mm = (np.arange(size) - (size - 1) / 2) * spacing_mm
    inside = np.hypot(at_mm[None, :] - x_mm, at_mm[:, None] - y_mm) <= radius_mm
    return inside[None].astype(np.float32)


def centroid_mm(pixels: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Centre of mass of a slice [size, size], (y, x) from the centre of the image."""
    at_mm = (np.arange(len(pixels)) - (len(pixels) - 1) / 2) * spacing_mm
    return np.array([pixels.sum(1) @ at_mm, pixels.sum(0) @ at_mm]) / pixels.sum()


# axis weights, by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        # four pixels of 1 mm into two of 2 mm: plain averages of two
        ((4, 1.0), (2, 2.0), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]),
        # three of 1 mm into two of 1.5 mm: the middle pixel is shared
        ((3, 1.0), (2, 1.5), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]]),
        # two of 1 mm under four of 1 mm: the target reaches beyond the source
        ((2, 1.0), (4, 1.0), [[0, 0], [1, 0], [0, 1], [0, 0]]),
        # two of 1 mm under two of 1.5 mm: a third of each target pixel lies outside
        ((2, 1.0), (2, 1.5), [[2 / 3, 0], [0, 2 / 3]]),
        # two of 2 mm into four of 1 mm: linear between centres, constant to the edges
        ((2, 2.0), (4, 1.0), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]),
        # two of 2 mm under six of 1 mm: linear inside, nothing outside
        ((2, 2.0), (6, 1.0), [[0, 0], [1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1], [0, 0]]),
    ],
)
def test_weights_of_an_axis(source, target, expected):
    assert axis_weights(*source, *target) == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("spacing_mm", [0.37, 0.488, 0.68, 1.0, 2.7])
@pytest.mark.parametrize("size", [63, 64, 100])
def test_weights_sum_to_one_inside_the_source(size, spacing_mm):
    inside = axis_weights(size, spacing_mm, 16, size * spacing_mm * 0.9 / 16)
    assert inside.sum(axis=1) == pytest.approx(np.ones(16), abs=1e-6)


# images -------------------------------------------------------------------------------------------


def test_a_constant_image_stays_constant_and_what_lies_outside_is_air():
    image = np.full((2, 40, 40), 37, np.int16)
    result = to_matrix(image, (1.0, 1.0), matrix=16, field_of_view_mm=64)
    assert result.shape == (2, 16, 16)
    assert result.dtype == np.float32
    # 16 pixels of 4 mm cover 64 mm, the image 40 mm: pixels 3 to 12 are inside
    assert result[:, 3:13, 3:13] == pytest.approx(np.full((2, 10, 10), 37.0), abs=1e-3)
    result[:, 3:13, 3:13] = AIR_HU
    assert np.all(result == AIR_HU)


@pytest.mark.parametrize("size", [32, 33])
def test_equal_grids_change_nothing(size):
    image = np.random.default_rng(1).integers(-1024, 3000, (3, size, size)).astype(np.int16)
    result = to_matrix(image, (0.47, 0.47), matrix=size, field_of_view_mm=0.47 * size)
    assert result == pytest.approx(image, abs=2e-3)


def test_shrinking_averages_every_pixel():
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    result = to_matrix(image, (1.0, 1.0), matrix=2, field_of_view_mm=4)
    assert result == pytest.approx(np.array([[2.5, 4.5], [10.5, 12.5]]), abs=1e-3)


def test_enlarging_interpolates_linearly():
    image = np.array([[0, 40], [0, 40]], np.int16)
    result = to_matrix(image, (2.0, 2.0), matrix=4, field_of_view_mm=4)
    assert result == pytest.approx(np.tile([0, 10, 30, 40], (4, 1)), abs=1e-3)


def test_unequal_spacings_give_square_pixels():
    # 20 rows of 2 mm and 40 columns of 1 mm are the same 40 mm: a square stays a square
    image = np.full((20, 40), -1000, np.int16)
    image[5:15, 10:30] = 50
    result = to_matrix(image, (2.0, 1.0), matrix=20, field_of_view_mm=40)
    expected = np.full((20, 20), -1000.0)
    expected[5:15, 5:15] = 50
    assert result == pytest.approx(expected, abs=1e-3)


def test_rows_and_columns_are_not_exchanged():
    image = np.zeros((8, 8), np.int16)
    image[0, 7] = 100
    result = to_matrix(image, (1.0, 1.0), matrix=4, field_of_view_mm=8)
    assert result[0, 3] == pytest.approx(25, abs=1e-3)
    assert np.count_nonzero(np.abs(result) > 1e-3) == 1


def test_the_centre_of_an_image_that_is_not_square_maps_to_the_centre():
    image = np.full((10, 30), -1000, np.int16)
    image[4:6, 14:16] = 0
    result = to_matrix(image, (1.0, 1.0), matrix=20, field_of_view_mm=20)
    assert np.argwhere(result > -1).tolist() == [[9, 9], [9, 10], [10, 9], [10, 10]]


def test_the_square_is_centred_where_it_is_told():
    image = np.arange(64).reshape(8, 8)
    result = to_matrix(image, (1.0, 1.0), 4, 4, centre_mm=(1.0, -2.0))
    # rows 3 to 6 and columns 0 to 3: a pixel down, two to the left of the middle ones
    assert result == pytest.approx(image[3:7, 0:4].astype(float), abs=1e-3)
    mask = (image == 8 * 4 + 1).astype(np.uint8)
    assert np.argwhere(mask_to_matrix(mask, (1.0, 1.0), 4, 4, (1.0, -2.0))).tolist() == [[1, 1]]


def test_what_the_square_shows_beside_the_image_is_air():
    result = to_matrix(np.zeros((4, 4), np.int16), (1.0, 1.0), 4, 4, centre_mm=(0.0, 1.5))
    assert result[0] == pytest.approx(np.array([0, 0, -512, -1024]), abs=1e-3)


# masks --------------------------------------------------------------------------------------------


def test_every_bit_is_resampled_by_itself():
    mask = np.zeros((1, 4, 4), np.uint8)
    mask[0, :2, :2] = IPH
    mask[0, 1:, 1:] |= SDH
    result = mask_to_matrix(mask, (1.0, 1.0), matrix=2, field_of_view_mm=4)
    # SDH covers 1, 2, 2 and 4 quarters of the four pixels
    assert result.tolist() == [[[IPH, SDH], [SDH, SDH]]]
    assert result.dtype == np.uint8


def test_a_single_pixel_survives_from_512_to_128_in_its_place():
    mask = np.zeros((2, 512, 512), np.uint8)
    mask[1, 200, 301] = SDH
    mask[1, 100:120, 100:120] = IPH
    result = mask_to_matrix(mask, (0.45, 0.45), matrix=128, field_of_view_mm=230.4)
    assert np.argwhere(result[1] & SDH).tolist() == [[50, 75]]
    assert np.count_nonzero(result[1] & IPH) == 25
    assert not result[0].any()


def test_a_line_too_thin_for_any_pixel_keeps_its_area():
    mask = np.zeros((1, 64, 64), np.uint8)
    mask[0, 33, :32] = SDH
    result = mask_to_matrix(mask, (1.0, 1.0), matrix=16, field_of_view_mm=64)
    # 32 pixels of 1 mm2 are two of 16 mm2, on the row of 4 mm that holds the line
    assert np.unique(np.nonzero(result[0])[0]).tolist() == [8]
    assert np.count_nonzero(result) == 2


def test_the_area_of_a_mask_is_conserved():
    mask = disc(512, 0.45, 10, -20, 22).astype(np.uint8)
    result = mask_to_matrix(mask, (0.45, 0.45), matrix=128, field_of_view_mm=230)
    area_mm2 = np.count_nonzero(mask) * 0.45**2
    assert np.count_nonzero(result) * (230 / 128) ** 2 == pytest.approx(area_mm2, rel=0.01)
    coverage = to_matrix(mask, (0.45, 0.45), matrix=128, field_of_view_mm=230) - AIR_HU
    outside = to_matrix(np.zeros_like(mask), (0.45, 0.45), 128, 230) - AIR_HU
    assert (coverage - outside).sum() * (230 / 128) ** 2 == pytest.approx(area_mm2, rel=1e-4)


def test_a_lesion_outside_of_the_field_of_view_is_lost():
    mask = np.zeros((1, 64, 64), np.uint8)
    mask[0, 0, 0] = IPH
    assert not mask_to_matrix(mask, (1.0, 1.0), matrix=16, field_of_view_mm=32).any()


# and back -----------------------------------------------------------------------------------------


def test_there_and_back_a_disc_stays_where_it_was():
    spacing_mm, size = 0.488, 512
    original = disc(size, spacing_mm, x_mm=31.3, y_mm=-17.9, radius_mm=15)
    small = to_matrix(original + AIR_HU, (spacing_mm, spacing_mm), 128, 230) - AIR_HU
    small = small.round(3)  # without what float32 leaves of air, which adds up over the matrix
    back = from_matrix(small, (spacing_mm, spacing_mm), size, size, 230)
    assert back.shape == (1, size, size)
    assert back.dtype == np.float32
    shift_px = (centroid_mm(back[0], spacing_mm) - centroid_mm(original[0], spacing_mm)) / 0.488
    assert np.abs(shift_px).max() < 0.1
    assert np.count_nonzero(back >= 0.5) == pytest.approx(original.sum(), rel=0.01)


def test_the_way_back_is_zero_outside_of_the_field_of_view():
    back = from_matrix(np.ones((1, 8, 8), np.float32), (1.0, 2.0), 24, 12, 16)
    expected = np.zeros((24, 12))
    expected[4:20, 2:10] = 1
    assert back[0] == pytest.approx(expected, abs=1e-6)


def test_the_way_back_of_a_square_beside_the_centre():
    maps = np.arange(1, 17, dtype=np.float32).reshape(1, 4, 4)
    back = from_matrix(maps, (1.0, 1.0), 8, 8, 4, centre_mm=(1.0, -2.0))
    expected = np.zeros((8, 8))
    expected[3:7, 0:4] = maps[0]
    assert back[0] == pytest.approx(expected, abs=1e-6)


def test_the_way_back_averages_where_the_scan_is_coarser():
    maps = np.zeros((1, 8, 8), np.float32)
    maps[0, 0, 0] = 1
    back = from_matrix(maps, (2.0, 2.0), 4, 4, 8)
    assert back[0, 0, 0] == pytest.approx(0.25)
    assert back.sum() == pytest.approx(0.25)
