"""Predicts one scan, and writes the files of its result."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.discover import Series
from ichnet.ct.errors import Exclusion, ReadError, errors_named
from ichnet.ct.nifti_mask import write_nifti_mask
from ichnet.ct.overlay import save_overlay
from ichnet.ct.resample import from_matrix, to_matrix
from ichnet.ct.volume import Volume
from ichnet.deployment.result_files import ResultFiles
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_result import (
    PredictedSlices,
    Provenance,
    ScanResult,
    summarize_scan,
    write_result,
)
from ichnet.deployment.suitability import has_burned_in_annotation


def predict_scan(
    model: SavedModel,
    volume: Volume,
    series: Series,
    provenance: Provenance,
    files: ResultFiles,
) -> tuple[ScanResult, list[Exclusion]]:
    """Predict one scan and write its overlay, other wanted files and, last, its JSON.

    Returns:
        the result, and exclusions for files that could not be made.
    """
    predicted = predict_volume(model, volume)
    result = summarize_scan(volume, predicted, model.metadata, provenance)
    earlier = files.earlier(volume.scan_id)
    result = replace(result, predecessor=earlier.predecessor_of(provenance))
    if has_burned_in_annotation(series.files):
        note = "no picture was made: by its header the image shows text, which may name the patient"
        result = replace(result, picture=False, notes=(*result.notes, note))
    nifti = files.nifti(volume.scan_id)
    if nifti and predicted.mask is not None:
        write_nifti_mask(volume, predicted.mask, nifti)
    elif nifti:  # of another model
        nifti.unlink(missing_ok=True)
    picture = files.picture(volume.scan_id)
    if result.picture:
        caption = f"{result.model}. {result.data_statement}"
        save_overlay(volume, predicted.mask, picture, title=_title(result), caption=caption)
    else:
        picture.unlink(missing_ok=True)
    exclusions: list[Exclusion] = []
    if files.dicom_dir:
        for path in files.dicom(volume.scan_id):  # of an earlier result
            path.unlink(missing_ok=True)
        try:
            write_dicom(volume, predicted, result, series, files.dicom_dir)
            result = replace(result, dicom=True)
        except ReadError as error:
            exclusions = series.exclusions(error)[:1]  # of the scan: its files are predicted
    write_result(result, model.metadata, files.json(volume.scan_id))
    files.refusal(volume.scan_id).unlink(missing_ok=True)
    return result, exclusions


def write_dicom(
    volume: Volume,
    predicted: PredictedSlices,
    result: ScanResult,
    series: Series,
    folder: Path,
) -> None:
    """Write a scan's SEG and SR.

    Raises:
        ReadError: ``multi-frame`` or ``no-dicom-result``; the prediction is kept all the same.
    """
    # highdicom is needed, and loaded, for this alone
    from ichnet.deployment.dicom_results import write_dicom_results

    try:
        with errors_named(series.files[0]):
            write_dicom_results(volume, predicted.mask, result, series.files, folder)
    except ReadError as error:
        if error.reason == "internal-error":
            raise ReadError(error.path, "no-dicom-result", error.detail) from error
        raise


def predict_volume(model: SavedModel, volume: Volume) -> PredictedSlices:
    """Return the model's outputs for each slice, with the mask on the scan's own pixels."""
    slices, rows, columns = volume.hu.shape
    metadata, spacing_mm = model.metadata, volume.pixel_spacing_mm
    matrix, field_of_view_mm = metadata.image.matrix, metadata.image.field_of_view_mm
    parts: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for seen, own in model.batches(slices):
        hu = to_matrix(volume.hu[seen], spacing_mm, matrix, field_of_view_mm, volume.centre_mm)
        outputs = model(np.rint(hu))  # whole HU, as records hold them
        for name in ("probability", "member_probability", "subtype_score"):
            if name in outputs:
                parts[name].append(outputs[name][own])
        if "mask_probability" in outputs:
            maps = outputs["mask_probability"][own]
            maps = from_matrix(maps, spacing_mm, rows, columns, field_of_view_mm, volume.centre_mm)
            parts["mask"].append((maps > metadata.pixel_threshold).astype(np.uint8))
    whole = {name: np.concatenate(some) for name, some in parts.items()}
    return PredictedSlices(
        whole["probability"],
        whole.get("mask"),
        whole.get("member_probability"),
        whole.get("subtype_score"),
    )


def _title(result: ScanResult) -> str:
    title = f"Scan {result.scan_id}: {result.decision}, probability {result.probability:.2f}"
    title += " (uncertain)" if result.uncertain else ""
    known = {name: value for name, value in (result.subtypes or {}).items() if value is not None}
    if known and result.decision == "hemorrhage":
        likely = max(known, key=lambda name: known[name])
        title += f", most likely {likely} ({known[likely]:.2f})"
    return title if result.volume_ml is None else f"{title}, {result.volume_ml:.1f} mL"
