"""A scan on the web page: pictures of slices, outlines, decision and explanation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.errors import ReadError
from ichnet.ct.volume import Volume
from ichnet.deployment.scan_result import ScanResult
from ichnet.deployment.scratch import scratch_folder
from ichnet.reporting.review.images import encode_scan

TOLD = (
    *("scan_id", "decision", "probability", "uncertain", "agreement", "threshold", "volume_ml"),
    *("subtypes", "notes", "model", "data_statement", "uncertain_band", "calibrated"),
)
"""Fields of a result that the page shows."""


def scan_view(
    result: ScanResult, series: Path, segmentation: Path | None, key: bytes
) -> dict[str, Any]:
    """Return the content of a scan's page. It has no identifiers, but slices can show a face.

    Args:
        result: result of the scan.
        series: folder of its files, which may have been removed.
        segmentation: its DICOM SEG, if there is one.
        key: secret key of the pseudonyms.
    """
    whole = asdict(result)
    told = {name: whole[name] for name in TOLD}
    told["slices"] = [
        {"probability": one.probability, "volume_ml": one.volume_ml} for one in result.slices
    ]
    return {**told, **_pictures(result, series, segmentation, key)}


def _pictures(
    result: ScanResult, series: Path, segmentation: Path | None, key: bytes
) -> dict[str, Any]:
    if not result.picture:
        return {"pictures": [], "missing": "text is burnt into the image, which may name somebody"}
    try:
        with scratch_folder() as scratch:
            found, _ = discover([series], scratch)
            volume = read_series(found[0].files, key)
    except (ReadError, IndexError):
        return {"pictures": [], "missing": "the received files have been removed since"}
    if volume.digest != result.provenance.digest:
        return {"pictures": [], "missing": "other files of this series have arrived since"}
    mask = None
    if segmentation is not None and segmentation.exists():
        mask = mask_of(segmentation, volume)
    return {**asdict(encode_scan(volume, mask)), "missing": ""}


def mask_of(segmentation: Path, volume: Volume) -> NDArray[np.uint8]:
    """Return the mask of a SEG on the pixels of its scan, uint8 [slices, rows, columns]."""
    dataset = pydicom.dcmread(segmentation)
    plane_of = {uid: plane for plane, uid in enumerate(volume.sop_instance_uids)}
    mask = np.zeros(volume.hu.shape, np.uint8)
    frames = dataset.pixel_array
    for frame, groups in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        (source,) = groups.DerivationImageSequence[0].SourceImageSequence
        mask[plane_of[source.ReferencedSOPInstanceUID]] = volume.turn.apply(frame)
    return mask
