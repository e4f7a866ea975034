"""Geometry of a volume, by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ichnet.ct.volume import slice_normal, slice_spacing_from_positions

UP = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("orientation", "normal"),
    [
        ([1, 0, 0, 0, 1, 0], [0, 0, 1]),
        ([-1, 0, 0, 0, 1, 0], [0, 0, 1]),
        ([0, 1, 0, 1, 0, 0], [0, 0, 1]),
        ([1, 0, 0, 0, 0.8, -0.6], [0, 0.6, 0.8]),
        ([1, 0, 0, 0, -0.8, 0.6], [0, 0.6, 0.8]),
        ([2, 0, 0, 0, 2, 0], [0, 0, 1]),
        ([0, 1, 0, 0, 0, -1], [-1, 0, 0]),
    ],
)
def test_the_normal_points_to_the_head(orientation, normal):
    assert slice_normal(np.array(orientation, float)) == pytest.approx(np.array(normal))


@pytest.mark.parametrize(
    ("heights_mm", "spacing_mm"),
    [
        ([0, 5], [5, 5]),
        ([0, 5, 10], [5, 5, 5]),
        ([0, 4, 5, 12], [4, 2.5, 4, 7]),
        ([-3, -1, 5], [2, 4, 6]),
    ],
)
def test_a_slice_stands_for_half_of_either_gap(heights_mm, spacing_mm):
    positions_mm = np.array([[7.0, -2.0, height] for height in heights_mm])
    assert slice_spacing_from_positions(positions_mm, UP).tolist() == spacing_mm


def test_only_the_gap_along_the_normal_counts():
    positions_mm = np.array([[0.0, 0.0, 0.0], [30.0, 40.0, 5.0]])
    assert slice_spacing_from_positions(positions_mm, UP).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("heights_mm", "message"),
    [([0], "single slice"), ([0, 0], "share a position"), ([5, 0], "out of order")],
)
def test_spacing_is_refused_where_it_is_unknown(heights_mm, message):
    positions_mm = np.array([[0.0, 0.0, height] for height in heights_mm])
    with pytest.raises(ValueError, match=message):
        slice_spacing_from_positions(positions_mm, UP)


def test_the_volume_of_a_voxel(make_volume):
    # 0.5 x 0.4 mm pixels; slices stand for 4, 5 and 6 mm
    volume = make_volume(np.zeros((3, 2, 2)), pixel_spacing_mm=(0.5, 0.4), gaps_mm=[4, 6])
    assert volume.voxel_ml == pytest.approx(np.array([0.0008, 0.001, 0.0012]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hu": np.zeros((3, 2, 2), np.float32)}, "int16"),
        ({"hu": np.zeros((3, 2), np.int16)}, "int16"),
        ({"hu": np.zeros((4, 2, 2), np.int16)}, "4 slices need positions"),
        ({"positions_mm": np.zeros((2, 3))}, "3 slices need positions"),
        ({"slice_spacing_mm": np.ones(2)}, "3 slices need positions"),
        ({"sop_instance_uids": ("1", "2")}, "3 slices but 2 instance UIDs"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(make_volume, changes, message):
    volume = make_volume(np.zeros((3, 2, 2)))
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(volume, **changes)
