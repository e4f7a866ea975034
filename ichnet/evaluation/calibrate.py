"""Calibrates trained models, and tells what their predictions depend on.

Every model, in every arm, is calibrated on the validation scans of AI-Hub.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ichnet.config import Config
from ichnet.config.depends import settings_of
from ichnet.evaluation.predict_fn import members_read
from ichnet.evaluation.slices import SlicePrediction, by_scan, split_predictor
from ichnet.files import file_digest
from ichnet.records.maps import maps_fingerprint
from ichnet.records.record_set import RecordSet
from ichnet.runs import AIHUB_SCANS, RunFolder
from ichnet.runs.experiment import Experiment
from ichnet.runs.stage import Stage
from ichnet.statistics.scan_score import ScanCalibration, read_calibration, write_calibration
from ichnet.training.calibration import (
    ScanSlices,
    ScanSubtypes,
    fit_calibration,
    fit_subtypes,
)

logger = logging.getLogger(__name__)

FORMAT = 4
"""Version of how calibrations are made and stored; when it is raised, older ones are made again."""

CALIBRATION_SPLIT = "validation"

NOT_CALIBRATED = 3
"""Exit code of a script that did all, when a model is not distinguishable from chance."""


def calibrate_models(experiment: Experiment, models: Iterable[str]) -> int:
    """Calibrate models, print where the calibrations are, and return the exit code.

    Returns:
        0, or :data:`NOT_CALIBRATED` when a model is not distinguishable from chance.
    """
    run, exit_code = experiment.run, 0
    for model in models:
        calibration = calibrate_model(experiment.config, model, experiment.records, run)
        print(f"calibration ({calibration.pooling}): {run.calibration(model)}")
        if not calibration.calibrated:
            exit_code = NOT_CALIBRATED
    return exit_code


def calibrate_model(config: Config, model: str, records: Path, run: RunFolder) -> ScanCalibration:
    """Calibrate a trained model on AI-Hub's validation scans, or read its calibration if current.

    A model that is not shown to be better than guessing is reported in the log; what it gets
    instead is described in :func:`~ichnet.training.calibration.fit_calibration`.

    Raises:
        FileNotFoundError: when the model is not trained, or its maps are not cached.
        ConfigError: when the record set is missing or the model cannot be calibrated on it.
    """
    validation = RecordSet.open(records / AIHUB_SCANS)
    predict = split_predictor(config, model, records, run)
    stage = _calibration_stage(config, model, validation, run)
    if not stage.is_finished():
        begun = stage.begin()
        predictions = predict(validation, CALIBRATION_SPLIT)
        scans, truth = known_scans(predictions, validation)
        where = f"{validation.folder}, split {CALIBRATION_SPLIT}"
        fitted = fit_calibration(
            scans, truth, config.evaluation.calibration, where, config.evaluation.pooling
        )
        if subtypes := subtype_scans(predictions):
            fitted = replace(fitted, subtypes=fit_subtypes(subtypes, fitted.pooling))
        write_calibration(fitted, begun / run.calibration(model).name)
        stage.finish()
    calibration = read_calibration(run.calibration(model))
    if not calibration.calibrated:
        logger.warning("%s %s", model, calibration.refusal)
    return calibration


def calibration_of(config: Config, model: str, records: Path, run: RunFolder) -> ScanCalibration:
    """Return a model's calibration.

    Raises:
        FileNotFoundError: when there is no calibration of the model with its present weights.
    """
    path = run.calibration(model)
    validation = RecordSet.open(records / AIHUB_SCANS)
    if not _calibration_stage(config, model, validation, run).is_finished():
        raise FileNotFoundError(
            f"{path}: no calibration of {model} as it is now; make it (models/calibrate.py)"
        )
    return read_calibration(path)


def _calibration_stage(config: Config, model: str, validation: RecordSet, run: RunFolder) -> Stage:
    path = run.calibration(model)
    made_from = {
        "format": FORMAT,
        "settings": settings_of(config, "calibration"),
        **digests(config, model, validation, run),
    }
    return Stage(path.parent, made_from, (path.name,))


def known_scans(
    predictions: Iterable[SlicePrediction], record_set: RecordSet
) -> tuple[list[ScanSlices], list[bool]]:
    """Return the slices and the truth of each scan whose truth is known."""
    truth_of = {row["scan_id"]: row["ANY"] for row in record_set.scans}
    scans = by_scan(predictions).items()
    known = [(scan_id, slices) for scan_id, slices in scans if truth_of[scan_id] in ("0", "1")]
    truth = [truth_of[scan_id] == "1" for scan_id, _ in known]
    return [scan_slices(slices) for _, slices in known], truth


def scan_slices(slices: Sequence[SlicePrediction]) -> ScanSlices:
    """Return a scan's slice scores and spacings, from which its score is pooled."""
    return ScanSlices(
        np.array([one.score for one in slices]), np.array([one.spacing_mm for one in slices])
    )


def subtype_scans(predictions: Iterable[SlicePrediction]) -> list[ScanSubtypes]:
    """Return each scan's subtype scores and true subtypes; empty for models without them."""
    return [
        ScanSubtypes(
            np.array([one.subtype_scores for one in slices], np.float64),
            np.array([one.labels[1:] for one in slices], np.float64),
            np.array([one.spacing_mm for one in slices]),
        )
        for slices in by_scan(predictions).values()
        if slices[0].subtype_scores is not None
    ]


def digests(config: Config, model: str, record_set: RecordSet, run: RunFolder) -> dict[str, str]:
    """Return digests of what a model's predictions of a record set depend on."""
    found = {"records": record_set.fingerprint}
    if members_read(config, model):
        found["maps"] = maps_fingerprint(run.maps(record_set.folder.name))
    for path in (run.best(model), run.rule, run.weights):
        if path.parent == run.model(model) and path.exists():
            found["model"] = file_digest(path)
    return found
