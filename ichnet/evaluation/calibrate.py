"""The calibration of a trained model, and what its answers come from.

Every model, in every arm, is calibrated on the validation scans of AI-Hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ichnet.config import Config
from ichnet.config.depends import settings_of
from ichnet.evaluation.predict_fn import members_read
from ichnet.evaluation.slices import SlicePrediction, by_scan, split_predictor
from ichnet.records.maps import maps_fingerprint
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder
from ichnet.runs.stage import Stage
from ichnet.statistics.scan_score import (
    Calibration,
    read_calibration,
    scan_score,
    write_calibration,
)
from ichnet.training.calibration import fit_calibration

CALIBRATION_SET, CALIBRATION_SPLIT = "aihub-scans", "validation"


def calibrate_model(config: Config, model: str, records: Path, run: RunFolder) -> Path:
    """Calibrate a trained model on AI-Hub's validation scans; return where that lies.

    Raises:
        FileNotFoundError: when the model is not trained, or its maps are not cached.
        ConfigError: when the record set is missing or the model cannot be calibrated on it.
    """
    validation = RecordSet.open(records / CALIBRATION_SET)
    predict = split_predictor(config, model, records, run)
    stage = _calibration_stage(config, model, validation, run)
    if not stage.is_finished():
        begun = stage.begin()
        scores, truth = known_scores(predict(validation, CALIBRATION_SPLIT), validation)
        where = f"{validation.folder}, split {CALIBRATION_SPLIT}"
        calibration = fit_calibration(scores, truth, config.evaluation.calibration, where)
        write_calibration(calibration, begun / run.calibration(model).name)
        stage.finish()
    return run.calibration(model)


def calibration_of(config: Config, model: str, records: Path, run: RunFolder) -> Calibration:
    """Return a model's calibration.

    Raises:
        FileNotFoundError: when the model has not been calibrated as it is now.
    """
    path = run.calibration(model)
    validation = RecordSet.open(records / CALIBRATION_SET)
    if not _calibration_stage(config, model, validation, run).is_finished():
        raise FileNotFoundError(
            f"{path}: no calibration of {model} as it is now; make it (models/calibrate.py)"
        )
    return read_calibration(path)


def _calibration_stage(config: Config, model: str, validation: RecordSet, run: RunFolder) -> Stage:
    path = run.calibration(model)
    made_from = {
        "settings": settings_of(config, "calibration"),
        **digests(config, model, validation, run),
    }
    return Stage(path.parent, made_from, (path.name,))


def known_scores(
    predictions: Iterable[SlicePrediction], record_set: RecordSet
) -> tuple[list[float], list[bool]]:
    """Return score and truth of each scan whose truth is known."""
    truth_of = {row["scan_id"]: row["ANY"] for row in record_set.scans}
    scans = by_scan(predictions).items()
    known = [(scan_id, slices) for scan_id, slices in scans if truth_of[scan_id] in ("0", "1")]
    scores = [scan_score([one.score for one in slices]) for _, slices in known]
    return scores, [truth_of[scan_id] == "1" for scan_id, _ in known]


def digests(config: Config, model: str, record_set: RecordSet, run: RunFolder) -> dict[str, str]:
    """Return the digests of what a model's answers on a record set come from."""
    found = {"records": record_set.fingerprint}
    if members_read(config, model):
        found["maps"] = maps_fingerprint(run.maps(record_set.folder.name))
    for path in (run.best(model), run.rule, run.weights):
        if path.parent == run.model(model) and path.exists():
            found["model"] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return found
