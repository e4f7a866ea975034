"""What CT-ICH and BHSD share: a NIfTI volume and its outlines as one labelled scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.labels import Labels, labels_from_mask
from ichnet.ct.errors import ReadError
from ichnet.ct.nifti import Nifti, read_nifti, to_volume
from ichnet.ct.pseudonym import pseudonym

MASK = "mask"
"""Key of a scan's outlines among its extra files."""

TOLERANCE_MM = 0.5
"""How far scan and outlines may lie apart, at any corner."""

SUFFIXES = (".nii", ".nii.gz")


def volumes_below(folder: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by name without suffix, sorted."""
    return {
        path.name.split(".nii")[0]: path
        for path in sorted(folder.iterdir())
        if path.name.endswith(SUFFIXES)
    }


def read_mask(
    path: Path, scan: Nifti | None, bits: Callable[[int, NDArray[np.float32]], NDArray[np.uint8]]
) -> dict[str, NDArray[np.uint8]]:
    """Read outlines as bits, uint8 [rows, columns], turned as every scan is.

    Args:
        path: the outlines.
        scan: what they must lie on; ``None`` leaves that unchecked.
        bits: from a slice's number in the file, from 0, and its values to bits.

    Returns:
        by the slice's number in the file, from feet to head.

    Raises:
        ReadError: ``bad-annotation``, and the reasons of :func:`ichnet.ct.nifti.read_nifti`.
    """
    outlines = read_nifti(path)
    if scan is not None:
        _require_same_place(path, outlines, scan)
    numbered = zip(outlines.numbers.tolist(), outlines.values, strict=True)
    return {str(number): bits(number, values) for number, values in numbered}


def _require_same_place(path: Path, outlines: Nifti, scan: Nifti) -> None:
    if outlines.values.shape != scan.values.shape:
        raise ReadError(path, "bad-annotation", "outlines of another shape than their scan")
    if not np.array_equal(outlines.numbers, scan.numbers):
        raise ReadError(path, "bad-annotation", "outlines with slices in another order")
    if np.abs(_corners_mm(outlines) - _corners_mm(scan)).max() > TOLERANCE_MM:
        raise ReadError(path, "bad-annotation", "outlines that lie elsewhere than their scan")


def _corners_mm(nifti: Nifti) -> NDArray[np.float64]:
    """Return where three corners of every slice lie, float64 [3, slices, 3]."""
    _, rows, columns = nifti.values.shape
    row_mm, column_mm = nifti.pixel_spacing_mm
    along_row = columns * column_mm * nifti.orientation[:3]
    along_column = rows * row_mm * nifti.orientation[3:]
    first = nifti.positions_mm
    return np.stack([first, first + along_row, first + along_column])


def mask_labels(mask: Mapping[str, NDArray[np.uint8]]) -> dict[str, Labels]:
    """Return what each slice's outlines show, by the slice's number in the file."""
    return {number: labels_from_mask(bits) for number, bits in mask.items()}


def load_scan(
    entry: ScanEntry,
    key: bytes,
    bits: Callable[[int, NDArray[np.float32]], NDArray[np.uint8]],
) -> Case:
    """Read a scan with its outlines; their pseudonyms are made from cohort and file name."""
    path = entry.files[0]
    nifti = read_nifti(path)
    mask = read_mask(entry.extra[MASK], nifti, bits)
    scan_id = pseudonym(key, "scan", f"{entry.cohort}/{entry.scan_key}")
    patient_id = pseudonym(key, "patient", f"{entry.cohort}/{entry.patient_key}")
    volume = to_volume(nifti, scan_id, patient_id)
    labels = np.array([entry.slice_labels[uid] for uid in volume.sop_instance_uids], np.int8)
    return Case.of(entry, volume, labels, np.stack(list(mask.values())))
