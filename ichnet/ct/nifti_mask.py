"""A scan's mask as NIfTI-1, for viewers and programs that read no DICOM SEG."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.nifti import HEADER_BYTES, RAS_TO_LPS
from ichnet.ct.volume import Volume
from ichnet.files import whole_path

UINT8 = 2
MILLIMETRES = 2
SCANNER_COORDINATES = 1
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
    content = _header(mask[planes].shape, affine) + mask[planes].tobytes()
    with whole_path(path) as temporary:
        # without a time, so that the same mask gives the same bytes
        temporary.write_bytes(gzip.compress(content, mtime=0))


def _planes(volume: Volume) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the slice that each plane shows, and the affine (column, row, plane) to mm, RAS."""
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
    return planes, RAS_TO_LPS[:, None] * lps


def _header(shape: tuple[int, ...], affine: NDArray[np.float64]) -> bytes:
    """Return the header of a single-file NIfTI-1 volume of uint8, with sform only."""
    slices, rows, columns = shape
    header = bytearray(HEADER_BYTES + 4)  # and no extension
    struct.pack_into("<i", header, 0, HEADER_BYTES)
    struct.pack_into("<8h", header, 40, 3, columns, rows, slices, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, UINT8, 8)
    struct.pack_into("<8f", header, 76, 1, *np.linalg.norm(affine[:, :3], axis=0), 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, len(header), 1, 0)
    struct.pack_into("<B", header, 123, MILLIMETRES)
    struct.pack_into("<2h", header, 252, 0, SCANNER_COORDINATES)
    struct.pack_into("<12f", header, 280, *affine.ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)
