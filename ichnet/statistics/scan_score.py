"""From slices to a scan: the scan's score, and the calibration that makes it a probability.

The maximum over slices is the paper's scan score (method: a scan is as suspicious as its most
suspicious slice). It grows with the number of slices, so decisions are made on the calibrated
probability, fitted on validation scans (paper silent).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ichnet.files import write_whole
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration

Calibration = PlattCalibration | IsotonicCalibration
"""Scan score -> probability."""

CALIBRATIONS: dict[str, type[PlattCalibration] | type[IsotonicCalibration]] = {
    "platt": PlattCalibration,
    "isotonic": IsotonicCalibration,
}
"""By their names in a configuration."""


def scan_score(slice_scores: ArrayLike) -> float:
    """Return the largest of a scan's slice scores.

    Args:
        slice_scores: [slices], each in [0, 1].

    Raises:
        ValueError: for no slices, or a score that is not a number: it would vanish in a maximum.
    """
    scores = np.asarray(slice_scores, dtype=np.float64)
    if scores.size == 0:
        raise ValueError("a scan without slices has no score")
    if np.isnan(scores).any():
        raise ValueError(f"{np.isnan(scores).sum()} of {scores.size} slice scores are not numbers")
    return float(scores.max())


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write ``calibration.json``."""
    with write_whole(path) as handle:
        handle.write(calibration.to_json())


def read_calibration(path: Path) -> Calibration:
    """Read ``calibration.json``.

    Raises:
        ValueError: when the file is not a calibration; the message names it.
        FileNotFoundError: when the model has not been calibrated yet.
    """
    try:
        return calibration_from(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def calibration_from(mapping: Any) -> Calibration:
    """Return the calibration that a JSON object describes.

    Raises:
        ValueError: when it describes none.
    """
    try:
        if "scores" in mapping:
            knots, levels = (tuple(map(float, mapping[n])) for n in ("scores", "probabilities"))
            return IsotonicCalibration(knots, levels)
        return PlattCalibration(a=float(mapping["a"]), b=float(mapping["b"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a calibration: {str(mapping)[:80]!r}") from error
