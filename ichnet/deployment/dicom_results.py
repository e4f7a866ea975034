"""A scan's result as DICOM objects that a PACS files beside its images: a mask and a report.

They must carry the identity of the patient and the study they belong to, or no PACS could file
them. They are written only where asked for, into a folder of their own; nothing else that
prediction writes identifies anyone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.dicom_file import PARSE_ERRORS
from ichnet.ct.errors import ReadError
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.ct.volume import Volume
from ichnet.deployment.dicom_report import build_report
from ichnet.deployment.dicom_segmentation import build_segmentation
from ichnet.deployment.dicom_source import Identity, source_slices
from ichnet.deployment.scan_result import ScanResult
from ichnet.files import whole_path


def dicom_paths(folder: Path, scan_id: str, has_mask: bool) -> tuple[Path, ...]:
    """Return the files that :func:`write_dicom_results` writes for a scan."""
    names = (f"{scan_id}.seg.dcm", f"{scan_id}.sr.dcm") if has_mask else (f"{scan_id}.sr.dcm",)
    return tuple(folder / name for name in names)


def write_dicom_results(
    volume: Volume,
    mask: NDArray[np.uint8] | None,
    result: ScanResult,
    files: Sequence[Path],
    folder: Path,
) -> tuple[Path, ...]:
    """Write a DICOM Segmentation (where there is a mask) and a structured report of a scan.

    Args:
        volume: the scan.
        mask: uint8 [slices, rows, columns] on its pixels; ``None`` for classifiers.
        result: what is reported.
        files: of its series, in any order; they are read, never changed.
        folder: for the objects. They identify the patient: treat them as the scans themselves.

    Returns:
        The files, named by pseudonym.

    Raises:
        ReadError: ``multi-frame``: results of an enhanced CT cannot refer to its frames here;
            ``no-dicom-result``: the source's headers do not make a valid object.
    """
    sources = source_slices(volume, files)
    identity = Identity(result.provenance)
    paths = dicom_paths(folder, volume.scan_id, mask is not None)
    try:
        with warnings.catch_warnings():
            # about names and UIDs that are not as the standard has them; they quote the patient
            warnings.simplefilter("ignore")
            segmentation = None
            if mask is not None:
                segmentation = build_segmentation(sources, volume.turn.undo(mask), result, identity)
            report = build_report(sources, segmentation, result, identity)
    except PARSE_ERRORS as error:
        # its message could quote a header, so only its kind is told
        detail = f"no DICOM result can refer to this series ({type(error).__name__})"
        raise ReadError(files[0], "no-dicom-result", detail) from error
    objects = [report] if segmentation is None else [segmentation, report]
    for path, one in zip(paths, objects, strict=True):
        one.SeriesDescription = f"{result.model}. {RESEARCH_USE}"[:64]
        with whole_path(path) as temporary:
            one.save_as(temporary, enforce_file_format=True)
    return paths
