"""Agreement beyond chance: Fleiss' kappa of several readers, Cohen's of two.

The interval's standard error and the test's are two different ones: the first holds whatever
kappa is, the second when kappa is zero. Using the second for the interval is a common mistake.

When every reader puts every case into one category, chance agreement is complete too and kappa is
0/0. It is then set to 1, as all readers do agree, with z = 0 and p = 1, as this is no evidence of
agreement beyond chance (paper silent), and ``one_category`` is true.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from ichnet.statistics.interval import Interval, normal_quantile


@dataclass(frozen=True)
class Kappa(Interval):
    """A kappa with its interval (within [-1, 1]) and the test of no agreement beyond chance.

    Attributes:
        standard_error: of kappa; the interval is made from it.
        z: kappa divided by its standard error if there were no agreement beyond chance.
        p: two-sided p value of the test of no agreement beyond chance.
        one_category: whether all ratings are the same category (see the module).
    """

    standard_error: float
    z: float
    p: float
    one_category: bool


def count_ratings(ratings: ArrayLike) -> NDArray[np.int64]:
    """Return how many readers chose each category.

    Args:
        ratings: [cases, readers] of any categories.

    Returns:
        int64 [cases, categories], categories in sorted order.

    Raises:
        ValueError: when ``ratings`` is not two-dimensional or one of them is missing.
    """
    array = np.asarray(ratings)
    if array.ndim != 2:
        raise ValueError(f"ratings must be [cases, readers], not shape {array.shape}")
    missing = sum(rating is None or rating == "" or rating != rating for rating in array.flat)
    if missing:
        raise ValueError(f"{missing} of {array.size} ratings are missing")
    categories, index = np.unique(array, return_inverse=True)
    chosen = index.reshape(array.shape)[:, :, None] == np.arange(len(categories))
    return np.asarray(chosen.sum(axis=1), dtype=np.int64)


def fleiss_kappa(counts: ArrayLike, confidence_level: float = 0.95) -> Kappa:
    """Return Fleiss' kappa.

    Args:
        counts: [cases, categories], how many readers chose each (see :func:`count_ratings`);
            every case by the same number of readers, not necessarily the same ones.
        confidence_level: nominal coverage.

    Raises:
        ValueError: for fewer than two cases or readers, or cases with different numbers of them.

    References:
        Fleiss JL. Psychological Bulletin 1971;76:378-382 (kappa).
        Fleiss JL, Nee JCM, Landis JR. Psychological Bulletin 1979;86:974-977 (z).
        Gwet KL. Educational and Psychological Measurement 2021;81:781-790 (interval).

    Examples:
        Four scans, read by three people:

        >>> ratings = [["ICH"] * 3, ["no"] * 3, ["no", "ICH", "no"], ["ICH", "ICH", "no"]]
        >>> kappa = fleiss_kappa(count_ratings(ratings))
        >>> print(f"{kappa.value:.2f}, p = {kappa.p:.2f}")
        0.33, p = 0.25
    """
    table = _whole_numbers(counts)
    cases = len(table)
    readers = int(table[0].sum()) if cases else 0
    if cases < 2 or readers < 2:
        raise ValueError(f"{cases} cases by {readers} readers: two of each are needed")
    if (table.sum(axis=1) != readers).any():
        raise ValueError("every case must be rated by the same number of readers")
    share = table.sum(axis=0) / (cases * readers)
    chance = float(share @ share)
    if np.count_nonzero(share) == 1:
        return _one_category(confidence_level)
    agreement = (table * (table - 1)).sum(axis=1) / (readers * (readers - 1))
    kappa = (float(agreement.mean()) - chance) / (1 - chance)

    # influence of each case on kappa: through its own agreement and through the chance agreement
    influence = (agreement - chance) / (1 - chance)
    influence = influence - 2 * (1 - kappa) * (table @ share / readers - chance) / (1 - chance)
    standard_error = math.sqrt(float(((influence - kappa) ** 2).sum()) / (cases * (cases - 1)))

    spread = share * (1 - share)
    null_variance = 2 * (spread.sum() ** 2 - (spread * (1 - 2 * share)).sum())
    null_variance /= spread.sum() ** 2 * cases * readers * (readers - 1)
    return _kappa(kappa, standard_error, math.sqrt(float(null_variance)), confidence_level)


def cohen_kappa(first: ArrayLike, second: ArrayLike, confidence_level: float = 0.95) -> Kappa:
    """Return Cohen's unweighted kappa of two readers.

    Args:
        first: [cases], the first reader's categories.
        second: [cases], the second's.
        confidence_level: nominal coverage.

    Raises:
        ValueError: when the lengths differ, there is no case, or a rating is missing.

    Reference:
        Fleiss JL, Cohen J, Everitt BS. Psychological Bulletin 1969;72:323-327.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(f"two readers of the same cases needed, not shapes {a.shape}, {b.shape}")
    cases = len(a)
    chosen = count_ratings(np.concatenate([a, b])[:, None])
    table = chosen[:cases].T @ chosen[cases:] / cases  # [first's category, second's]
    if len(table) == 1:
        return _one_category(confidence_level)
    of_a, of_b = table.sum(axis=1), table.sum(axis=0)
    agreement, chance = float(np.trace(table)), float(of_a @ of_b)
    kappa = (agreement - chance) / (1 - chance)

    weights = of_b[:, None] + of_a[None, :]  # row i, column j: b's share of i plus a's share of j
    on_diagonal = np.diag(table) @ (1 - np.diag(weights) * (1 - kappa)) ** 2
    elsewhere = table - np.diag(np.diag(table))
    off_diagonal = (1 - kappa) ** 2 * (elsewhere * weights**2).sum()
    variance = on_diagonal + off_diagonal - (kappa - chance * (1 - kappa)) ** 2
    null_variance = chance + chance**2 - (of_a * of_b * (of_a + of_b)).sum()
    scale = (1 - chance) * math.sqrt(cases)
    return _kappa(kappa, _root(variance) / scale, _root(null_variance) / scale, confidence_level)


def _whole_numbers(counts: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(counts)
    if array.ndim != 2:
        raise ValueError(f"counts must be [cases, categories], not shape {array.shape}")
    if array.dtype.kind not in "biu" and not (array == np.floor(array)).all():
        raise ValueError("counts must be whole numbers")
    table: NDArray[np.int64] = array.astype(np.int64)
    if (table < 0).any():
        raise ValueError("counts cannot be negative")
    return table


def _one_category(confidence_level: float) -> Kappa:
    return Kappa(
        1.0, 1.0, 1.0, confidence_level, standard_error=0.0, z=0.0, p=1.0, one_category=True
    )


def _kappa(
    kappa: float, standard_error: float, null_error: float, confidence_level: float
) -> Kappa:
    reach = normal_quantile(confidence_level) * standard_error
    z = kappa / null_error if null_error else 0.0
    return Kappa(
        value=kappa,
        low=max(kappa - reach, -1.0),
        high=min(kappa + reach, 1.0),
        confidence_level=confidence_level,
        standard_error=standard_error,
        z=z,
        p=float(2 * ndtr(-abs(z))),
        one_category=False,
    )


def _root(variance: float) -> float:
    """Return the root of a variance that rounding may have left just below zero."""
    return math.sqrt(max(float(variance), 0.0))
