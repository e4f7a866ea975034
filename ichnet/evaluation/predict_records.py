"""Predictions of the external test cohorts, from which all tables are computed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ichnet.config import Config, ConfigError
from ichnet.config.depends import settings_of
from ichnet.evaluation.calibrate import calibration_of, digests, scan_slices
from ichnet.evaluation.slices import SlicePrediction, by_scan, split_predictor
from ichnet.evaluation.subtype_rows import subtype_rows
from ichnet.records.record_set import RecordSet, require_disjoint_test_patients
from ichnet.runs import RECORD_SETS, TEST_COHORTS, RunFolder
from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    SUBTYPE_COLUMNS,
    scans_path,
    slices_path,
    subtypes_path,
    write_predictions,
)
from ichnet.runs.stage import MADE_FROM, Stage
from ichnet.statistics.scan_score import ScanCalibration
from ichnet.subtypes import LABELS

FORMAT = 2
"""Version of how predictions are made; when it is raised, older ones are made again."""

TEST_SPLIT = "test"


def predict_model(config: Config, model: str, records: Path, run: RunFolder) -> None:
    """Write a calibrated model's predictions on the test cohorts, unless they are up to date.

    Args:
        config: the experiment.
        model: a classifier, segmenter, baseline or ensemble by its name in the run.
        records: folder of the record sets.
        run: holds the models, calibrations and cached maps; predictions are written to it.

    Raises:
        FileNotFoundError: when the model is not trained or calibrated, or its maps are not cached.
        ConfigError: when a record set is missing, or the calibration is another model's.
        PatientOverlapError: when a test cohort shares a patient with a set to learn from.
    """
    tested = {cohort: RecordSet.open(records / cohort) for cohort in TEST_COHORTS}
    learnt = [records / name for name in RECORD_SETS if name not in TEST_COHORTS]
    require_disjoint_test_patients(
        (RecordSet.open(folder) for folder in learnt if folder.exists()), tested.values()
    )
    _write_predictions(config, model, tested, records, run, run)


def predict_external(
    config: Config, model: str, record_set: RecordSet, records: Path, run: RunFolder
) -> None:
    """Write a calibrated model's predictions of another record set of one cohort, e.g. of real CT.

    They go to ``run.external(<its name>)``, unless they are up to date; nothing is fitted.

    Args:
        config: the experiment.
        model: as for :func:`predict_model`.
        record_set: of whole scans, split ``test``.
        records: folder of the run's own record sets, on which the model was calibrated.
        run: as for :func:`predict_model`.

    Raises:
        FileNotFoundError: when the model is not trained or calibrated, or its maps are not cached.
        ConfigError: when the slices of the record set are not as the run's, its scans are of
            several cohorts, or it has no test scans.
    """
    cohorts = {row["cohort"] for row in record_set.scans}
    if len(cohorts) != 1 or record_set.splits != (TEST_SPLIT,):
        raise ConfigError(f"{record_set.folder}: not one cohort's whole scans (prepare --whole)")
    own = RecordSet.open(records / TEST_COHORTS[0])
    if record_set.info["image"] != own.info["image"]:
        raise ConfigError(
            f"{record_set.folder}: slices of another size than the run's; prepare them with the "
            f"run's configuration (--config {run.config})"
        )
    there = run.external(record_set.folder.name)
    _write_predictions(config, model, {cohorts.pop(): record_set}, records, run, there)


def _write_predictions(
    config: Config,
    model: str,
    tested: Mapping[str, RecordSet],
    records: Path,
    run: RunFolder,
    to: RunFolder,
) -> None:
    predict = split_predictor(config, model, records, run)
    calibration = calibration_of(config, model, records, run)
    folder = to.predictions(model)
    made_from = {
        "format": FORMAT,
        "settings": settings_of(config, "predictions"),
        "columns": {"scans": list(SCAN_COLUMNS), "slices": list(SLICE_COLUMNS)},
        "calibration": calibration.to_json(),
        "cohorts": {name: digests(config, model, one, run) for name, one in tested.items()},
    }
    marks = [path(folder, name).name for name in tested for path in (slices_path, scans_path)]
    stage = Stage(folder, made_from, tuple(marks))
    if stage.is_finished():
        return
    begun = stage.begin()
    for cohort, record_set in tested.items():
        predictions = predict(record_set, TEST_SPLIT)
        write_cohort(predictions, record_set, calibration, begun, cohort)
    stage.finish()


def predicted_with(folder: Path, calibration: ScanCalibration) -> bool:
    """Return whether a model's predictions were made with a calibration, and so with its weights.

    Args:
        folder: of the predictions.
        calibration: of the model as it is now.
    """
    path = folder / MADE_FROM
    made_from = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return bool(made_from.get("calibration") == json.loads(json.dumps(calibration.to_json())))


def write_cohort(
    predictions: Sequence[SlicePrediction],
    record_set: RecordSet,
    calibration: ScanCalibration,
    folder: Path,
    cohort: str,
) -> None:
    """Write a cohort's files (see :mod:`ichnet.runs.predictions`)."""
    row_of = {row["scan_id"]: row for row in record_set.scans}
    slice_rows = (_slice_row(one, row_of[one.scan_id]["cohort"]) for one in predictions)
    write_predictions(slice_rows, SLICE_COLUMNS, slices_path(folder, cohort))
    scan_rows = (
        _scan_row(slices, row_of[scan_id], calibration)
        for scan_id, slices in by_scan(predictions).items()
    )
    write_predictions(scan_rows, SCAN_COLUMNS, scans_path(folder, cohort))
    if predictions[0].subtype_scores is not None:
        rows = subtype_rows(predictions, record_set, calibration)
        write_predictions(rows, SUBTYPE_COLUMNS, subtypes_path(folder, cohort))


def _slice_row(one: SlicePrediction, cohort: str) -> dict[str, object]:
    labels = {
        name: None if label < 0 else label for name, label in zip(LABELS, one.labels, strict=True)
    }
    return {
        "cohort": cohort,
        "scan_id": one.scan_id,
        "patient_id": one.patient_id,
        "slice_index": one.slice_index,
        **labels,
        "score": one.score,
        "mask_pixels": one.mask_pixels,
        "predicted_pixels": one.predicted_pixels,
        "overlap_pixels": one.overlap_pixels,
    }


def _scan_row(
    slices: Sequence[SlicePrediction], row: dict[str, str], calibration: ScanCalibration
) -> dict[str, object]:
    score = calibration.score(*scan_slices(slices))
    volumes_ml = [
        one.predicted_pixels * one.pixel_ml for one in slices if one.predicted_pixels is not None
    ]
    return {
        **{name: row[name] for name in ("cohort", "scan_id", "patient_id", *LABELS, "votes")},
        "volume_ml": row["volume_ml_ANY"],
        "score": score,
        "probability": calibration.apply(score),
        "predicted_volume_ml": sum(volumes_ml) if volumes_ml else None,
    }
