"""A DICOM series read into a :class:`~ichnet.ct.volume.Volume`.

Slices are ordered by their position projected on the slice normal, and their spacing is the
perpendicular gap: neither InstanceNumber nor SliceThickness is needed or believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.header import read_frames
from ichnet.ct.orientation import Grid, turn_of, turned_grid
from ichnet.ct.pixels import read_pixels
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import open_source
from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions

SPACING_TOLERANCE_MM = 1e-3
"""Within a series, pixel spacings differ by the rounding of their decimals and no more."""

COSINE_TOLERANCE = 1e-3
"""The same for direction cosines (0.06 degrees)."""

SMALLEST_GAP_MM = 1e-2
"""Slices closer than this share a position."""


REPAIRED = "repaired_slices"
"""Key of a volume's description: how many slices had wrapped at 12 bits; absent when none had."""

Mapper = Callable[..., Iterable[Any]]
"""``map``, or the same over several processes: results in order, functions that can be pickled."""


def read_series(files: Sequence[Path], key: bytes) -> Volume:
    """Read all slices of one series, in any order of the files.

    Args:
        files: the DICOM files of one series, no others. :func:`read_headers` and
            :func:`group_series` sort a mixture of files.
        key: for the pseudonyms of scan and patient.

    Raises:
        ValueError: when there are no files.
        ReadError: for the first file that is no axial CT slice (the reasons of
            :func:`~ichnet.ct.header.read_header`, and ``duplicate-file``); ``mixed-series``;
            the reasons of :func:`sort_slices`; ``unsupported-syntax`` or ``truncated`` pixels.
    """
    if not files:
        raise ValueError("a series needs files")
    headers, exclusions = read_headers(files)
    for exclusion in exclusions:
        raise ReadError(exclusion.path, exclusion.reason, exclusion.detail)
    for header in headers:
        if header.series_uid != headers[0].series_uid:
            raise ReadError(
                header.path, "mixed-series", f"of another series than {headers[0].path}"
            )
    slices = sort_slices(headers)
    grid = _grid(slices)
    turn = turn_of(grid.orientation)
    turned = turned_grid(grid, turn)
    hu = np.empty((len(slices), *slices[0].shape), np.int16)
    repaired = 0
    for index, header in enumerate(slices):
        repaired += read_pixels(header, out=hu[index]).repaired
    first = slices[0]
    description = dict(first.description)
    if repaired:
        description[REPAIRED] = str(repaired)
    return Volume(
        hu=turn.apply(hu),
        pixel_spacing_mm=turned.pixel_spacing_mm,
        orientation=turned.orientation,
        positions_mm=turned.positions_mm,
        slice_spacing_mm=slice_spacing_from_positions(
            turned.positions_mm, slice_normal(turned.orientation)
        ),
        scan_id=pseudonym(key, "scan", first.series_uid),
        patient_id=_patient_pseudonym(first, key),
        sop_instance_uids=tuple(header.sop_instance_uid for header in slices),
        description=description,
        turn=turn,
    )


def read_headers(
    files: Iterable[Path], mapper: Mapper = map
) -> tuple[list[SliceHeader], list[Exclusion]]:
    """Read headers only; list every file that is no axial CT slice, or a copy of one.

    Args:
        files: DICOM files, enhanced multi-frame ones too, and whatever lies beside them.
        mapper: reads the files, in order.

    Returns:
        the headers in the order of ``files``, one for each slice, and an exclusion for each other
        file. Of several byte-identical files of one instance the first is kept and the others are
        excluded as ``duplicate-file``.
    """
    headers: list[SliceHeader] = []
    exclusions: list[Exclusion] = []
    by_instance: dict[tuple[str, str], list[SliceHeader]] = {}
    for found in mapper(read_or_exclude, files):
        if isinstance(found, Exclusion):
            exclusions.append(found)
            continue
        first = found[0]
        same = by_instance.setdefault((first.series_uid, first.sop_instance_uid), [])
        original = next((other for other in same if _same_bytes(other.path, first.path)), None)
        if original is None:
            same.append(first)
            headers += found
        else:
            detail = f"an identical copy of {original.path.name}"
            exclusions.append(Exclusion(first.path, "duplicate-file", detail))
    return headers, exclusions


def read_or_exclude(path: Path) -> list[SliceHeader] | Exclusion:
    """Read the slices of a file, or say why there are none."""
    try:
        return read_frames(path)
    except ReadError as error:
        return Exclusion.from_error(error)


def group_series(headers: Sequence[SliceHeader]) -> dict[str, list[SliceHeader]]:
    """Group headers by SeriesInstanceUID, in the order in which series first appear."""
    series: dict[str, list[SliceHeader]] = {}
    for header in headers:
        series.setdefault(header.series_uid, []).append(header)
    return series


def sort_slices(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Order the slices of one series along the normal, from feet to head.

    Raises:
        ReadError: ``single-slice``; ``mixed-geometry`` when slices differ in matrix, pixel
            spacing or orientation; ``duplicate-position`` when two share a place.
    """
    first = headers[0]
    if len(headers) == 1:
        raise ReadError(
            first.path, "single-slice", "the only slice of its series: its extent is unknown"
        )
    for header in headers:
        difference = _difference(first, header)
        if difference:
            raise ReadError(
                header.path, "mixed-geometry", f"another {difference} than {first.path.name}"
            )
    grid = _grid(headers)
    heights_mm = grid.positions_mm @ slice_normal(grid.orientation)
    order = np.argsort(heights_mm, kind="stable")
    for below, above in pairwise(order):
        if heights_mm[above] - heights_mm[below] < SMALLEST_GAP_MM:
            raise ReadError(
                headers[above].path,
                "duplicate-position",
                f"at the same position as {headers[below].path.name}, which is no identical copy",
            )
    return [headers[index] for index in order]


def _difference(a: SliceHeader, b: SliceHeader) -> str:
    """Name what two slices of one series do not share, empty when they fit together."""
    if a.shape != b.shape:
        return "matrix"
    if _furthest(a.pixel_spacing_mm, b.pixel_spacing_mm) > SPACING_TOLERANCE_MM:
        return "pixel spacing"
    if _furthest(a.orientation, b.orientation) > COSINE_TOLERANCE:
        return "orientation"
    return ""


def _furthest(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _grid(headers: Sequence[SliceHeader]) -> Grid:
    """Return where the pixels of a series lie, in the layout of its files.

    Medians, so that roundings in single slices do not matter, nor the order of the files.
    """
    orientation = np.median([header.orientation for header in headers], axis=0)
    positions_mm = np.array([header.position_mm for header in headers])
    row_mm, column_mm = np.median([header.pixel_spacing_mm for header in headers], axis=0)
    spacing_mm = (float(row_mm), float(column_mm))
    return Grid(headers[0].shape, spacing_mm, orientation, positions_mm)


def _patient_pseudonym(header: SliceHeader, key: bytes) -> str:
    """Name the patient; without PatientID, every study counts as a patient of its own.

    One name for all anonymous patients would put them all into one split.
    """
    if header.patient_id:
        return pseudonym(key, "patient", header.patient_id)
    return pseudonym(key, "study", header.study_uid or header.series_uid)


def _same_bytes(a: Path, b: Path) -> bool:
    with open_source(a) as first, open_source(b) as second:
        return first.read() == second.read()
