"""Calibration: from slice scores to a scan's probability, fitted on validation scans.

The paper is silent on calibration.
"""

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
"""Confidence level of the intervals that must exclude chance for a model to be calibrated."""


class ScanSlices(NamedTuple):
    """Slices of a scan from feet to head: score, and thickness that each represents, [slices]."""

    scores: FloatArray
    spacing_mm: FloatArray


class ScanSubtypes(NamedTuple):
    """Subtype scores [slices, 5] of a scan's slices, and labels: 1, 0, or -1 for unknown."""

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
    """Choose how slice scores are pooled to a scan score, and fit scan score to probability.

    A model that is not distinguishable from chance is not calibrated, since its curve would be
    fitted to noise. This is the case when the 95 % confidence interval of its AUC includes .5, or
    that of its slope includes 0; the model then gets a constant probability.

    Args:
        scans: validation scans.
        truth: whether each scan has hemorrhage.
        kind: kind of calibration, see ``EvaluationConfig``.
        where: origin of the scans, for the error message.
        pooling: pooling to use; ``None`` to choose it on the scans.

    Raises:
        ConfigError: when fewer than two scans have hemorrhage, or fewer than two have none.
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
    """Fit subtype score to probability, for slices and for scans.

    Args:
        scans: validation scans; labels of single slices may be unknown.
        pooling: pooling of slice scores, as chosen for any hemorrhage.
    """
    pooled = [
        [
            scan_score(scan.scores[:, column], scan.spacing_mm, pooling)
            for column in range(len(SUBTYPES))
        ]
        for scan in scans
    ]
    # a scan is positive if one of its slices is, and else unknown if one of them is
    truth = [np.where(scan.truth.max(axis=0) == 1, 1, scan.truth.min(axis=0)) for scan in scans]
    return SubtypeCalibration(
        slices=fit_curves(
            np.concatenate([scan.scores for scan in scans]),
            np.concatenate([scan.truth for scan in scans]),
        ),
        scans=fit_curves(np.array(pooled), np.array(truth)),
    )
