"""BHSD: scans with outlines of all five subtypes, in NIfTI.

::

    <root>/images/<name>.nii.gz
    <root>/ground truths/<name>.nii.gz      0 background, 1 EDH, 2 IPH, 3 IVH, 4 SAH, 5 SDH

The scans are from RSNA 2019's, converted: who trains on RSNA must not test on BHSD, and the
patients cannot be matched. Each scan counts as a patient of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.labels import union
from ichnet.cohorts.nifti_scans import MASK, load_scan, mask_labels, read_mask, volumes_below
from ichnet.cohorts.series import require_folder
from ichnet.ct.dicom import Mapper
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.subtypes import SUBTYPES

COHORT = "bhsd"
MASK_FOLDERS = ("ground truths", "ground_truths", "labels", "masks")


def list_scans(root: Path, mapper: Mapper = map) -> tuple[list[ScanEntry], list[Exclusion]]:
    """List all scans by name; outlines are read, scans are not.

    Left out: scans without outlines (``missing-annotation``), outlines without a scan
    (``missing-file``) and outlines with other values than 0 to 5 (``bad-annotation``).

    Args:
        root: the folder of ``images`` and ``ground truths``.
        mapper: not needed: there are no DICOM headers to read.

    Raises:
        ReadError: ``missing-file`` without the folders.
    """
    require_folder(root / "images")
    folder = next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)
    if folder is None:
        raise ReadError(root / MASK_FOLDERS[0], "missing-file", "there is no such folder")
    images, masks = volumes_below(root / "images"), volumes_below(folder)
    entries: list[ScanEntry] = []
    exclusions = [
        Exclusion(masks[name], "missing-file", "outlines without a scan")
        for name in masks.keys() - images.keys()
    ]
    for name, path in tqdm(images.items(), desc="BHSD", unit="scan", disable=None):
        if name not in masks:
            exclusions.append(Exclusion(path, "missing-annotation", "a scan without outlines"))
            continue
        try:
            slice_labels = mask_labels(read_mask(masks[name], None, subtype_bits))
        except ReadError as error:
            files = (path, masks[name])
            exclusions.append(Exclusion(masks[name], error.reason, error.detail, files))
            continue
        entries.append(
            ScanEntry(
                COHORT,
                name,
                name,
                (path,),
                union(slice_labels.values()),
                slice_labels,
                extra={MASK: masks[name]},
            )
        )
    return entries, exclusions


def load(entry: ScanEntry, key: bytes) -> Case:
    """Read a scan and its outlines.

    Raises:
        ReadError: see :mod:`ichnet.cohorts.nifti_scans`.
    """
    return load_scan(entry, key, subtype_bits)


def subtype_bits(_: int, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn classes 0 to 5 into bits.

    Raises:
        ReadError: ``bad-annotation``.
    """
    classes = values.astype(np.uint8)
    if not np.array_equal(classes, values) or classes.max() > len(SUBTYPES):
        raise ReadError("outlines", "bad-annotation", "other classes than 0 to 5")
    bits = np.array([0, *(1 << bit for bit in range(len(SUBTYPES)))], np.uint8)
    return np.asarray(bits[classes])
