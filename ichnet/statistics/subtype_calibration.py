"""From subtype scores to probabilities of each subtype, for slices and for scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.checks import FloatArray
from ichnet.subtypes import SUBTYPES

Curve = PlattCalibration | None
"""``None`` where validation held too few of a subtype to fit one; its probability is unknown."""

FEWEST = 5
"""A curve needs at least so many units with the subtype, and as many without."""


@dataclass(frozen=True)
class SubtypeCalibration:
    """A curve for each subtype, in the order of ``SUBTYPES``.

    Attributes:
        slices: subtype score of a slice -> probability that the slice shows it.
        scans: pooled subtype scores of a scan's slices -> probability that the scan shows it.
    """

    slices: tuple[Curve, ...]
    scans: tuple[Curve, ...]

    def of_slices(self, scores: FloatArray) -> FloatArray:
        """Return the probabilities of slice scores, both [slices, 5]."""
        return apply_curves(self.slices, scores)

    def of_scan(self, scores: FloatArray) -> FloatArray:
        """Return the probabilities of a scan's pooled scores, both [5]."""
        return apply_curves(self.scans, scores.reshape(1, -1)).ravel()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> SubtypeCalibration:
        """Return the calibration that a JSON object describes."""
        return cls(_curves_from(mapping["slices"]), _curves_from(mapping["scans"]))


def fit_curves(scores: FloatArray, truth: FloatArray) -> tuple[Curve, ...]:
    """Fit a curve for each subtype.

    Args:
        scores: [units, 5], in [0, 1].
        truth: [units, 5]: 1, 0, or below 0 where it is unknown.
    """
    curves: list[Curve] = []
    for column in range(len(SUBTYPES)):
        known = truth[:, column] >= 0
        own_truth = truth[known, column] > 0
        of_each = np.count_nonzero(own_truth), np.count_nonzero(~own_truth)
        enough = min(of_each) >= FEWEST
        curves.append(PlattCalibration.fit(scores[known, column], own_truth) if enough else None)
    return tuple(curves)


def apply_curves(curves: Sequence[Curve], scores: FloatArray) -> FloatArray:
    """Return the probabilities of scores, both [units, 5]; NaN where there is no curve."""
    columns = [
        np.full(len(scores), np.nan) if curve is None else curve.apply(scores[:, column])
        for column, curve in enumerate(curves)
    ]
    return np.stack(columns, axis=1)


def _curves_from(values: Sequence[Any]) -> tuple[Curve, ...]:
    if len(values) != len(SUBTYPES):
        raise ValueError(f"{len(values)} curves for {len(SUBTYPES)} subtypes")
    return tuple(None if one is None else PlattCalibration(one["a"], one["b"]) for one in values)
