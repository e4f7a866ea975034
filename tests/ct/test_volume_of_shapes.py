"""Volumes in mL of shapes whose volume is known, on tilted, irregular stacks read from DICOM."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions

AXES_MM = st.tuples(*[st.floats(15, 28)] * 3)


def stack(
    tilt_degrees: float, yaw_degrees: float, pixel_mm: tuple[float, float], gaps_mm: np.ndarray
) -> Volume:
    """Return an empty stack whose centre is the origin of the patient's frame.

    The gantry is tilted about the left-right axis, and the table moves straight up: the slices are
    shifted against each other within their planes, as in any tilted series.
    """
    tilt, yaw = np.radians([tilt_degrees, yaw_degrees])
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    along_row = turn @ [1, 0, 0]
    along_column = turn @ [0, np.cos(tilt), -np.sin(tilt)]
    orientation = np.concatenate([along_row, along_column])
    normal = slice_normal(orientation)
    rows, columns = int(90 / pixel_mm[0]), int(90 / pixel_mm[1])
    heights_mm = np.concatenate([[0], np.cumsum(gaps_mm)])
    heights_mm -= heights_mm.mean()
    corner = (
        along_row * pixel_mm[1] * (columns - 1) / 2 + along_column * pixel_mm[0] * (rows - 1) / 2
    )
    positions_mm = np.array([[0, 0, height / normal[2]] for height in heights_mm]) - corner
    hu = np.zeros((len(heights_mm), rows, columns), np.int16)
    spacing_mm = slice_spacing_from_positions(positions_mm, normal)
    return Volume(hu, pixel_mm, orientation, positions_mm, spacing_mm, "s", "p")


def inside_ellipsoid(volume: Volume, axes_mm: tuple[float, float, float]) -> np.ndarray:
    """Return which pixels lie in an ellipsoid at the origin, bool [slices, rows, columns]."""
    _, rows, columns = volume.hu.shape
    row_mm, column_mm = volume.pixel_spacing_mm
    across = np.arange(columns)[None, :, None] * column_mm * volume.orientation[:3]
    down = np.arange(rows)[:, None, None] * row_mm * volume.orientation[3:]
    places = volume.positions_mm[:, None, None, :] + (across + down)[None]
    return ((places / np.array(axes_mm)) ** 2).sum(axis=-1) <= 1


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    AXES_MM,
    st.floats(-28, 28),
    st.floats(-15, 15),
    st.tuples(st.floats(0.4, 0.7), st.floats(0.4, 0.7)),
    st.floats(0.6, 5.0),
)
def test_ellipsoids_on_regular_stacks_are_within_2_percent(axes_mm, tilt, yaw, pixel_mm, gap_mm):
    volume = stack(tilt, yaw, pixel_mm, np.full(int(70 / gap_mm), gap_mm))
    pixels = inside_ellipsoid(volume, axes_mm).sum(axis=(1, 2))
    expected_ml = 4 / 3 * np.pi * np.prod(axes_mm) / 1000
    assert pixels @ volume.voxel_ml == pytest.approx(expected_ml, rel=0.02)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(AXES_MM, st.floats(-28, 28), st.lists(st.sampled_from([2.5, 3.0, 4.0, 5.0]), min_size=30))
def test_ellipsoids_on_irregular_stacks_are_within_2_percent(axes_mm, tilt, gaps_mm):
    gaps_mm = np.array(gaps_mm[:30])
    volume = stack(tilt, 0, (0.5, 0.5), gaps_mm)
    pixels = inside_ellipsoid(volume, axes_mm).sum(axis=(1, 2))
    expected_ml = 4 / 3 * np.pi * np.prod(axes_mm) / 1000
    assert pixels @ volume.voxel_ml == pytest.approx(expected_ml, rel=0.02)
