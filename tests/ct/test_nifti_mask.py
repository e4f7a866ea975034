"""A mask written as NIfTI lies where the scan lies."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.ct.nifti import read_nifti, to_volume
from ichnet.ct.nifti_mask import write_nifti_mask
from ichnet.ct.orientation import UNTURNED
from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions


def scan(heights_mm: list[float], tilt_degrees: float = 0.0) -> Volume:
    """4 rows of 2 mm, 6 columns of 1 mm; the gantry is tilted, the table moves along z."""
    angle = np.radians(tilt_degrees)
    orientation = np.array([1, 0, 0, 0, np.cos(angle), -np.sin(angle)])
    positions_mm = np.array([[-10.0, -20.0, z] for z in heights_mm])
    return Volume(
        hu=np.zeros((len(heights_mm), 4, 6), np.int16),
        pixel_spacing_mm=(2.0, 1.0),
        orientation=orientation,
        positions_mm=positions_mm,
        slice_spacing_mm=slice_spacing_from_positions(positions_mm, slice_normal(orientation)),
        scan_id="s",
        patient_id="p",
    )


@pytest.mark.parametrize("tilt_degrees", [0.0, 20.0])
def test_every_pixel_lies_where_it_lay(tmp_path, tilt_degrees):
    volume = scan([0, 5, 10], tilt_degrees)
    mask = np.zeros((3, 4, 6), np.uint8)
    mask[1, 2, 5] = 1
    write_nifti_mask(volume, mask, tmp_path / "m.nii.gz")
    nifti = read_nifti(tmp_path / "m.nii.gz")
    np.testing.assert_array_equal(nifti.values, mask)
    again = to_volume(nifti, "s", "p")
    assert again.turn == UNTURNED
    assert again.pixel_spacing_mm == pytest.approx((2.0, 1.0))
    np.testing.assert_allclose(again.positions_mm, volume.positions_mm, atol=1e-5)
    np.testing.assert_allclose(again.orientation, volume.orientation, atol=1e-6)


def test_uneven_gaps_repeat_the_nearest_slice(tmp_path):
    mask = np.zeros((3, 4, 6), np.uint8)
    mask[2] = 1
    write_nifti_mask(scan([0, 5, 20]), mask, tmp_path / "m.nii.gz")
    nifti = read_nifti(tmp_path / "m.nii.gz")
    # planes at 0, 5, 10, 15, 20 mm: 10 is nearer to 5, 15 nearer to 20
    np.testing.assert_array_equal(nifti.values[:, 0, 0], [0, 0, 0, 1, 1])
    np.testing.assert_allclose(nifti.positions_mm[:, 2], [0, 5, 10, 15, 20], atol=1e-5)


def test_the_same_mask_gives_the_same_bytes(tmp_path):
    volume, mask = scan([0, 5, 10]), np.ones((3, 4, 6), np.uint8)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti_mask(volume, mask, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
