"""What the cohort readers share about files: the one series of a folder, and who was scanned."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pydicom

from ichnet.cohorts.case import ScanEntry
from ichnet.ct.dicom import group_series, read_listed, read_series
from ichnet.ct.dicom_file import lenient_pydicom
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.stack import stack_slices
from ichnet.ct.volume import Volume

DAYS_OF_UNIT = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
"""Units of a DICOM age string, as ``057Y`` (PS3.5, value representation AS)."""

Listed = tuple[list[tuple[str, ScanEntry]], list[Exclusion]]
"""What one folder, archive or row of a cohort gives: scans by SeriesInstanceUID, and what is left
out. Listing is done by folder, so that several processes can share it."""


def files_below(folder: Path) -> list[Path]:
    """Return all files in a folder and its subfolders, sorted, hidden ones left out.

    Raises:
        ReadError: ``missing-file`` when there is no such folder.
    """
    return sorted(map(Path, names_below(folder)))


def names_below(folder: Path) -> list[str]:
    """Return the same as the text of their paths, in another order.

    Raises:
        ReadError: ``missing-file`` when there is no such folder.
    """
    require_folder(folder)
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = str(Path(root) / "_")[:-1]  # "" for the current folder
        found += [base + name for name in names if not name.startswith(".")]
    return found


def used_files(entry: ScanEntry) -> tuple[Path, ...]:
    """Return all files of a scan: images, then outlines."""
    return (*entry.files, *entry.extra.values())


def rest_of(folder: Path, exclusions: Iterable[Exclusion]) -> tuple[Path, ...]:
    """Return the files of a scan's folder that are not excluded already; none without a folder."""
    done = {exclusion.path for exclusion in exclusions}
    if not folder.is_dir():
        return ()
    return tuple(path for path in files_below(folder) if path not in done)


def require_folder(folder: Path) -> None:
    """Check that a folder exists.

    Raises:
        ReadError: ``missing-file``.
    """
    if not folder.is_dir():
        raise ReadError(folder, "missing-file", "there is no such folder")


def only_series(
    folder: Path, headers: Sequence[SliceHeader]
) -> tuple[list[SliceHeader], list[Exclusion]]:
    """Return the slices of the one series of a folder, from feet to head, and those left out.

    Raises:
        ReadError: ``empty`` without slices, ``mixed-series`` with slices of several series, and
            the reasons of :func:`ichnet.ct.stack.stack_slices` and
            :func:`require_distinct_instances`.
    """
    series = group_series(headers)
    if not series:
        raise ReadError(folder, "empty", "no axial CT slice in it")
    if len(series) > 1:
        raise ReadError(
            folder, "mixed-series", f"slices of {len(series)} series where one is expected"
        )
    require_distinct_instances(headers)
    return stack_slices(headers)


def without_left_out(
    drawn: Mapping[str, Path], headers: Sequence[SliceHeader], left_out: Sequence[Exclusion]
) -> tuple[dict[str, Path], list[Exclusion]]:
    """Leave out what was drawn on slices that are left out themselves.

    Args:
        drawn: outlines by SOP instance UID.
        headers: of all slices.
        left_out: slices at the position of another one.

    Returns:
        the other outlines, and an exclusion for each that is left out.
    """
    uid_of = {header.path: header.sop_instance_uid for header in headers}
    reasons = {uid_of[one.path]: one.reason for one in left_out}
    kept = {uid: path for uid, path in drawn.items() if uid not in reasons}
    detail = "drawn on a slice that is left out"
    return kept, [
        Exclusion(path, reasons[uid], detail) for uid, path in drawn.items() if uid in reasons
    ]


def require_distinct_instances(headers: Sequence[SliceHeader]) -> None:
    """Check that labels can be told apart by SOP instance UID.

    Raises:
        ReadError: ``bad-header`` when two slices share theirs.
    """
    seen: dict[str, Path] = {}
    for header in headers:
        other = seen.setdefault(header.sop_instance_uid, header.path)
        if other != header.path:
            raise ReadError(header.path, "bad-header", "the SOPInstanceUID of another slice")


def patient_key(header: SliceHeader) -> str:
    """Name the patient as :func:`ichnet.ct.dicom.read_series` does, before it is hashed.

    Without a PatientID every study counts as a patient of its own.
    """
    return header.patient_id or header.study_uid or header.series_uid


def first_of_each_series(
    entries: Iterable[tuple[str, ScanEntry]],
) -> tuple[list[ScanEntry], list[Exclusion]]:
    """Leave out scans whose series was listed before: it would count twice, maybe in two splits.

    Args:
        entries: SeriesInstanceUID and scan.
    """
    kept: dict[str, ScanEntry] = {}
    repeated: list[Exclusion] = []
    for series_uid, entry in entries:
        if kept.setdefault(series_uid, entry) is not entry:
            detail = "the same series as another scan of the listing"
            folder = entry.files[0].parent
            repeated.append(Exclusion(folder, "duplicate-scan", detail, used_files(entry)))
    return list(kept.values()), repeated


def paths_of(headers: Iterable[SliceHeader]) -> tuple[Path, ...]:
    """Return the slices' files, each once."""
    return tuple(dict.fromkeys(header.path for header in headers))


def read_scan(entry: ScanEntry, key: bytes) -> Volume:
    """Read the pixels of a scan that is a DICOM series, whose headers the listing has kept.

    Raises:
        ReadError: the reasons of :func:`ichnet.ct.dicom.read_series`.
    """
    if entry.headers is None:
        return read_series(entry.files, key)
    return read_listed(entry.headers, key)


def read_age_and_sex(path: Path) -> tuple[float | None, str]:
    """Return age in years and sex (``F``, ``M`` or empty) from a readable DICOM header."""
    with lenient_pydicom():
        dataset = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=["PatientAge", "PatientSex"]
        )
        sex = str(dataset.get("PatientSex") or "").strip().upper()
        age = str(dataset.get("PatientAge") or "").strip().upper()
    return _years(age), sex if sex in ("F", "M") else ""


def _years(age: str) -> float | None:
    match = re.fullmatch(r"(\d{1,3})([DWMY])", age)
    if match is None:
        return None
    return int(match[1]) * DAYS_OF_UNIT[match[2]] / DAYS_OF_UNIT["Y"]
