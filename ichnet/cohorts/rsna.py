"""RSNA 2019 (Kaggle, stage 2): labels of five subtypes for each slice, no outlines.

::

    <root>/stage_2_train.csv        ID,Label: six rows a slice, ID_<sop>_<type>
    <root>/stage_2_train/ID_*.dcm   one slice each, or in stage_2_train_images/, or in <root>

Files are matched to labels by name, line breaks and blanks within the name ignored; scans are found
by SeriesInstanceUID. A scan's labels are the OR over its slices that could be read; a slice without
labels in a scan that has some is unknown.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tqdm import tqdm

from ichnet.cohorts.case import UNKNOWN, Case, ScanEntry
from ichnet.cohorts.labels import Labels, in_slice_order, union
from ichnet.cohorts.series import paths_of, patient_key, read_scan, require_distinct_instances
from ichnet.cohorts.tables import open_table, read_header
from ichnet.ct.dicom import Mapper, group_series, read_headers
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.stack import stack_slices
from ichnet.subtypes import LABELS

COHORT = "rsna"
LABEL_TABLE = "stage_2_train.csv"
IMAGE_FOLDERS = ("stage_2_train", "stage_2_train_images")

BIT_OF_TYPE = {
    "any": 0,
    "epidural": 1,
    "intraparenchymal": 2,
    "intraventricular": 3,
    "subarachnoid": 4,
    "subdural": 5,
}
"""RSNA's names of the six labels, and their positions in ``LABELS``."""

ZERO_BITS = len(LABELS)
"""A slice's rows are collected as bits: "labelled 1" in bits 0 to 5, "labelled 0" in 6 to 11."""

ALL_SIX = (1 << len(LABELS)) - 1

WITHOUT_LABELS: Labels = (UNKNOWN,) * len(LABELS)


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List all scans, sorted by series.

    Every file and every labelled slice ends in one scan or one exclusion: rows that are no label,
    labels that contradict each other (``bad-annotation``), series without a single label
    (``unlabelled``), labels without a file (``missing-file``), files that are no axial CT slice,
    and series whose slices make no volume (the reasons of :mod:`ichnet.ct.dicom`).

    Raises:
        ReadError: without the label table or without a single DICOM file.
    """
    codes, exclusions = _read_codes(root / LABEL_TABLE)
    files, unmatched = _match(root, codes)
    headers, unreadable = read_headers(
        tqdm(files, desc="RSNA headers", unit="file", disable=None), mapper
    )
    exclusions += [*unmatched, *unreadable]
    entries = []
    for series_uid, slices in sorted(group_series(headers).items()):
        try:
            stacked, repeated = stack_slices(slices)
            entries.append(_entry(series_uid, stacked, codes))
            exclusions += repeated
        except ReadError as error:
            exclusions.append(Exclusion.from_error(error, paths_of(slices)))
    return entries, exclusions


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan's pixels.

    Raises:
        ReadError: the reasons of :func:`~ichnet.cohorts.series.read_scan`.
    """
    volume = read_scan(entry, key)
    return Case.of(entry, volume, in_slice_order(entry.slice_labels, volume.sop_instance_uids))


def _read_codes(table: Path) -> tuple[dict[str, int], list[Exclusion]]:
    """Collect the rows of each slice as bits, by the slice's name."""
    codes: dict[str, int] = {}
    exclusions: list[Exclusion] = []
    with open_table(table) as handle:
        reader = csv.reader(handle)
        header = read_header(table, reader, ("ID", "Label"))
        name_at, label_at = header.index("ID"), header.index("Label")
        for cells in filter(None, reader):  # without empty lines
            try:
                name, kind = cells[name_at].strip().rsplit("_", 1)
                shift = {"1": 0, "0": ZERO_BITS}[cells[label_at].strip()]
                codes[name] = codes.get(name, 0) | 1 << (BIT_OF_TYPE[kind] + shift)
            except (LookupError, ValueError):
                detail = f"line {reader.line_num}: not ID_<slice>_<type>,<0 or 1>"
                exclusions.append(Exclusion(table, "bad-annotation", detail))
    return codes, exclusions


@cache
def _labels(code: int) -> Labels:
    """Turn a slice's collected rows into labels.

    Raises:
        ValueError: when they contradict each other or are not complete.
    """
    ones, zeros = code & ALL_SIX, code >> ZERO_BITS
    if ones & zeros:
        raise ValueError("two rows give the slice contradicting labels")
    if ones | zeros != ALL_SIX:
        raise ValueError("the slice does not have all six labels")
    if bool(ones & 1) != bool(ones >> 1):
        raise ValueError("the label 'any' contradicts those of the subtypes")
    return tuple(ones >> bit & 1 for bit in range(len(LABELS)))


def _match(root: Path, codes: dict[str, int]) -> tuple[list[Path], list[Exclusion]]:
    """Return the files but those with bad labels; exclude these, and labels without a file."""
    folder = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), root)
    names = {path: _slice_name(path) for path in sorted(folder.iterdir())}
    names = {path: name for path, name in names.items() if name}
    if not names:
        raise ReadError(folder, "empty", "no DICOM file (ID_<slice>.dcm) in it")
    matched: list[Path] = []
    exclusions: list[Exclusion] = []
    for path, name in names.items():
        try:
            if name in codes:
                _labels(codes[name])
            matched.append(path)
        except ValueError as error:
            exclusions.append(Exclusion(path, "bad-annotation", str(error)))
    detail = f"labelled in {LABEL_TABLE}, but there is no such file"
    exclusions += [
        Exclusion(folder / f"{name}.dcm", "missing-file", detail)
        for name in sorted(codes.keys() - set(names.values()))
    ]
    return matched, exclusions


def _slice_name(path: Path) -> str:
    """Return the slice that a file is named after, empty for what is no DICOM file."""
    name = "".join(path.name.split())
    return name[:-4] if name.lower().endswith(".dcm") else ""


def _entry(series_uid: str, slices: Sequence[SliceHeader], codes: dict[str, int]) -> ScanEntry:
    require_distinct_instances(slices)
    names = {header.sop_instance_uid: _slice_name(header.path) for header in slices}
    if not any(name in codes for name in names.values()):
        raise ReadError(slices[0].path, "unlabelled", f"no label of its scan in {LABEL_TABLE}")
    slice_labels = {
        uid: _labels(codes[name]) if name in codes else WITHOUT_LABELS
        for uid, name in names.items()
    }
    return ScanEntry(
        cohort=COHORT,
        scan_key=series_uid,
        patient_key=patient_key(slices[0]),
        files=paths_of(slices),
        headers=SeriesHeaders.of(slices),
        scan_labels=union(slice_labels.values()),
        slice_labels=slice_labels,
    )
