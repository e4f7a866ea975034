"""A head CT as the rest of the project sees it: HU, geometry in the patient's frame, pseudonyms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.orientation import UNTURNED, Turn, turn_of

AIR_HU = -1024
"""Padding, and everything darker than this, becomes -1024 HU."""


@dataclass(frozen=True, eq=False)
class Volume:
    """One scan (one series) in the one orientation that every array of this project has.

    Slices run from feet to head, rows from anterior to posterior, columns from the patient's right
    to left. Whatever the file said, pixels are turned, never interpolated (see ``turn``).

    Attributes:
        hu: int16 [slices, rows, columns], Hounsfield units, at least :data:`AIR_HU`.
        pixel_spacing_mm: distance between rows, distance between columns (DICOM's order).
        orientation: float64 [6], direction cosines of a row and of a column
            (patient axes are left, posterior, superior): the first points to the patient's left,
            the second to posterior, as far as the scan's tilt lets them.
        positions_mm: float64 [slices, 3], centre of the first pixel of each slice.
        slice_spacing_mm: float64 [slices], extent each slice stands for along the normal,
            from perpendicular gaps (see :func:`slice_spacing_from_positions`).
        scan_id: pseudonym of the series.
        patient_id: pseudonym of the patient.
        sop_instance_uids: identity of each slice in the source, kept in memory only, so that
            DICOM results can refer to it. Never written to records, logs or tables.
        description: what prediction may need to know of the source (no identifiers),
            e.g. ``{"modality": "CT", "kernel": "H30s"}``.
        turn: how the file's slices were turned. What was drawn on them is turned in the same way
            (``turn.apply``), and what refers to them is turned back (``turn.undo``).
        digest: of the files it was read from (:mod:`ichnet.ct.digest`); empty for a scan that was
            not read from DICOM.
        centre_mm: the point of every slice on which the networks' square is centred, in mm from
            the middle of the image down and to the right (:func:`ichnet.ct.head.head_centre_mm`).
        cautions: sentences on what the scan does not show, for who reads its result.
    """

    hu: NDArray[np.int16]
    pixel_spacing_mm: tuple[float, float]
    orientation: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    slice_spacing_mm: NDArray[np.float64]
    scan_id: str
    patient_id: str
    sop_instance_uids: tuple[str, ...] = ()
    description: dict[str, str] = field(default_factory=dict)
    turn: Turn = UNTURNED
    digest: str = ""
    centre_mm: tuple[float, float] = (0.0, 0.0)
    cautions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        slices = len(self.hu)
        if self.hu.ndim != 3 or self.hu.dtype != np.int16:
            raise ValueError(
                f"hu must be int16 [slices, rows, columns], not {self.hu.dtype} "
                f"with shape {self.hu.shape}"
            )
        if self.positions_mm.shape != (slices, 3) or self.slice_spacing_mm.shape != (slices,):
            raise ValueError(
                f"{slices} slices need positions [{slices}, 3] and spacings "
                f"[{slices}], not {self.positions_mm.shape} and "
                f"{self.slice_spacing_mm.shape}"
            )
        if self.sop_instance_uids and len(self.sop_instance_uids) != slices:
            raise ValueError(f"{slices} slices but {len(self.sop_instance_uids)} instance UIDs")
        if turn_of(self.orientation) != UNTURNED:
            raise ValueError(
                "rows must run from anterior to posterior and columns from right to left; turn the "
                "slices by ichnet.ct.orientation"
            )

    @property
    def file_shape(self) -> tuple[int, int]:
        """Rows and columns of a slice in its file."""
        rows, columns = self.hu.shape[1:]
        return self.turn.undo_shape((rows, columns))

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector [3] along which the slices are ordered, pointing towards the head."""
        return slice_normal(self.orientation)

    @property
    def voxel_ml(self) -> NDArray[np.float64]:
        """Volume of one pixel of each slice in mL, float64 [slices]."""
        row_mm, column_mm = self.pixel_spacing_mm
        volumes: NDArray[np.float64] = row_mm * column_mm * self.slice_spacing_mm / 1000.0
        return volumes


def slice_normal(orientation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit normal [3] of a slice, signed so that it points towards the head.

    For sagittal and coronal planes, whose normal has no component towards the head, the sign is
    that of the cross product.
    """
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    return -normal if normal[2] < 0 else normal


def slice_spacing_from_positions(
    positions_mm: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the extent in mm each slice stands for along ``normal``, float64 [slices].

    Half of the perpendicular gap on either side; at the two ends the only gap counts whole. So
    the extents follow irregular gaps and gantry tilt, which SliceThickness does not.

    Args:
        positions_mm: float64 [slices, 3], ordered along ``normal``; at least two slices.
        normal: unit vector [3].

    Raises:
        ValueError: for fewer than two slices, or slices that share a position.
    """
    if len(positions_mm) < 2:
        raise ValueError("the spacing of a single slice is unknown: a scan needs two or more")
    gaps_mm = np.diff(positions_mm @ normal)
    if np.any(gaps_mm <= 0):
        raise ValueError("two slices share a position along the normal, or are out of order")
    padded = np.concatenate([gaps_mm[:1], gaps_mm, gaps_mm[-1:]])
    spacing: NDArray[np.float64] = (padded[:-1] + padded[1:]) / 2
    return spacing
