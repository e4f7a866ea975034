"""Calibration: from a scan's score to a probability, fitted on validation scans (paper silent)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ichnet.config import ConfigError
from ichnet.statistics.scan_score import CALIBRATIONS, Calibration


def fit_calibration(
    scores: Sequence[float],
    truth: Sequence[bool],
    kind: Literal["platt", "isotonic"] = "platt",
    where: str = "validation scans",
) -> Calibration:
    """Fit scan score -> probability.

    Args:
        scores: of scans whose truth is known, in [0, 1].
        truth: whether each holds hemorrhage.
        kind: see ``EvaluationConfig``.
        where: the scans come from, for the error.

    Raises:
        ConfigError: when they are not of both kinds.
    """
    if len(set(truth)) < 2:
        raise ConfigError(
            f"{where}: cannot calibrate on {sum(truth)} scans with and "
            f"{len(truth) - sum(truth)} without hemorrhage; both are needed "
            "(selection.validation_share)"
        )
    return CALIBRATIONS[kind].fit(scores, truth)
