"""An exported model against a record set of whole scans: what ``eval/external.py`` measures.

This is the only module of ``evaluation`` that imports ``deployment``: it measures the SavedModel as
a hospital gets it, with the pooling, calibration and thresholds that its ``metadata.json`` states,
and not a network of a run. ``deployment`` knows nothing of records, so that the import has to go
this way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.config import ConfigError
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_result import is_calibrated
from ichnet.evaluation.lesions import LesionTables, outlined
from ichnet.evaluation.predict_records import TEST_SPLIT, write_cohort
from ichnet.evaluation.slices import SlicePrediction
from ichnet.records.reader import stored_scans
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder
from ichnet.runs.external import TEST_FILE, ExternalTest, answers_folder, write_test
from ichnet.runs.stage import Stage

FORMAT = 1
"""Version of how the answers are made and stored; when it is raised, older ones are made again."""

SliceOutputs = dict[str, NDArray[Any]]
"""The model's outputs for the slices of a scan, named as in its signature ``consecutive``."""


def evaluate_export(model: SavedModel, record_set: RecordSet, out: Path) -> ExternalTest:
    """Write a model's predictions of a record set, or keep those of the same model and records.

    Args:
        model: the export.
        record_set: of whole scans, split ``test``.
        out: gets ``answers/`` (see :mod:`ichnet.runs.external`).

    Raises:
        ConfigError: when the records are of another field of view, smaller than the model's
            matrix, of single slices, of several cohorts, or without test scans.
        RecordSetError: when a file of the records is missing or cut off.
        ModelError: when the model cannot be loaded.
    """
    test = external_test(model, record_set)
    made_from = {"format": FORMAT, "model": model.fingerprint, "records": record_set.fingerprint}
    stage = Stage(answers_folder(out).root, made_from, (TEST_FILE,))
    if not stage.is_finished():
        model.load()
        begun = stage.begin()
        _write_answers(model, record_set, test, RunFolder(begun))
        write_test(test, begun)
        stage.finish()
    return test


def external_test(model: SavedModel, record_set: RecordSet) -> ExternalTest:
    """Describe which model is evaluated on which records, after checking that they fit together.

    Raises:
        ConfigError: when they do not fit; the message names both.
    """
    metadata, image = model.metadata, record_set.info["image"]
    _require_same_image(model, record_set)
    _require_whole_scans(record_set)
    cohorts = sorted({row["cohort"] for row in record_set.scans})
    if len(cohorts) > 1:
        raise ConfigError(f"{record_set.folder}: scans of several cohorts: {', '.join(cohorts)}")
    return ExternalTest(
        model=metadata.model,
        model_sha256=model.fingerprint,
        data_statement=metadata.data_statement,
        threshold=metadata.threshold,
        pixel_threshold=metadata.pixel_threshold,
        matrix=metadata.image.matrix,
        pooling=metadata.calibration.pooling,
        calibrated=is_calibrated(metadata),
        records=record_set.folder.name,
        records_fingerprint=record_set.fingerprint,
        records_matrix=record_set.matrix,
        field_of_view_mm=float(image["field_of_view_mm"]),
        cohort=cohorts[0],
        excluded=record_set.info.get("excluded", {}),
    )


def answer_scan(model: SavedModel, hu: NDArray[np.float32]) -> SliceOutputs:
    """Return the model's outputs for a whole scan of HU, float32 [slices, rows, columns]."""
    parts: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for seen, own in model.batches(len(hu)):
        for name, values in model(hu[seen]).items():
            parts[name].append(values[own])
    return {name: np.concatenate(some) for name, some in parts.items()}


def _require_same_image(model: SavedModel, record_set: RecordSet) -> None:
    """Refuse records of another field of view, or of fewer pixels, than the model's.

    Slices of more pixels are accepted: the export resizes them by area, as it does for any caller,
    and its map comes back at their size.
    """
    image, own = record_set.info["image"], model.metadata.image
    same_view = float(image["field_of_view_mm"]) == own.field_of_view_mm
    if not same_view or record_set.matrix < own.matrix:
        raise ConfigError(
            f"{record_set.folder} holds slices of {record_set.matrix} x {record_set.matrix} pixels "
            f"over {float(image['field_of_view_mm']):g} mm, and {model.metadata.model} works at "
            f"{own.matrix} x {own.matrix} over {own.field_of_view_mm:g} mm: prepare the records "
            "again with the configuration of the model (--config)"
        )


def _require_whole_scans(record_set: RecordSet) -> None:
    indices: dict[str, list[int]] = defaultdict(list)
    for row in record_set.slices_of(TEST_SPLIT):
        indices[row["scan_id"]].append(int(row["slice_index"]))
    if not indices:
        raise ConfigError(
            f"{record_set.folder} holds no scan of split {TEST_SPLIT!r}: prepare it with --whole"
        )
    drawn = sum(found != list(range(len(found))) for found in indices.values())
    if drawn:
        raise ConfigError(
            f"{record_set.folder} holds single slices of {drawn} of its {len(indices)} scans, and "
            "a model is evaluated on whole ones: prepare it with --whole"
        )


def _write_answers(
    model: SavedModel, record_set: RecordSet, test: ExternalTest, answers: RunFolder
) -> None:
    metadata, lesions = model.metadata, LesionTables(model.metadata.pixel_threshold)
    slices: list[SlicePrediction] = []
    scans = stored_scans(record_set, TEST_SPLIT)
    title = f"{test.model} on {test.records}"
    for scan in tqdm(scans, title, len(record_set.scans), unit="scan", disable=None):
        found = answer_scan(model, np.stack([one["hu"] for one in scan]))
        slices += _slice_predictions(scan, found, metadata.pixel_threshold)
        if "mask_probability" in found:
            maps = zip(scan, found["mask_probability"], strict=True)
            for drawn in outlined([{**one, "map": one_map} for one, one_map in maps]):
                lesions.add(drawn)
    folder = answers.predictions(test.model)
    write_cohort(slices, record_set, metadata.calibration, folder, test.cohort)
    if lesions.any_lesion:
        lesions.write(answers.lesions(test.model))


def _slice_predictions(
    scan: Sequence[dict[str, Any]], answers: SliceOutputs, pixel_threshold: float
) -> Iterator[SlicePrediction]:
    maps, subtypes = answers.get("mask_probability"), answers.get("subtype_score")
    for index, one in enumerate(scan):
        drawn = one["mask"] > 0 if one["has_mask"] else None
        predicted = None if maps is None else maps[index] > pixel_threshold
        yield SlicePrediction(
            scan_id=one["scan_id"].decode(),
            patient_id=one["patient_id"].decode(),
            slice_index=int(one["slice_index"]),
            labels=tuple(int(label) for label in one["labels"]),
            # weights that sum to one but for rounding can bring a mean of ones just above one
            score=float(np.clip(answers["probability"][index], 0.0, 1.0)),
            mask_pixels=_count(drawn),
            predicted_pixels=_count(predicted),
            overlap_pixels=None
            if drawn is None or predicted is None
            else _count(drawn & predicted),
            pixel_ml=float(one["pixel_spacing_mm"] ** 2 * one["slice_spacing_mm"] / 1000),
            spacing_mm=float(one["slice_spacing_mm"]),
            subtype_scores=None if subtypes is None else tuple(map(float, subtypes[index])),
        )


def _count(pixels: NDArray[np.bool_] | None) -> int | None:
    return None if pixels is None else int(np.count_nonzero(pixels))
