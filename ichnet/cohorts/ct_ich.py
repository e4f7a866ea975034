"""PhysioNet CT-ICH: scans with the subtypes on each slice and one outline for all of them.

::

    <root>/hemorrhage_diagnosis_raw_ct.csv   PatientNumber,SliceNumber (from 1),Intraventricular,...
    <root>/ct_scans/<patient>.nii            049.nii to 130.nii
    <root>/masks/<patient>.nii               0 and 255 (or 1)

The outline does not tell subtypes apart. Each of its pixels gets the subtypes that the table names
for its slice: exact on slices with one subtype, the upper bound of each on slices with several
(paper silent).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.labels import Labels, labels_from_subtypes, union
from ichnet.cohorts.nifti_scans import MASK, load_scan, read_mask, volumes_below
from ichnet.cohorts.series import require_folder
from ichnet.cohorts.tables import Row, read_rows
from ichnet.ct.dicom import Mapper
from ichnet.ct.errors import Exclusion, ReadError

COHORT = "ct_ich"
LABEL_TABLE = "hemorrhage_diagnosis_raw_ct.csv"
COLUMN_OF = {
    "EDH": "Epidural",
    "IPH": "Intraparenchymal",
    "IVH": "Intraventricular",
    "SAH": "Subarachnoid",
    "SDH": "Subdural",
}


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List all scans by patient number; outlines are read, scans are not.

    A patient is left out whole when a row is wrong, a slice has no row or two (``bad-annotation``),
    when outline and rows contradict each other (``bad-annotation``), or without scan or outline
    (``missing-file``); scans without rows are ``unlabelled``.

    Args:
        root: the folder of the table.
        mapper: not needed: there are no DICOM headers to read.

    Raises:
        ReadError: without the table or the folders.
    """
    columns = ("PatientNumber", "SliceNumber", *COLUMN_OF.values())
    rows, exclusions = read_rows(root / LABEL_TABLE, columns)
    for name in ("ct_scans", "masks"):
        require_folder(root / name)
    scans, masks = volumes_below(root / "ct_scans"), volumes_below(root / "masks")
    patients: dict[str, list[Row]] = {}
    for row in rows:
        patients.setdefault(row.cells["PatientNumber"].zfill(3), []).append(row)
    exclusions += [
        Exclusion(path, "unlabelled", f"no row of it in {LABEL_TABLE}", (path, *_some(masks, name)))
        for name, path in scans.items()
        if name not in patients
    ]
    entries: list[ScanEntry] = []
    for name, of_patient in tqdm(
        sorted(patients.items()), desc="CT-ICH", unit="scan", disable=None
    ):
        try:
            entries.append(_entry(name, of_patient, scans, masks))
        except ReadError as error:
            files = (*_some(scans, name), *_some(masks, name))
            exclusions.append(Exclusion.from_error(error, files))
    return entries, exclusions


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan and its outlines.

    Raises:
        ReadError: see :mod:`ichnet.cohorts.nifti_scans`.
    """
    return load_scan(entry, key, partial(slice_bits, entry.slice_labels))


def slice_bits(
    labels: Mapping[str, Labels], number: int, values: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Give a slice's outline the bits of the subtypes that its row names."""
    _, *subtypes = labels[str(number)]
    bits = sum(1 << bit for bit, present in enumerate(subtypes) if present)
    return np.where(values > 0, np.uint8(bits), np.uint8(0)).astype(np.uint8)


def _entry(name: str, rows: list[Row], scans: dict[str, Path], masks: dict[str, Path]) -> ScanEntry:
    if name not in scans or name not in masks:
        raise rows[0].error("no scan or no outline of this patient", "missing-file")
    slice_labels: dict[str, Labels] = {}
    for row in rows:
        text = row.text("SliceNumber")
        number = str(int(text) - 1) if text.isdecimal() else ""
        if not number or number in slice_labels:
            raise row.error(f"SliceNumber {text!r}, which is no number or comes twice")
        subtypes = {one: row.zero_or_one(column) for one, column in COLUMN_OF.items()}
        slice_labels[number] = labels_from_subtypes(subtypes)
    outlined = read_mask(masks[name], None, lambda _, values: (values > 0).astype(np.uint8))
    if slice_labels.keys() != outlined.keys():
        raise rows[0].error(f"{len(slice_labels)} rows for {len(outlined)} slices")
    for number, pixels in outlined.items():
        if bool(pixels.any()) != bool(slice_labels[number][0]):
            said = "an outline, but no subtype" if pixels.any() else "a subtype, but no outline"
            raise ReadError(masks[name], "bad-annotation", f"slice {int(number) + 1} has {said}")
    return ScanEntry(
        COHORT,
        name,
        name,
        (scans[name],),
        union(slice_labels.values()),
        slice_labels,
        extra={MASK: masks[name]},
    )


def _some(paths: dict[str, Path], name: str) -> tuple[Path, ...]:
    return (paths[name],) if name in paths else ()
