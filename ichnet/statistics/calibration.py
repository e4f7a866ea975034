"""Calibration: how well probabilities agree with observed shares, and Platt's method.

References:
    Platt JC. Advances in Large Margin Classifiers, MIT Press 2000, 61-74.
    Cox DR. Biometrika 1958;45:562-565 (slope and intercept).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, logit

from ichnet.statistics.checks import FloatArray, binary, probabilities, two_classes
from ichnet.statistics.logistic import fit_logistic

SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1, where log-odds are infinite."""

SMALLEST_SLOPE = 0.01
"""Smallest slope of a fit: probabilities are nearly equal, but keep the order of the scores."""


@dataclass(frozen=True)
class PlattCalibration:
    """Maps a raw score in [0, 1] to a probability: ``expit(a * log-odds(score) + b)``.

    ``a = 1, b = 0`` leaves scores as they are.
    """

    a: float
    b: float

    @classmethod
    def fit(cls, score: ArrayLike, truth: ArrayLike) -> PlattCalibration:
        """Fit by maximum likelihood to Platt's smoothed targets.

        The targets are (positives + 1) / (positives + 2) and 1 / (negatives + 2) instead of 1
        and 0, so that a finite answer exists when the classes are fully separated. When all
        scores are equal they do not determine a slope, and it stays 1. A slope below
        :data:`SMALLEST_SLOPE` is held there: by chance the hemorrhages among few units can score
        lower than the others, but a calibration must not reverse the ranking.

        Args:
            score: [units], in [0, 1].
            truth: [units], 0 or 1.

        Raises:
            ValueError: for one class only, NaN, scores outside [0, 1], or lengths that differ.
        """
        x, target = _platt_sample(score, truth)
        if np.ptp(x) == 0:
            return cls(a=1.0, b=float(logit(target.mean()) - x[0]))
        a, b = _slope_and_intercept(x, target)
        return cls(a, b) if a >= SMALLEST_SLOPE else cls.flat(score, truth)

    @classmethod
    def flat(cls, score: ArrayLike, truth: ArrayLike) -> PlattCalibration:
        """Return the calibration of a score that carries no information about the truth.

        Its slope is :data:`SMALLEST_SLOPE`: all probabilities are within a few hundredths of the
        share of positives, and keep the order of the scores.

        Args:
            score: [units], in [0, 1].
            truth: [units], 0 or 1.

        Raises:
            ValueError: see :meth:`fit`.
        """
        x, target = _platt_sample(score, truth)
        a = SMALLEST_SLOPE
        (b,) = fit_logistic(np.ones((len(x), 1)), target, offset=a * x).tolist()
        return cls(a, b)

    @overload
    def apply(self, score: float) -> float: ...

    @overload
    def apply(self, score: FloatArray) -> FloatArray: ...

    def apply(self, score: float | FloatArray) -> float | FloatArray:
        """Return the probability of a score, or of an array of scores, of the same shape."""
        probability = expit(self.a * _log_odds(np.asarray(score, dtype=np.float64)) + self.b)
        return probability if np.ndim(score) else float(probability)

    def to_json(self) -> str:
        """Return ``{"a": ..., "b": ...}``."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class CalibrationLine:
    """Logistic regression of the truth on the log-odds of a probability.

    Attributes:
        slope: 1 is ideal; below 1 the probabilities are too extreme.
        intercept: of the same regression; 0 is ideal.
        in_the_large: the intercept with the slope held at 1: above 0 the probabilities are too
            low on average.
    """

    slope: float
    intercept: float
    in_the_large: float


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted and observed in bins of probability; float64 [bins that hold units] each.

    Attributes:
        units: int64, how many units are in the bin.
        predicted: their mean probability.
        observed: the share of them that are positive.
    """

    units: NDArray[np.int64]
    predicted: FloatArray
    observed: FloatArray

    @property
    def expected_error(self) -> float:
        """The expected calibration error: mean |predicted - observed|, weighted by units."""
        gaps = np.abs(self.predicted - self.observed)
        return float(self.units @ gaps / self.units.sum())


def brier_score(truth: ArrayLike, probability: ArrayLike) -> float:
    """Return the mean squared difference of truth and probability.

    Raises:
        ValueError: for no units, NaN, values outside [0, 1], or lengths that differ.
    """
    positive = binary(truth)
    values = probabilities(positive, probability)
    if not len(values):
        raise ValueError("no units")
    return float(np.mean((values - positive) ** 2))


def reliability(
    truth: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> Reliability:
    """Compare mean probability and observed share, bin by bin.

    Args:
        truth: [units], 0 or 1.
        probability: [units].
        bins: how many; empty ones are left out of the result.
        strategy: bins of equal width (closed below; the last one at both ends), or of equal
            numbers of units (equal probabilities stay together).

    Raises:
        ValueError: for no units, NaN, values outside [0, 1], or lengths that differ.
    """
    positive = binary(truth)
    values = probabilities(positive, probability)
    if not len(values) or bins < 1:
        raise ValueError(f"{len(values)} units in {bins} bins")
    if strategy == "uniform":
        inner = np.arange(1, bins) / bins
    else:
        inner = np.quantile(values, np.arange(1, bins) / bins)
    bin_of = np.searchsorted(inner, values, side="right")
    units = np.bincount(bin_of, minlength=bins)
    held = units > 0
    return Reliability(
        units=units[held].astype(np.int64),
        predicted=np.bincount(bin_of, values, bins)[held] / units[held],
        observed=np.bincount(bin_of, positive, bins)[held] / units[held],
    )


def expected_calibration_error(truth: ArrayLike, probability: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error over ``bins`` bins of equal width."""
    return reliability(truth, probability, bins).expected_error


def calibration_line(truth: ArrayLike, probability: ArrayLike) -> CalibrationLine:
    """Return calibration slope and intercept.

    Args:
        truth: [units], 0 or 1.
        probability: [units]; 0 and 1 are replaced by values ``SMALLEST`` away from them.

    Raises:
        ValueError: for one class only, NaN, values outside [0, 1], probabilities all equal, or
            classes that the probability separates (the slope is then infinite).
    """
    positive = two_classes(truth)
    x = _log_odds(probabilities(positive, probability))
    if np.ptp(x) == 0:
        raise ValueError("all probabilities are equal: no slope")
    if x[positive].min() >= x[~positive].max() or x[positive].max() <= x[~positive].min():
        raise ValueError("the probability separates the classes: the slope is infinite")
    target = positive.astype(np.float64)
    slope, intercept = _slope_and_intercept(x, target)
    (in_the_large,) = fit_logistic(np.ones((len(x), 1)), target, offset=x)
    return CalibrationLine(slope, intercept, float(in_the_large))


def slope_z(score: ArrayLike, truth: ArrayLike) -> float:
    """Return a z statistic of the slope of Platt's calibration: is it different from zero?

    It is the signed square root of the likelihood ratio statistic. It is standard normal when the
    score carries no information, so that a 95 % interval ends at 1.96, and negative for a negative
    slope. The likelihood is that of Platt's smoothed targets, which makes it conservative for few
    units: three of each class in perfect order give 1.52, four of each 1.97 (a rank test gives p =
    0.10 and 0.03).

    Args:
        score: [units], in [0, 1].
        truth: [units], 0 or 1.

    Raises:
        ValueError: for one class only, NaN, scores outside [0, 1], or lengths that differ.
    """
    x, target = _platt_sample(score, truth)
    if np.ptp(x) == 0:
        return 0.0
    a, b = _slope_and_intercept(x, target)
    share = logit(target.mean())
    gained = _log_likelihood(a * x + b, target) - _log_likelihood(np.full_like(x, share), target)
    return math.copysign(math.sqrt(2 * max(gained, 0.0)), a)


def _platt_sample(score: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return log-odds of the scores and Platt's smoothed targets, [units] each."""
    positive = two_classes(truth)
    x = _log_odds(probabilities(positive, score))
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return x, np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _log_likelihood(log_odds: FloatArray, target: FloatArray) -> float:
    return float((target * log_expit(log_odds) + (1 - target) * log_expit(-log_odds)).sum())


def _slope_and_intercept(x: FloatArray, target: FloatArray) -> tuple[float, float]:
    # standardised, so that scores that hardly differ are not taken for equal ones
    centre, scale = x.mean(), x.std()
    design = np.column_stack([np.ones_like(x), (x - centre) / scale])
    intercept, slope = fit_logistic(design, target)
    return float(slope / scale), float(intercept - slope * centre / scale)


def _log_odds(probability: FloatArray) -> FloatArray:
    return np.asarray(logit(np.clip(probability, SMALLEST, 1 - SMALLEST)), dtype=np.float64)
