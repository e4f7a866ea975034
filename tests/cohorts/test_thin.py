"""Thin slices averaged: extent, volume and labels stay, noise goes."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.cohorts.case import Case
from ichnet.cohorts.thin import average_slices
from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions


def thin_case(slices: int, gap_mm: float, tilt_degrees: float = 0.0) -> Case:
    """Return noise around 30 HU with an ellipsoid outlined, on a tilted stack."""
    tilt = np.radians(tilt_degrees)
    orientation = np.array([1, 0, 0, 0, np.cos(tilt), -np.sin(tilt)])
    normal = slice_normal(orientation)
    positions_mm = np.arange(slices)[:, None] * gap_mm * normal
    hu = np.random.default_rng(0).normal(30, 12, (slices, 40, 40)).astype(np.int16)
    z, y, x = np.meshgrid(*map(np.arange, hu.shape), indexing="ij")
    radius = slices * 0.4
    inside = ((z - slices / 2) / radius) ** 2 + ((y - 20) / 12) ** 2 + ((x - 20) / 15) ** 2 <= 1
    mask = inside.astype(np.uint8) * 2
    labels = np.zeros((slices, 6), np.int8)
    labels[mask.any(axis=(1, 2)), 0] = labels[mask.any(axis=(1, 2)), 2] = 1
    spacing = slice_spacing_from_positions(positions_mm, normal)
    uids = tuple(map(str, range(slices)))
    volume = Volume(hu, (0.5, 0.5), orientation, positions_mm, spacing, "s", "p", uids)
    return Case("cq500", volume, np.array([1, 0, 1, 0, 0, 0], np.int8), labels, mask)


@pytest.mark.parametrize(
    ("slices", "gap_mm", "tilt", "together"),
    [(64, 0.625, 0, 8), (61, 0.625, 17, 8), (40, 1.25, 0, 4), (25, 2.5, 20, 2), (31, 1.0, 0, 5)],
)
def test_extent_volume_and_labels_stay(slices, gap_mm, tilt, together):
    case = thin_case(slices, gap_mm, tilt)
    average = average_slices(case, 5.0)
    volume = average.volume
    assert len(volume.hu) == round(slices / together)
    assert volume.slice_spacing_mm.sum() == pytest.approx(case.volume.slice_spacing_mm.sum())
    assert np.abs(volume.slice_spacing_mm - 5).max() < gap_mm * 1.01  # one thin slice more
    assert average.volume_ml()[0] == pytest.approx(case.volume_ml()[0], rel=0.01)
    assert volume.hu.std() < case.volume.hu.std() / np.sqrt(together) * 1.2
    assert volume.hu.mean() == pytest.approx(case.volume.hu.mean(), abs=0.3)
    assert average.mask is not None
    np.testing.assert_array_equal(average.slice_labels[:, 0] == 1, average.mask.any(axis=(1, 2)))
    heights_mm = volume.positions_mm @ volume.normal
    assert (np.diff(heights_mm) > 0).all()


def test_thick_slices_stay_as_they_are():
    case = thin_case(12, 5.0)
    assert average_slices(case, 5.0) is case
    assert average_slices(thin_case(3, 2.5), 5.0).volume.hu.shape[0] == 3


def test_a_lesion_on_one_thin_slice_does_not_vanish():
    case = thin_case(40, 0.625)
    assert case.mask is not None
    case.mask[:] = 0
    case.mask[3, 5, 5] = 16
    average = average_slices(case, 5.0)
    assert average.mask is not None
    assert np.argwhere(average.mask == 16).tolist() == [[0, 5, 5]]


def test_what_is_unknown_of_a_slice_stays_unknown():
    case = thin_case(16, 0.625)
    case.slice_labels[:] = -1
    case.slice_labels[:8, 1] = 0
    average = average_slices(case, 5.0)
    assert average.slice_labels[:, 1].tolist() == [0, -1]
