"""NIfTI-1 volumes, read by nibabel and turned to the one orientation.

CT-ICH and BHSD come as NIfTI: one file for each scan, one more for its outlines. NIfTI's axes point
to right, anterior and superior; DICOM's, and ours, to left, posterior and superior.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.imageglobals import LoggingOutputSuppressor
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.head import head_centre_mm
from ichnet.ct.orientation import Grid, Turn, turn_of, turned_grid
from ichnet.ct.slice_checks import AXIAL_COSINE
from ichnet.ct.volume import AIR_HU, Volume, slice_normal, slice_spacing_from_positions

HEADER_BYTES = 348
MAX_BYTES = 4 << 30
"""No volume may hold more than 4 GiB of values."""

MAX_EXTENSION_BYTES = 1 << 20
"""Most bytes that may lie between header and values."""

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])

COSINE_TOLERANCE = 1e-2
"""How far rounded axes may be from orthogonal ones."""


@dataclass(frozen=True, eq=False)
class Nifti:
    """A volume, its slices turned to the one orientation and ordered from feet to head.

    Attributes:
        values: float32 [slices, rows, columns], scaled as the header says.
        pixel_spacing_mm: distance between rows, distance between columns.
        orientation: float64 [6], as a :class:`~ichnet.ct.volume.Volume` has it.
        positions_mm: float64 [slices, 3], centre of the first pixel of each slice.
        numbers: int64 [slices], number of each slice in the file, from 0.
        turn: how the file's slices were turned (:mod:`ichnet.ct.orientation`).
    """

    values: NDArray[np.float32]
    pixel_spacing_mm: tuple[float, float]
    orientation: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    numbers: NDArray[np.int64]
    turn: Turn


def read_nifti(path: Path) -> Nifti:
    """Read ``.nii`` or ``.nii.gz`` of one axial volume.

    Raises:
        ReadError: ``missing-file``; ``unreadable``; ``not-nifti``; ``truncated``; ``bad-header``;
            ``no-geometry`` when neither qform nor sform tells how the volume lies; ``not-axial``;
            ``single-slice``; ``unsafe-archive`` for more than 4 GiB.
    """
    with _named_errors(path):
        _require_usable(path, _header(path))
        image = nibabel.Nifti1Image.from_filename(path)
        affine_lps = np.asarray(image.affine, np.float64)[:3] * RAS_TO_LPS[:, None]
        values = np.asarray(image.get_fdata(caching="unchanged", dtype=np.float32))
    # the file's first axis is ours of columns
    stored = values.reshape(values.shape[:3]).transpose(2, 1, 0)
    return _turned(path, stored, affine_lps)


def to_volume(nifti: Nifti, scan_id: str, patient_id: str) -> Volume:
    """Return a scan; its instance UIDs are the slices' numbers in the file, from 0."""
    values = np.nan_to_num(nifti.values, nan=AIR_HU).round()
    hu = values.clip(AIR_HU, np.iinfo(np.int16).max).astype(np.int16)
    spacing_mm = slice_spacing_from_positions(nifti.positions_mm, slice_normal(nifti.orientation))
    return Volume(
        hu=hu,
        pixel_spacing_mm=nifti.pixel_spacing_mm,
        orientation=nifti.orientation,
        positions_mm=nifti.positions_mm,
        slice_spacing_mm=spacing_mm,
        scan_id=scan_id,
        patient_id=patient_id,
        sop_instance_uids=tuple(map(str, nifti.numbers)),
        description={"modality": "CT"},
        turn=nifti.turn,
        centre_mm=head_centre_mm(hu, nifti.pixel_spacing_mm, spacing_mm),
    )


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Turn exceptions of Python and nibabel into a :class:`ReadError` with a reason."""
    try:
        with LoggingOutputSuppressor():
            yield
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except (EOFError, zlib.error) as error:
        raise ReadError(path, "truncated", "the file is damaged or cut off") from error
    except OSError as error:
        if error.errno is None:  # raised by gzip or nibabel, not by the system
            raise ReadError(path, "truncated", "the file is damaged or cut off") from error
        raise ReadError(path, "unreadable", error.strerror or type(error).__name__) from error
    except (HeaderDataError, ValueError, OverflowError) as error:
        detail = f"a header that cannot be used ({type(error).__name__})"
        raise ReadError(path, "bad-header", detail) from error


def _header(path: Path) -> nibabel.Nifti1Header:
    """Read the header only, so that no memory is allocated for a volume that is refused."""
    with ImageOpener(str(path)) as file:
        start = file.read(HEADER_BYTES)
    if len(start) < HEADER_BYTES or start[344:348] != b"n+1\0":
        raise ReadError(path, "not-nifti", "not a single-file NIfTI-1 volume")
    return nibabel.Nifti1Header(start)


def _require_usable(path: Path, header: nibabel.Nifti1Header) -> None:
    shape = header.get_data_shape()
    if not 3 <= len(shape) <= 7 or min(shape[:3]) < 1 or max(shape[3:], default=1) > 1:
        raise ReadError(path, "bad-header", f"axes of {shape}, not one volume")
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ReadError(path, "bad-header", f"values of type {dtype}, not real numbers")
    if not HEADER_BYTES <= header["vox_offset"] <= HEADER_BYTES + MAX_EXTENSION_BYTES:
        raise ReadError(path, "bad-header", f"values from byte {header['vox_offset']:g} on")
    stored_bytes = int(np.prod(np.array(shape, object))) * max(dtype.itemsize, 4)
    if stored_bytes > MAX_BYTES:
        raise ReadError(path, "unsafe-archive", f"a volume of more than {MAX_BYTES >> 30} GiB")
    if header["qform_code"] <= 0 and header["sform_code"] <= 0:
        raise ReadError(path, "no-geometry", "neither sform nor qform: how it lies is unknown")


def _turned(path: Path, stored: NDArray[np.float32], affine: NDArray[np.float64]) -> Nifti:
    """Turn slices of the file, of which ``affine`` [3, 4] tells where (column, row, slice) lie."""
    spacing_mm = np.linalg.norm(affine[:, :3], axis=0)
    if not np.isfinite(affine).all() or spacing_mm.min() < 1e-3:
        raise ReadError(path, "bad-header", "an affine that is not finite, or flat")
    orientation = np.concatenate([affine[:, 0] / spacing_mm[0], affine[:, 1] / spacing_mm[1]])
    if abs(orientation[:3] @ orientation[3:]) > COSINE_TOLERANCE:
        raise ReadError(path, "bad-header", "its axes are not orthogonal")
    normal = slice_normal(orientation)
    if abs(normal[2]) < AXIAL_COSINE:
        raise ReadError(path, "not-axial", "a sagittal, coronal or steeply oblique volume")
    slices, rows, columns = stored.shape
    if slices < 2:
        raise ReadError(path, "single-slice", "a volume of one slice: its extent is unknown")
    gap_mm = float(affine[:, 2] @ normal)
    if abs(gap_mm) < 1e-2:
        raise ReadError(path, "bad-header", "all slices at one place")
    numbers = np.arange(slices)[:: -1 if gap_mm < 0 else 1]
    positions_mm = affine[:, 3] + numbers[:, None] * affine[:, 2]
    pixel_spacing_mm = (float(spacing_mm[1]), float(spacing_mm[0]))
    turn = turn_of(orientation)
    grid = turned_grid(Grid((rows, columns), pixel_spacing_mm, orientation, positions_mm), turn)
    return Nifti(
        values=np.ascontiguousarray(turn.apply(stored[numbers])),
        pixel_spacing_mm=grid.pixel_spacing_mm,
        orientation=grid.orientation,
        positions_mm=grid.positions_mm,
        numbers=numbers,
        turn=turn,
    )
