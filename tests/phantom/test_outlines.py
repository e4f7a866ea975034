"""Outlines as a person draws them, on small images."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.outlines import outlined
from ichnet.subtypes import bit_of


def test_outlines_are_where_blood_fills_half_a_pixel():
    share = np.zeros((4, 4), np.float32)
    share[1, 1:4] = [1.0, 0.6, 0.4]
    mask = outlined([{"EDH": share}, {"EDH": np.zeros_like(share)}], 4, pixel_mm=5.0)
    assert mask.shape == (2, 4, 4)
    wanted = np.zeros((4, 4), np.uint8)
    wanted[1, 1:3] = bit_of("EDH")
    np.testing.assert_array_equal(mask[0], wanted)
    assert not mask[1].any()


def test_a_small_lesion_that_fills_no_pixel_half_is_outlined_still():
    share = np.zeros((3, 3), np.float32)
    share[1, 1], share[1, 2] = 0.2, 0.05
    mask = outlined([{"IPH": share}], 3, pixel_mm=1.0)
    assert np.flatnonzero(mask[0]).tolist() == [4]


def test_specks_are_not_outlined_beside_something_larger():
    """Pixels of 4 mm2: nobody draws around two of them, three are 12 mm2."""
    share = np.zeros((6, 6), np.float32)
    share[0, :3] = share[3:5, 5] = 1.0
    mask = outlined([{"SAH": share}], 6, pixel_mm=2.0)
    assert np.flatnonzero(mask[0]).tolist() == [0, 1, 2]
