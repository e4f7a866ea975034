"""The difference of two AUCs over test scans and trainings together: one interval for both.

Every training (a seed) answers every scan, so that trainings and scans are crossed, as readers and
cases are in a study of readers. The variance of the mean difference has two parts: that of the
trainings, from the spread of their differences, and that of the scans, which all trainings share
and more trainings do not make smaller: the mean covariance of two trainings' differences, by
DeLong's method. This is Obuchowski and Rockette's analysis for one difference, with Hillis's
degrees of freedom, and one bound: the spread of the trainings is taken to be at least what the
scans they do not share alone give. Three trainings can agree by chance; without the bound such
studies have intervals far too short (coverage down to 89 %, with it 92 % or more).

References:
    Obuchowski NA, Rockette HE. Communications in Statistics: Simulation and Computation
    1995;24:285-308.
    Hillis SL. Statistics in Medicine 2007;26:596-619.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from ichnet.statistics.checks import BoolArray, FloatArray, paired_scores, two_classes
from ichnet.statistics.delong import placements
from ichnet.statistics.interval import Interval


@dataclass(frozen=True)
class CrossedDifference(Interval):
    """A mean difference of AUCs with its interval over scans and trainings.

    Attributes:
        of_training: the difference in each training, in the order given.
        standard_error: of their mean.
        trainings_variance, scans_variance: its two parts. With one training the first is 0: the
            interval is then DeLong's, and about these two models only.
        degrees_of_freedom: of the t distribution; infinite where the trainings do not differ.
        p: two-sided.
    """

    of_training: tuple[float, ...]
    standard_error: float
    trainings_variance: float
    scans_variance: float
    degrees_of_freedom: float
    p: float


def crossed_auc_difference(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, confidence_level: float = 0.95
) -> CrossedDifference:
    """Compare two models on the same scans over several trainings of each.

    Args:
        truth: [scans], 0 or 1.
        first: scores [trainings, scans], or [trainings, networks, scans]: then the difference is
            the mean over the networks, which are taken as they are and not as drawn from others.
        second: likewise; its i-th training is compared with the first's i-th.
        confidence_level: nominal coverage.

    Raises:
        ValueError: for fewer than two scans in a class, no training, NaN, or shapes that differ.

    Examples:
        >>> truth = [0, 0, 0, 1, 1, 1]
        >>> strong = [[0.1, 0.4, 0.35, 0.3, 0.8, 0.9], [0.1, 0.4, 0.3, 0.35, 0.8, 0.9]]
        >>> weak = [[0.2, 0.6, 0.5, 0.3, 0.55, 0.7], [0.3, 0.6, 0.5, 0.2, 0.55, 0.7]]
        >>> found = crossed_auc_difference(truth, strong, weak)
        >>> print([round(one, 2) for one in found.of_training], round(found.value, 2))
        [0.11, 0.33] 0.22
    """
    if not 0 < confidence_level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, {confidence_level:g} does not")
    positive = two_classes(truth, least=2)
    better = _mean_placements(positive, first, "first")
    other = _mean_placements(positive, second, "second")
    if len(better) != len(other):
        raise ValueError(f"{len(better)} and {len(other)} trainings cannot be paired")
    better = better - other
    differences = better[:, positive].mean(axis=1)
    covariance = sum(
        np.atleast_2d(np.cov(part)) / part.shape[1]
        for part in (better[:, positive], better[:, ~positive])
    )
    count = len(differences)
    if count == 1:
        of_trainings, of_scans, freedom = 0.0, float(covariance[0, 0]), math.inf
    else:
        shared = float(covariance[~np.eye(count, dtype=bool)].mean())
        not_shared = float(covariance.trace()) / count - shared
        of_trainings = max(float(differences.var(ddof=1)), not_shared) / count
        of_scans = max(shared, 0.0)
        freedom = hillis_degrees_of_freedom(of_trainings, of_scans, count)
    value, error = float(differences.mean()), math.sqrt(of_trainings + of_scans)
    reach = float(stdtrit(freedom, (1 + confidence_level) / 2)) * error
    return CrossedDifference(
        value,
        value - reach,
        value + reach,
        confidence_level,
        tuple(differences.tolist()),
        error,
        of_trainings,
        of_scans,
        freedom,
        _two_sided(value, error, freedom),
    )


def hillis_degrees_of_freedom(of_trainings: float, of_scans: float, count: int) -> float:
    """Return the degrees of freedom of a sum of variances, of which only the first has few.

    Args:
        of_trainings: variance of the mean that comes of the trainings.
        of_scans: variance of the mean that comes of the scans.
        count: number of trainings.
    """
    if of_trainings == 0:
        return math.inf
    return (count - 1) * ((of_trainings + of_scans) / of_trainings) ** 2


def _two_sided(value: float, error: float, freedom: float) -> float:
    if error == 0:
        return 0.0 if value else 1.0
    return float(2 * stdtr(freedom, -abs(value / error)))


def _mean_placements(positive: BoolArray, scores: ArrayLike, name: str) -> FloatArray:
    """Return placements [trainings, scans], the mean over networks where there are several."""
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim == 2:
        array = array[:, None]
    if array.ndim != 3 or 0 in array.shape[:2]:
        raise ValueError(f"{name} must be [trainings, scans] or [trainings, networks, scans]")
    return np.array(
        [
            np.mean(
                [placements(positive, paired_scores(positive, one, name)) for one in of], axis=0
            )
            for of in array
        ]
    )
