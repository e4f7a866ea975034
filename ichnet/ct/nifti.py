"""NIfTI-1 volumes, read with nothing but NumPy.

CT-ICH and BHSD come as NIfTI: one file a scan, one more for its outlines. Axes of NIfTI's world are
right, anterior, superior; DICOM's, and ours, are left, posterior, superior.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.header import AXIAL_COSINE
from ichnet.ct.volume import AIR_HU, Volume, slice_normal, slice_spacing_from_positions

HEADER_BYTES = 348
MAX_BYTES = 4 << 30
"""No volume may unpack to more than 4 GiB."""

TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
"""NumPy's name of each data type that occurs."""

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Nifti:
    """A volume as it lies in its file.

    Attributes:
        values: [slices, rows, columns], scaled; columns run along the file's first axis.
        affine: float64 [3, 4], from (column, row, slice) to mm, LPS.
    """

    values: NDArray[np.float32]
    affine: NDArray[np.float64]


def read_nifti(path: Path) -> Nifti:
    """Read ``.nii`` or ``.nii.gz``.

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``not-nifti``, ``truncated``, ``bad-header``.
    """
    content = _content(path)
    if len(content) < HEADER_BYTES or content[344:347] not in (b"n+1",):
        raise ReadError(path, "not-nifti", "not a single-file NIfTI-1 volume")
    endian = next((e for e in "<>" if struct.unpack_from(f"{e}i", content)[0] == HEADER_BYTES), "")
    if not endian:
        raise ReadError(path, "not-nifti", "a header of another size than NIfTI-1's")
    dimensions, *sizes = struct.unpack_from(f"{endian}8h", content, 40)
    kind = TYPES.get(struct.unpack_from(f"{endian}h", content, 70)[0])
    columns, rows, slices = sizes[:3]
    if not 3 <= dimensions <= 7 or min(sizes[:3]) < 1 or max(sizes[3:dimensions], default=1) > 1:
        raise ReadError(path, "bad-header", f"{dimensions} axes of {sizes}, not one volume")
    offset, slope, intercept = struct.unpack_from(f"{endian}3f", content, 108)
    if kind is None or not np.isfinite([offset, slope, intercept]).all() or offset < HEADER_BYTES:
        raise ReadError(path, "bad-header", "an unknown data type, scale or offset")
    count = columns * rows * slices
    size = np.dtype(kind).itemsize
    there = min(count, max(0, len(content) - int(offset)) // size)
    if there < count:
        raise ReadError(path, "truncated", f"{there:,} of {count:,} values are there")
    stored = np.frombuffer(content, f"{endian}{kind}", count, int(offset))
    values = stored.reshape(slices, rows, columns).astype(np.float32)
    if slope not in (0, 1) or (slope and intercept):
        values = values * np.float32(slope) + np.float32(intercept)
    return Nifti(values, _affine(path, content, endian))


def to_volume(nifti: Nifti, path: Path, scan_id: str, patient_id: str) -> tuple[Volume, bool]:
    """Return the scan, its slices ordered from feet to head.

    Returns:
        the scan, whose instance UIDs are the slices' numbers in the file, from 0; and whether the
        order was turned round.

    Raises:
        ReadError: ``not-axial``, ``single-slice`` or ``bad-header``.
    """
    along_columns, along_rows = nifti.affine[:, 0], nifti.affine[:, 1]
    column_mm, row_mm = np.linalg.norm(along_columns), np.linalg.norm(along_rows)
    orientation = np.concatenate([along_columns / column_mm, along_rows / row_mm])
    if abs(orientation[:3] @ orientation[3:]) > 1e-2:
        raise ReadError(path, "bad-header", "its axes are not orthogonal")
    normal = slice_normal(orientation)
    if abs(normal[2]) < AXIAL_COSINE:
        raise ReadError(path, "not-axial", "a sagittal, coronal or steeply oblique volume")
    count = len(nifti.values)
    if count < 2:
        raise ReadError(path, "single-slice", "a volume of one slice: its extent is unknown")
    positions_mm = nifti.affine[:, 3] + np.arange(count)[:, None] * nifti.affine[:, 2]
    gap_mm = float(nifti.affine[:, 2] @ normal)
    if abs(gap_mm) < 1e-2:
        raise ReadError(path, "bad-header", "all slices at one place")
    numbers = np.arange(count)[:: -1 if gap_mm < 0 else 1]
    hu = np.nan_to_num(nifti.values[numbers], nan=AIR_HU).round().clip(AIR_HU, 32767)
    volume = Volume(
        hu=hu.astype(np.int16),
        pixel_spacing_mm=(float(row_mm), float(column_mm)),
        orientation=orientation,
        positions_mm=positions_mm[numbers],
        slice_spacing_mm=slice_spacing_from_positions(positions_mm[numbers], normal),
        scan_id=scan_id,
        patient_id=patient_id,
        sop_instance_uids=tuple(map(str, numbers)),
        description={"modality": "CT"},
    )
    return volume, gap_mm < 0


def _content(path: Path) -> bytes:
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReadError(path, "truncated", "the gzip file is damaged or cut off") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or str(error)) from error
    if len(content) > MAX_BYTES:
        raise ReadError(path, "unsafe-archive", f"unpacks to more than {MAX_BYTES >> 30} GiB")
    return content


def _affine(path: Path, content: bytes, endian: str) -> NDArray[np.float64]:
    """Return the affine of sform, else qform, in LPS.

    Without either, NIfTI does not tell how the volume lies: that is refused.
    """
    qform, sform = struct.unpack_from(f"{endian}2h", content, 252)
    spacing = np.array(struct.unpack_from(f"{endian}8f", content, 76))
    if sform > 0:
        affine = np.array(struct.unpack_from(f"{endian}12f", content, 280)).reshape(3, 4)
    elif qform > 0:
        b, c, d, *offset = struct.unpack_from(f"{endian}6f", content, 256)
        rotation = _rotation(b, c, d)
        rotation[:, 2] *= -1 if spacing[0] < 0 else 1
        affine = np.column_stack([rotation * spacing[1:4], offset])
    else:
        raise ReadError(path, "no-geometry", "neither sform nor qform: how it lies is unknown")
    if not np.isfinite(affine).all() or min(np.linalg.norm(affine[:, :3], axis=0)) < 1e-3:
        raise ReadError(path, "bad-header", "an affine that is not finite, or flat")
    lps: NDArray[np.float64] = affine * RAS_TO_LPS[:, None]
    return lps


def _rotation(b: float, c: float, d: float) -> NDArray[np.float64]:
    """Return the rotation of a unit quaternion given by its last three parts."""
    a = float(np.sqrt(max(0.0, 1 - b * b - c * c - d * d)))
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
