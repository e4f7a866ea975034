"""Parts of the head are drawn where they lie, and leaving out the rest changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.phantom.field import Points
from ichnet.phantom.region import HALF_SLICE_MM, Box, Region


def points_at(x, y, z):
    arrays = (np.full((1, 1, 1), value, np.float32) for value in (x, y, z, y))
    return Points(*arrays)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_box_is_met_up_to_half_a_slice_beyond_its_sides(axis):
    box = Box((20, -30, -50), (30, -10, -40))
    middle = np.array([25.0, -20.0, -45.0])
    assert box.met_by(points_at(*middle)) == [[True]]
    assert box.met_by(points_at(*(middle * [-1, 1, 1]))) == [[True]]  # the other side
    for bound, outwards in ((box.low, -1), (box.high, 1)):
        for beyond, met in ((HALF_SLICE_MM - 1, True), (HALF_SLICE_MM + 1, False)):
            place = middle.copy()
            place[axis] = bound[axis] + outwards * beyond
            assert box.met_by(points_at(*place)) == [[met]]


@pytest.mark.parametrize("z_mm", [-30.0, -45.0, -70.0, -92.0, -115.0])
def test_a_slice_is_the_same_when_every_part_is_drawn_everywhere(plain, cut, monkeypatch, z_mm):
    seen = cut(plain, z_mm).hu
    drawn = []
    monkeypatch.setattr(
        Box, "met_by", lambda box, points: drawn.append(box) or np.ones(points.x.shape[:2], bool)
    )
    whole = cut(plain, z_mm).hu
    assert len(drawn) >= 8  # the parts of the face, and of the neck where it is
    np.testing.assert_allclose(seen, whole, atol=0.01)


def test_there_is_no_region_where_no_point_meets_the_box():
    assert Region.around(Box((0, 0, 0), (1, 1, 1)), None, points_at(50, 50, 50), None) is None
