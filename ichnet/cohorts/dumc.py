"""DUMC, and anybody's own data: one CSV beside DICOM folders.

::

    <root>/scans.csv        scan_id,patient_id,path,ich[,EDH,IPH,IVH,SAH,SDH,age,sex,mask]

``path`` is the folder of one series and ``mask`` a folder of PNG masks named by SOPInstanceUID
(:mod:`ichnet.cohorts.masks`), in which slices without hemorrhage may be left out; both are relative
to the CSV, or absolute. Subtypes are given all five or not at all. ``age`` is in years, ``sex`` F
or M; these, the subtypes and ``mask`` may be empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ichnet.cohorts.case import UNKNOWN, Case, ScanEntry
from ichnet.cohorts.labels import (
    NEGATIVE,
    Labels,
    in_slice_order,
    known_from_scan,
    labels_from_mask,
    union,
)
from ichnet.cohorts.masks import read_bit_mask
from ichnet.cohorts.series import (
    Listed,
    files_below,
    first_of_each_series,
    only_series,
    paths_of,
    read_scan,
    require_folder,
    rest_of,
    without_left_out,
)
from ichnet.cohorts.tables import Row, read_rows
from ichnet.ct.dicom import Mapper, read_headers
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.gaps import require_no_gap
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.slice_header import SliceHeader
from ichnet.subtypes import LABELS, SUBTYPES

COHORT = "dumc"
SCAN_TABLE = "scans.csv"
REQUIRED = ("scan_id", "patient_id", "path", "ich")


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List all scans in the order of the table; masks are read, scans' pixels are not.

    A row is left out, with one exclusion, when a cell is wrong or the labels contradict each other
    or the mask (``bad-annotation``), its ``scan_id`` or series came before (``duplicate-scan``),
    or its folder is missing or makes no volume (``missing-file``, ``mixed-series`` and the reasons
    of :mod:`ichnet.ct.dicom`). Files of a folder that are no axial CT slice are exclusions of their
    own.

    Args:
        root: the table, or the folder that holds it as ``scans.csv``.
        mapper: lists the rows' scans.

    Raises:
        ReadError: ``missing-file`` without a table; ``bad-annotation`` when it lacks a required
            column or has some subtypes' columns but not all; ``empty`` without rows.
    """
    table = root if root.is_file() else root / SCAN_TABLE
    rows, exclusions = read_rows(table, REQUIRED)
    if not rows and not exclusions:
        raise ReadError(table, "empty", "a header without rows")
    _require_all_subtypes_or_none(rows)
    entries: list[tuple[str, ScanEntry]] = []
    first = {row.cells["scan_id"]: row.line for row in reversed(rows)}
    came_before = [first[row.cells["scan_id"]] != row.line for row in rows]
    listed = mapper(_list_row, rows, came_before)
    for found, left_out in tqdm(listed, "scans", len(rows), unit="scan", disable=None):
        entries += found
        exclusions += left_out
    kept, repeated = first_of_each_series(entries)
    return kept, exclusions + repeated


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan's pixels and, where there is one, its mask.

    The table's ``patient_id`` names the patient, not the header's, which de-identified copies often
    share. Without a mask, slices are labelled 0 for what the scan does not have, else unknown.

    Raises:
        ReadError: the reasons of :func:`~ichnet.cohorts.series.read_scan`, ``bad-annotation``.
    """
    volume = read_scan(entry, key)
    volume = replace(volume, patient_id=pseudonym(key, "patient", entry.patient_key))
    if not entry.slice_labels:
        return Case.of(entry, volume, known_from_scan(entry.scan_labels, len(volume.hu)))
    shape = volume.file_shape  # masks are drawn on the slices as their files lay them out
    drawn = np.zeros((len(volume.hu), *shape), np.uint8)
    for index, uid in enumerate(volume.sop_instance_uids):
        if uid in entry.extra:
            drawn[index] = read_bit_mask(entry.extra[uid], shape)
    labels = in_slice_order(entry.slice_labels, volume.sop_instance_uids)
    return Case.of(entry, volume, labels, volume.turn.apply(drawn))


def _list_row(row: Row, came_before: bool) -> Listed:
    """List the scan of a row."""
    folder = row.path.parent / (row.cells["path"] or " ")
    exclusions: list[Exclusion] = []
    try:
        row.text("scan_id")
        if came_before:
            raise row.error("its scan_id came before", reason="duplicate-scan")
        row.text("path")
        headers, exclusions = read_headers(files_below(folder))
        slices, repeated = only_series(folder, headers)
        require_no_gap(slices)  # a hemorrhage that the labels know may have lain there
        drawn, spare = without_left_out(_drawn(row), headers, repeated)
        exclusions += [*repeated, *spare]
        return [(slices[0].series_uid, _entry(row, slices, drawn))], exclusions
    except ReadError as error:
        return [], [*exclusions, Exclusion.from_error(error, rest_of(folder, exclusions))]


def _require_all_subtypes_or_none(rows: Sequence[Row]) -> None:
    header = list(rows[0].cells) if rows else []
    missing = [name for name in SUBTYPES if name not in header]
    if 0 < len(missing) < len(SUBTYPES):
        raise ReadError(
            rows[0].path,
            "bad-annotation",
            f"no column {', '.join(missing)} beside the other subtypes; "
            f"the header is {','.join(header)}",
        )


def _entry(row: Row, slices: Sequence[SliceHeader], masks: dict[str, Path]) -> ScanEntry:
    labels = _scan_labels(row)
    slice_labels = _slice_labels(row, slices, labels, masks)
    if slice_labels:
        labels = _agreed(row, labels, union(slice_labels.values()))
    return ScanEntry(
        cohort=COHORT,
        scan_key=row.text("scan_id"),
        patient_key=row.text("patient_id"),
        files=paths_of(slices),
        headers=SeriesHeaders.of(slices),
        scan_labels=labels,
        slice_labels=slice_labels,
        age_years=_age_years(row),
        sex=_sex(row),
        extra=masks,
    )


def _scan_labels(row: Row) -> Labels:
    """Return the table's labels; without subtypes, those of a scan with hemorrhage are unknown."""
    ich = row.zero_or_one("ich")
    if not any(row.cells.get(name) for name in SUBTYPES):
        return (1, *[UNKNOWN] * len(SUBTYPES)) if ich else NEGATIVE
    subtypes = tuple(row.zero_or_one(name) for name in SUBTYPES)
    if any(subtypes) and not ich:
        raise row.error("ich is 0 but a subtype is 1")
    return (ich, *subtypes)


def _drawn(row: Row) -> dict[str, Path]:
    """Return the masks of a row's folder by SOP instance UID; none when it names no folder."""
    cell = row.cells.get("mask")
    if not cell:
        return {}
    folder = row.path.parent / cell
    require_folder(folder)
    return {path.stem: path for path in sorted(folder.glob("*.png"))}


def _slice_labels(
    row: Row, slices: Sequence[SliceHeader], labels: Labels, masks: dict[str, Path]
) -> dict[str, Labels]:
    """Return the slices' labels by SOP instance UID, empty if nobody drew.

    In a table with masks, a scan without hemorrhage needs none: there is nothing to draw.
    """
    cell = row.cells.get("mask")
    if not cell:
        drawn = cell is not None and labels == NEGATIVE
        return {header.sop_instance_uid: NEGATIVE for header in slices} if drawn else {}
    spare = masks.keys() - {header.sop_instance_uid for header in slices}
    if spare:
        raise ReadError(
            masks[min(spare)],
            "missing-file",
            f"masks without a readable slice: {len(spare)} of {len(masks)}",
        )
    return {
        header.sop_instance_uid: labels_from_mask(
            read_bit_mask(masks[header.sop_instance_uid], header.shape)
        )
        if header.sop_instance_uid in masks
        else NEGATIVE
        for header in slices
    }


def _agreed(row: Row, table: Labels, mask: Labels) -> Labels:
    """Return the mask's labels, which must be the table's where the table knows them."""
    for name, given, drawn in zip(LABELS, table, mask, strict=True):
        if given not in (UNKNOWN, drawn):
            column = "ich" if name == "ANY" else name
            raise row.error(f"{column} is {given}, but in the mask it is {drawn}")
    return mask


def _age_years(row: Row) -> float | None:
    cell = row.cells.get("age")
    if not cell:
        return None
    try:
        age = float(cell)
    except ValueError:
        age = -1.0
    if not 0 <= age < 130:
        raise row.error(f"age is {cell!r}, not years")
    return age


def _sex(row: Row) -> str:
    sex = row.cells.get("sex", "").upper()
    if sex not in ("F", "M", ""):
        raise row.error(f"sex is {sex!r}, not F, M or empty")
    return sex
