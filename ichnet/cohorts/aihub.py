"""AI-Hub 34101, and any strongly annotated set in the same layout: an outline for every lesion.

AI-Hub's own files have no public description. This layout is ours; it follows what AI-Hub's other
medical sets use::

    <root>/<scan>/dicom/*.dcm                             one series
    <root>/<scan>/annotation/<SOPInstanceUID>.json        see ichnet.cohorts.annotation
    <root>/<scan>/annotation/<SOPInstanceUID>.png         or, instead, see ichnet.cohorts.masks

Every slice has one of the two, slices without hemorrhage too: a slice without annotation would
otherwise count as one without hemorrhage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.cohorts.annotation import read_annotation
from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.labels import Labels, in_slice_order, labels_from_mask, union
from ichnet.cohorts.masks import read_bit_mask
from ichnet.cohorts.polygons import bit_mask
from ichnet.cohorts.series import (
    Listed,
    first_of_each_series,
    only_series,
    paths_of,
    patient_key,
    read_age_and_sex,
    read_scan,
    require_folder,
    rest_of,
    without_left_out,
)
from ichnet.ct.dicom import Mapper, read_headers
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.slice_header import SliceHeader

COHORT = "aihub"
SUFFIXES = (".json", ".png")


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List all scans, sorted by folder; annotations are read and checked, pixels are not.

    A scan is left out whole, with one exclusion, when a slice lacks its annotation
    (``missing-annotation``) or an annotation its slice (``missing-file``), when an annotation is
    wrong (``bad-annotation``), and when its files make no volume (``mixed-series`` and the reasons
    of :mod:`ichnet.ct.dicom`). Files of the ``dicom`` folder that are no axial CT slice are
    exclusions of their own.

    Raises:
        ReadError: ``missing-file`` or ``empty`` without a single scan folder.
    """
    require_folder(root)
    folders = sorted(
        path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not folders:
        raise ReadError(root, "empty", "no scan folder (<scan>/dicom, <scan>/annotation) in it")
    entries: list[tuple[str, ScanEntry]] = []
    exclusions: list[Exclusion] = []
    listed = mapper(_list_folder, folders)
    for found, left_out in tqdm(listed, "AI-Hub", len(folders), unit="scan", disable=None):
        entries += found
        exclusions += left_out
    kept, repeated = first_of_each_series(entries)
    return kept, exclusions + repeated


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan's pixels and rasterise its outlines.

    Raises:
        ReadError: the reasons of :func:`~ichnet.cohorts.series.read_scan`, ``bad-annotation``.
    """
    volume = read_scan(entry, key)
    # drawn on the slices as their files lay them out
    shape = volume.file_shape
    drawn = np.stack([read_slice_mask(entry.extra[uid], shape) for uid in volume.sop_instance_uids])
    labels = in_slice_order(entry.slice_labels, volume.sop_instance_uids)
    return Case.of(entry, volume, labels, volume.turn.apply(drawn))


def read_slice_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Read one slice's annotation, JSON or PNG, as bits, uint8 [rows, columns].

    Raises:
        ReadError: ``bad-annotation``.
    """
    if path.suffix == ".png":
        return read_bit_mask(path, shape)
    return bit_mask(read_annotation(path, shape).polygons, shape)


def _list_folder(folder: Path) -> Listed:
    """List the scan of a folder."""
    exclusions: list[Exclusion] = []
    try:
        require_folder(folder / "dicom")
        headers, exclusions = read_headers(_files(folder / "dicom", (".dcm",)))
        slices, repeated = only_series(folder / "dicom", headers)
        annotations = _annotations(folder / "annotation")
        annotations, spare = without_left_out(annotations, headers, repeated)
        exclusions += [*repeated, *spare]
        return [(slices[0].series_uid, _entry(folder, slices, annotations))], exclusions
    except ReadError as error:
        return [], [*exclusions, Exclusion.from_error(error, rest_of(folder, exclusions))]


def _entry(folder: Path, slices: Sequence[SliceHeader], annotations: dict[str, Path]) -> ScanEntry:
    instances = {header.sop_instance_uid for header in slices}
    missing = len(instances - annotations.keys())
    if missing:
        raise ReadError(
            folder, "missing-annotation", f"{missing} of {len(slices)} slices have no annotation"
        )
    spare = sorted(annotations.keys() - instances)
    if spare:
        raise ReadError(
            annotations[spare[0]],
            "missing-file",
            f"annotations without a readable slice: {len(spare)} of {len(annotations)}",
        )
    slice_labels = {
        header.sop_instance_uid: _read_labels(annotations[header.sop_instance_uid], header.shape)
        for header in slices
    }
    age_years, sex = read_age_and_sex(slices[0].path)
    return ScanEntry(
        cohort=COHORT,
        scan_key=folder.name,
        patient_key=patient_key(slices[0]),
        files=paths_of(slices),
        headers=SeriesHeaders.of(slices),
        scan_labels=union(slice_labels.values()),
        slice_labels=slice_labels,
        age_years=age_years,
        sex=sex,
        extra=annotations,
    )


def _annotations(folder: Path) -> dict[str, Path]:
    """Find the annotations of a scan by SOP instance UID."""
    require_folder(folder)
    annotations: dict[str, Path] = {}
    for path in _files(folder, SUFFIXES):
        if path.stem in annotations:
            raise ReadError(path, "bad-annotation", "a slice with both a JSON and a PNG: which?")
        annotations[path.stem] = path
    return annotations


def _read_labels(path: Path, shape: tuple[int, int]) -> Labels:
    if path.suffix == ".png":
        return labels_from_mask(read_bit_mask(path, shape))
    return read_annotation(path, shape).labels


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in suffixes)
