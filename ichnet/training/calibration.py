"""From slice scores to a scan's probability, fitted on validation scans (paper silent)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from ichnet.config import ConfigError
from ichnet.statistics.calibration import PlattCalibration, slope_z
from ichnet.statistics.checks import FloatArray
from ichnet.statistics.interval import normal_quantile
from ichnet.statistics.pooling import POOLINGS, scan_score
from ichnet.statistics.pooling_choice import auc_by_pooling, choose_pooling
from ichnet.statistics.scan_score import CALIBRATIONS, ScanCalibration
from ichnet.statistics.subtype_calibration import SubtypeCalibration, fit_curves
from ichnet.subtypes import SUBTYPES

CONFIDENCE_LEVEL = 0.95
"""Coverage of the intervals that must not hold what a model at chance would have."""


class ScanSlices(NamedTuple):
    """A scan's slices from feet to head: their scores, and what each stands for, [slices] each."""

    scores: FloatArray
    spacing_mm: FloatArray


class ScanSubtypes(NamedTuple):
    """A scan's subtype scores [slices, 5], and which slices show each: 1, 0, or -1 unknown."""

    scores: FloatArray
    truth: FloatArray
    spacing_mm: FloatArray


def fit_calibration(
    scans: Sequence[ScanSlices],
    truth: Sequence[bool],
    kind: Literal["platt", "isotonic"] = "platt",
    where: str = "validation scans",
    pooling: str | None = None,
) -> ScanCalibration:
    """Choose the pooling of slice scores, and fit scan score -> probability.

    A model that cannot be told from one that guesses is not calibrated: what it would get is a
    curve through noise. It is refused when the 95 % interval of its AUC reaches down to .5, or that
    of its slope to 0, and gets a flat curve.

    Args:
        scans: whose truth is known.
        truth: whether each holds hemorrhage.
        kind: see ``EvaluationConfig``.
        where: the scans come from, for the error.
        pooling: taken without a choice, when given.

    Raises:
        ConfigError: when there are not two of either kind.
    """
    with_ich, without_ich = sum(truth), len(truth) - sum(truth)
    if min(with_ich, without_ich) < 2:
        raise ConfigError(
            f"{where}: cannot calibrate on {with_ich} scans with and {without_ich} without "
            "hemorrhage; two of each are needed (selection.validation_share)"
        )
    scores = {name: np.array([scan_score(*scan, name) for scan in scans]) for name in POOLINGS}
    pooling = pooling or choose_pooling(scores, truth)
    validation = auc_by_pooling(scores, truth)
    score = scores[pooling]
    lowest = next(one.low for one in validation if one.pooling == pooling)
    calibrated = lowest > 0.5 and slope_z(score, truth) > normal_quantile(CONFIDENCE_LEVEL)
    fit = CALIBRATIONS[kind].fit if calibrated else PlattCalibration.flat
    return ScanCalibration(
        pooling, fit(score, truth), calibrated, with_ich, without_ich, validation
    )


def fit_subtypes(scans: Sequence[ScanSubtypes], pooling: str) -> SubtypeCalibration:
    """Fit subtype score -> probability for slices and for scans.

    Args:
        scans: of which each slice's truth is known, or unknown.
        pooling: of the slice scores of each subtype, as chosen for any hemorrhage.
    """
    pooled = [
        [
            scan_score(scan.scores[:, column], scan.spacing_mm, pooling)
            for column in range(len(SUBTYPES))
        ]
        for scan in scans
    ]
    # a scan shows what one of its slices shows, and is unknown where none is known to
    truth = [scan.truth.max(axis=0) for scan in scans]
    return SubtypeCalibration(
        slices=fit_curves(
            np.concatenate([scan.scores for scan in scans]),
            np.concatenate([scan.truth for scan in scans]),
        ),
        scans=fit_curves(np.array(pooled), np.array(truth)),
    )
