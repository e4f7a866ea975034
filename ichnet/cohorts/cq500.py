"""Qure.ai CQ500: three readers' opinion of each scan, decided by majority.

::

    <root>/reads.csv        one row a study, CQ500-CT-<n>: name,Category,R1:ICH,R1:IPH,...
    <root>/CQ500-CT-<n>.zip                      the archives as they were downloaded, or
    <root>/CQ500CT<n> CQ500CT<n>/Unknown Study/<series description>/CT*.dcm

Archives are read without being unpacked. A folder named ``CQ500-CT-<n>`` is found as well. Where a
study is there both ways, its folder is read. A study holds several series of one head: which is
taken, see :mod:`ichnet.cohorts.series_choice`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.labels import NEGATIVE, Labels, known_from_scan
from ichnet.cohorts.series import (
    Listed,
    files_below,
    paths_of,
    patient_key,
    read_scan,
    require_folder,
)
from ichnet.cohorts.series_choice import choose_series, series_name
from ichnet.cohorts.tables import Row, read_rows
from ichnet.ct.dicom import Mapper, group_series, read_headers
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.gaps import require_no_gap
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import ARCHIVE_SUFFIX, members
from ichnet.ct.stack import stack_slices
from ichnet.subtypes import SUBTYPES

COHORT = "cq500"
READS_TABLE = "reads.csv"
READERS = ("R1", "R2", "R3")
MAJORITY = 2
COLUMNS = ("name", *(f"{reader}:{name}" for reader in READERS for name in ("ICH", *SUBTYPES)))

STUDY_NAME = re.compile(r"CQ500-?CT-?(\d+)(?: CQ500-?CT-?\1)?", re.IGNORECASE)


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List one scan a study, sorted by study number.

    Left out, with an exclusion each: rows that cannot be understood (``bad-annotation``), rows
    without a folder (``missing-file``), folders without a row (``unlabelled``), a second row or
    folder of a study (``duplicate-scan``), studies without a series that makes a volume (``empty``)
    or without a plain one (``no-plain-series``), series that make no volume (the reasons of
    :mod:`ichnet.ct.dicom`) or were not chosen (``other-series``), and files that are no axial CT
    slice.

    Raises:
        ReadError: without ``reads.csv`` or with a column of it missing.
    """
    rows, exclusions = read_rows(root / READS_TABLE, COLUMNS)
    reads, bad_rows = _reads(rows)
    folders, extra_folders = _study_folders(root)
    exclusions += bad_rows + extra_folders
    listed = {_study_number(row.cells["name"]) for row in rows}
    exclusions += [
        Exclusion(
            folders[number],
            "unlabelled",
            f"no row of this study in {READS_TABLE}",
            _files_of(folders[number]),
        )
        for number in sorted(folders.keys() - listed)
    ]
    entries: list[ScanEntry] = []
    numbers = sorted(reads)
    studies = mapper(_list_study, map(reads.get, numbers), map(folders.get, numbers))
    for found, left_out in tqdm(studies, "CQ500", len(numbers), unit="study", disable=None):
        entries += [entry for _, entry in found]
        exclusions += left_out
    return entries, exclusions


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan's pixels; slices are labelled 0 for what the scan does not have, else unknown.

    Raises:
        ReadError: the reasons of :func:`~ichnet.cohorts.series.read_scan`.
    """
    volume = read_scan(entry, key)
    return Case.of(entry, volume, known_from_scan(entry.scan_labels, len(volume.hu)))


def majority(row: Row) -> tuple[Labels, tuple[int, ...]]:
    """Decide a scan's labels by two of three readers.

    Each subtype is decided on its own, so that a scan with hemorrhage may have no subtype when
    readers disagree on which. A scan without hemorrhage has none, whatever readers said of
    subtypes.

    Returns:
        six labels, and each reader's opinion of hemorrhage.

    Raises:
        ReadError: ``bad-annotation`` for an opinion that is not 0 or 1.
    """
    votes = {
        name: tuple(row.zero_or_one(f"{reader}:{name}") for reader in READERS)
        for name in ("ICH", *SUBTYPES)
    }
    decided = tuple(int(sum(opinions) >= MAJORITY) for opinions in votes.values())
    return decided if decided[0] else NEGATIVE, votes["ICH"]


def _reads(rows: Sequence[Row]) -> tuple[dict[int, Row], list[Exclusion]]:
    """Return the rows by study number."""
    reads: dict[int, Row] = {}
    exclusions: list[Exclusion] = []
    for row in rows:
        number = _study_number(row.cells["name"])
        if number is None:
            error = row.error("name is not CQ500-CT-<n>")
        elif number in reads:
            error = row.error("a second row of its study", "duplicate-scan")
        else:
            reads[number] = row
            continue
        exclusions.append(Exclusion.from_error(error))
    return reads, exclusions


def _study_folders(root: Path) -> tuple[dict[int, Path], list[Exclusion]]:
    """Find the folders and archives of studies by number; others are excluded."""
    require_folder(root)
    folders: dict[int, Path] = {}
    exclusions: list[Exclusion] = []
    # folders first: an archive beside the folder that it was unpacked to is left alone
    for path in sorted(root.iterdir(), key=lambda one: (one.is_file(), one.name)):
        is_archive = path.is_file() and path.suffix.lower() == ARCHIVE_SUFFIX
        if path.name.startswith(".") or not (path.is_dir() or is_archive):
            continue
        number = _study_number(path.stem if is_archive else path.name)
        if number is None:
            detail = "not named as a study of CQ500"
            exclusions.append(Exclusion(path, "unlabelled", detail, _files_of(path)))
        elif number in folders:
            detail = "the same study as another folder"
            exclusions.append(Exclusion(path, "duplicate-scan", detail, _files_of(path)))
        else:
            folders[number] = path
    return folders, exclusions


def _files_of(study: Path) -> tuple[Path, ...]:
    """Return the files of a study, for the ledger; an archive that is not opened is one file."""
    return (study,) if study.is_file() else tuple(files_below(study))


def _study_number(name: str) -> int | None:
    match = STUDY_NAME.fullmatch(name)
    return int(match[1]) if match else None


def _list_study(row: Row, study: Path | None) -> Listed:
    """List the scan of a study, a folder or an archive; nothing when no series can be chosen."""
    try:
        scan_labels, votes = majority(row)
        if study is None:
            raise row.error("no archive and no folder of this study", "missing-file")
        slices, exclusions = _read_study(study)
    except ReadError as error:
        files = () if study is None else _files_of(study)
        return [], [Exclusion.from_error(error, files)]
    if not slices:
        return [], exclusions
    entry = ScanEntry(
        cohort=COHORT,
        scan_key=f"CQ500-CT-{_study_number(row.cells['name'])}",
        patient_key=patient_key(slices[0]),
        files=paths_of(slices),
        headers=SeriesHeaders.of(slices),
        scan_labels=scan_labels,
        votes=votes,
    )
    return [(slices[0].series_uid, entry)], exclusions


def _read_study(study: Path) -> tuple[Sequence[SliceHeader], list[Exclusion]]:
    """Return the slices of the chosen series, none when there is no choice, and all left out."""
    files = members(study) if study.is_file() else files_below(study)
    headers, exclusions = read_headers(files)
    series: list[Sequence[SliceHeader]] = []
    for slices in group_series(headers).values():
        try:
            stacked, repeated = stack_slices(slices)
            require_no_gap(stacked)  # a hemorrhage that the readers saw may have lain there
            series.append(stacked)
            exclusions += repeated
        except ReadError as error:
            exclusions.append(Exclusion.from_error(error, paths_of(slices)))
    if not series:
        return [], [*exclusions, Exclusion(study, "empty", "no series that makes a volume")]
    chosen = choose_series(series)
    if chosen is None:
        detail = f"none of its {len(series)} series is a head without contrast agent"
        files_left = paths_of(header for slices in series for header in slices)
        return [], [*exclusions, Exclusion(study, "no-plain-series", detail, files_left)]
    detail = f"of this study {series_name(chosen)!r} was taken"
    exclusions += [
        Exclusion(slices[0].path.parent, "other-series", detail, paths_of(slices))
        for slices in series
        if slices is not chosen
    ]
    return chosen, exclusions
