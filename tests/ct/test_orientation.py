"""Rows from anterior to posterior, columns from right to left, whatever the file says."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from ichnet.ct.dicom import read_series
from ichnet.ct.orientation import UNTURNED, Grid, Turn, turn_of, turned_grid

KEY = bytes(32)
TURNS = [Turn(*flags) for flags in itertools.product((False, True), repeat=3)]


def layouts() -> list[tuple[float, ...]]:
    """The eight ways an axial slice can be stored, untilted and tilted by 18.5 degrees."""
    found = []
    for angle in (0.0, np.radians(18.5)):
        left = np.array([1.0, 0.0, 0.0])
        posterior = np.array([0.0, np.cos(angle), -np.sin(angle)])
        for x, y in itertools.product((1, -1), repeat=2):
            found.append((*(x * left), *(y * posterior)))
            found.append((*(y * posterior), *(x * left)))
    return found


def stored_slice(orientation: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """HU [4, 6] that tell where pixels lie, 100 for each mm to the left and 4 to posterior; and
    the place [3] of the first one. Rows are 2 mm apart, columns 1 mm."""
    along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
    rows, columns = np.meshgrid(2 * np.arange(4) - 3, np.arange(6) - 2.5, indexing="ij")
    place_mm = columns[..., None] * along_row + rows[..., None] * along_column
    return np.round(100 * place_mm[..., 0] + 4 * place_mm[..., 1]).astype(np.int16), place_mm[0, 0]


@pytest.mark.parametrize("orientation", layouts())
def test_a_series_is_turned_however_it_is_stored(write_slice, tmp_path, orientation):
    stored, first_mm = stored_slice(orientation)
    files = [
        write_slice(
            tmp_path / f"{z}",
            stored,
            [*first_mm[:2], first_mm[2] + z],
            ImageOrientationPatient=[round(cosine, 8) for cosine in orientation],
            PixelSpacing=[2, 1],
        )
        for z in (0, 5)
    ]
    volume = read_series(files, KEY)
    hu = volume.hu.astype(int)
    assert np.all(np.diff(hu, axis=2) > 0), "HU must rise from the patient's right to the left"
    assert np.all(np.diff(hu, axis=1) > 0), "HU must rise from anterior to posterior"
    # places follow the pixels
    row_mm, column_mm = volume.pixel_spacing_mm
    rows, columns = np.indices(hu.shape[1:])
    place_mm = (
        volume.positions_mm[0]
        + columns[..., None] * column_mm * volume.orientation[:3]
        + rows[..., None] * row_mm * volume.orientation[3:]
    )
    expected = 100 * place_mm[..., 0] + 4 * place_mm[..., 1]
    np.testing.assert_allclose(hu[0], expected, atol=0.51)
    assert volume.file_shape == (4, 6)
    np.testing.assert_array_equal(volume.turn.undo(volume.hu), [stored, stored])


def test_a_slice_that_lies_right_keeps_its_bytes(write_series, tmp_path):
    stored = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    volume = read_series(write_series(tmp_path, stored), KEY)
    assert volume.turn == UNTURNED
    np.testing.assert_array_equal(volume.hu, stored)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_is_undone(turn):
    pixels = np.arange(24).reshape(2, 3, 4)
    turned = turn.apply(pixels)
    np.testing.assert_array_equal(turn.undo(turned), pixels)
    assert turn.undo_shape(turned.shape[1:]) == (3, 4)
    assert turned.flags.c_contiguous


def test_a_turn_by_hand():
    pixels = np.array([[1, 2, 3], [4, 5, 6]])
    assert Turn(transposed=True).apply(pixels).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert Turn(rows_mirrored=True).apply(pixels).tolist() == [[4, 5, 6], [1, 2, 3]]
    assert Turn(columns_mirrored=True).apply(pixels).tolist() == [[3, 2, 1], [6, 5, 4]]
    turn = Turn(transposed=True, rows_mirrored=True)
    assert turn.apply(pixels).tolist() == [[3, 6], [2, 5], [1, 4]]


def test_the_first_pixel_of_a_mirrored_grid_by_hand():
    # 3 rows 2 mm apart that run to anterior, 4 columns 1 mm apart that run to the right
    mirrored = Grid((3, 4), (2.0, 1.0), np.array([-1.0, 0, 0, 0, -1, 0]), np.array([[9.0, 7, 5]]))
    turn = turn_of(mirrored.orientation)
    assert turn == Turn(rows_mirrored=True, columns_mirrored=True)
    grid = turned_grid(mirrored, turn)
    assert grid.positions_mm.tolist() == [[9 - 3, 7 - 4, 5]]
    assert grid.orientation.tolist() == [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("degrees", range(0, 360, 15))
def test_a_slice_rotated_in_its_plane_is_turned_to_the_nearest(degrees):
    angle = np.radians(degrees)
    along_row = np.array([np.cos(angle), np.sin(angle), 0])
    along_column = np.array([-np.sin(angle), np.cos(angle), 0])
    orientation = np.concatenate([along_row, along_column])
    grid = Grid((4, 4), (1.0, 1.0), orientation, np.zeros((1, 3)))
    turned = turned_grid(grid, turn_of(orientation)).orientation
    assert turned[0] >= np.cos(np.radians(45)) - 1e-9
    assert turned[4] >= np.cos(np.radians(45)) - 1e-9
    assert turn_of(turned) == UNTURNED


def test_a_volume_of_another_orientation_is_refused(make_volume):
    volume = make_volume(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="from anterior to posterior"):
        dataclasses.replace(volume, orientation=np.array([1.0, 0, 0, 0, -1, 0]))
