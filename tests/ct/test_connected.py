"""Pieces are joined across slices as they would be in three dimensions at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from ichnet.ct.connected import largest_piece


def at(*places, shape=(3, 6, 7)):
    voxels = np.zeros(shape, bool)
    for place in places:
        voxels[place] = True
    return voxels


@pytest.mark.parametrize(
    ("bridge", "kept"),
    [((1, 1, 1), 4), ((1, 2, 2), 4), ((1, 4, 4), 2), ((2, 1, 1), 2)],
    ids=["through a face", "through a corner", "not at all", "by a slice that does not touch"],
)
def test_slices_are_joined_where_voxels_touch(bridge, kept):
    # two above one another at each end of the head, and one between them
    voxels = at((0, 1, 1), (0, 0, 0), (2, 1, 1), bridge)
    assert largest_piece(voxels, (0, 0)).sum() == kept


def test_all_neighbours_of_a_pixel_are_joined():
    """Four pieces of a slice, which meet nowhere but at one voxel of the slice below."""
    corners = [(1, 1, 1), (1, 1, 3), (1, 3, 1), (1, 3, 3)]
    voxels = at((0, 2, 2), *corners)
    np.testing.assert_array_equal(largest_piece(voxels, (0, 0)), voxels)


def test_ends_of_rows_and_of_slices_do_not_meet():
    voxels = at((0, 2, 6), (0, 3, 0), (0, 3, 1), (1, 0, 6), (0, 5, 6))
    np.testing.assert_array_equal(largest_piece(voxels, (0, 0)), at((0, 3, 0), (0, 3, 1)))


def test_gaps_are_bridged_within_a_slice_only():
    voxels = at((0, 1, 1), (0, 1, 4), (2, 1, 1), (2, 4, 1), (2, 1, 6))
    np.testing.assert_array_equal(largest_piece(voxels, (0, 1)), at((0, 1, 1), (0, 1, 4)))


@pytest.mark.parametrize("reach_px", [(0, 0), (1, 1), (2, 1)])
def test_as_labelled_in_three_dimensions(reach_px):
    rng = np.random.default_rng(5)
    kernel = np.ones((2 * reach_px[0] + 1, 2 * reach_px[1] + 1), np.uint8)
    compared = 0
    for _ in range(60):
        voxels = rng.random(rng.integers(2, 14, 3)) < rng.uniform(0.01, 0.25)
        wide = np.stack([cv2.dilate(one, kernel) for one in voxels.astype(np.uint8)])
        pieces = ndimage.label(wide, np.ones((3, 3, 3)))[0] * voxels
        sizes = np.bincount(pieces[voxels], minlength=1)
        if np.count_nonzero(sizes == sizes.max()) == 1 and voxels.any():
            compared += 1
            np.testing.assert_array_equal(largest_piece(voxels, reach_px), pieces == sizes.argmax())
    assert compared > 30
