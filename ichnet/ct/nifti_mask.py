"""A scan's mask as NIfTI-1, for viewers and programs that read no DICOM SEG."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.nifti import RAS_TO_LPS
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.ct.volume import Volume
from ichnet.files import whole_path

EVEN = 0.01
"""Gaps that differ by less than this share count as equal."""


def write_nifti_mask(volume: Volume, mask: NDArray[np.uint8], path: Path) -> None:
    """Write a mask as ``.nii.gz`` in the patient's frame, tilt included.

    NIfTI knows one gap between slices. Where a scan's gaps differ, planes are laid at the smallest
    of them and each repeats the nearest slice, so a volume counted there is an approximation; the
    mask in DICOM SEG and the volume in the JSON are exact.

    Args:
        volume: the scan.
        mask: uint8 [slices, rows, columns] on its pixels.
        path: ends in ``.nii.gz``.
    """
    planes, affine = _planes(volume)
    # NIfTI's first axis runs along a row of ours
    image = nibabel.Nifti1Image(mask[planes].transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = RESEARCH_USE
    image.set_sform(affine, code="scanner")
    # a qform has no shear, so that it cannot describe a tilted scan
    image.set_qform(None, code="unknown")
    with whole_path(path) as temporary:
        # without a time, so that the same mask gives the same bytes
        temporary.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _planes(volume: Volume) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the slice that each plane shows, and the affine [4, 4] from its pixels to mm, RAS."""
    heights_mm = volume.positions_mm @ volume.normal
    gaps_mm = np.diff(heights_mm)
    step_mm = float(gaps_mm.min())
    if float(gaps_mm.max()) < step_mm * (1 + EVEN):
        planes = np.arange(len(heights_mm))
        step_mm = float(gaps_mm.mean())
    else:
        count = round(float(heights_mm[-1] - heights_mm[0]) / step_mm) + 1
        wanted_mm = heights_mm[0] + step_mm * np.arange(count)
        planes = np.abs(wanted_mm[:, None] - heights_mm).argmin(axis=1)
    # a tilted gantry shifts its slices: the step follows their positions, not the normal
    along = (volume.positions_mm[-1] - volume.positions_mm[0]) / (heights_mm[-1] - heights_mm[0])
    row_mm, column_mm = volume.pixel_spacing_mm
    lps = np.column_stack(
        [
            volume.orientation[:3] * column_mm,
            volume.orientation[3:] * row_mm,
            along * step_mm,
            volume.positions_mm[0],
        ]
    )
    return planes, np.vstack([RAS_TO_LPS[:, None] * lps, [0, 0, 0, 1]])
