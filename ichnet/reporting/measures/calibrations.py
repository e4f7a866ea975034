"""How the models of a run were calibrated, as far as they were."""

from __future__ import annotations

from collections.abc import Iterable

from ichnet.runs import RunFolder
from ichnet.statistics.scan_score import ScanCalibration, read_calibration


def load_calibrations(run: RunFolder, models: Iterable[str]) -> dict[str, ScanCalibration]:
    """Return the calibration of each model that has one, by its name.

    Raises:
        ValueError: when a file is not a calibration; names it.
    """
    paths = {model: run.calibration(model) for model in models}
    return {model: read_calibration(path) for model, path in paths.items() if path.exists()}


def refusals(run: RunFolder, models: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each model that was not calibrated, as it may only guess.

    Raises:
        ValueError: when a file is not a calibration; names it.
    """
    found = load_calibrations(run, models)
    return tuple(f"{model} {one.refusal}." for model, one in found.items() if not one.calibrated)
