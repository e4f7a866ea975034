"""Calibration without a formula: the non-decreasing step function that fits best.

References:
    Zadrozny B, Elkan C. KDD 2002, 694-699.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from ichnet.statistics.checks import FloatArray, probabilities, two_classes


@dataclass(frozen=True)
class IsotonicCalibration:
    """Maps a raw score to a probability: linear between knots, constant beyond the outermost.

    It follows any shape and needs many units for that. Scores that share a fitted value become
    ties, so that an AUC of the probabilities differs a little from one of the scores.

    Attributes:
        scores: of the knots, ascending.
        probabilities: at the knots, non-decreasing.

    Raises:
        ValueError: when there is no knot, or not one probability for each.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.scores or len(self.scores) != len(self.probabilities):
            raise ValueError(
                f"{len(self.scores)} scores for {len(self.probabilities)} probabilities"
            )

    @classmethod
    def fit(cls, score: ArrayLike, truth: ArrayLike) -> IsotonicCalibration:
        """Fit by least squares to Platt's smoothed targets, so that nothing becomes 0 or 1.

        Args:
            score: [units], in [0, 1].
            truth: [units], 0 or 1.

        Raises:
            ValueError: for one class only, NaN, scores outside [0, 1], or lengths that differ.
        """
        positive = two_classes(truth)
        values = probabilities(positive, score)
        positives = int(positive.sum())
        negatives = len(positive) - positives
        target = np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        knots, place, units = np.unique(values, return_inverse=True, return_counts=True)
        means = np.bincount(place, target) / units
        fitted = isotonic_regression(means, weights=units).x
        # of equal values only the two ends are needed
        inner = np.r_[False, (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:]), False]
        kept = ~inner[: len(fitted)]
        return cls(tuple(knots[kept].tolist()), tuple(fitted[kept].tolist()))

    @overload
    def apply(self, score: float) -> float: ...

    @overload
    def apply(self, score: FloatArray) -> FloatArray: ...

    def apply(self, score: float | FloatArray) -> float | FloatArray:
        """Return the probability of a score, or of an array of scores, of the same shape."""
        probability = np.interp(np.asarray(score, float), self.scores, self.probabilities)
        return np.asarray(probability, np.float64) if np.ndim(score) else float(probability)

    def to_json(self) -> str:
        """Return ``{"scores": [...], "probabilities": [...]}``."""
        return json.dumps(asdict(self))
