"""Checks of truth and scores, so that NaN never takes part in a rank or a mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def binary(values: ArrayLike, name: str = "truth") -> BoolArray:
    """Return ``values`` as booleans.

    Args:
        values: [units], booleans or numbers that are 0 or 1.
        name: what messages call them.

    Raises:
        ValueError: when they are not one-dimensional, or one of them is neither 0 nor 1.
    """
    array: NDArray[Any] = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not shape {array.shape}")
    if array.dtype == np.bool_:
        return array
    numbers = array.astype(np.float64)
    wrong = numbers[(numbers != 0) & (numbers != 1)]
    if wrong.size:
        missing = int(np.isnan(wrong).sum())
        what = f"{missing} NaN" if missing else f"{wrong[0]:g}"
        raise ValueError(f"{name} must be 0 or 1 for every unit, found {what}")
    return np.equal(numbers, 1)


def two_classes(truth: ArrayLike, least: int = 1) -> BoolArray:
    """Return ``truth`` as booleans of which ``least`` or more are true and as many false.

    Raises:
        ValueError: when a class has fewer; the message tells how many each has.
    """
    positive = binary(truth)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if min(positives, negatives) < least:
        raise ValueError(
            f"{positives} positive and {negatives} negative units: "
            f"at least {least} of each class are needed"
        )
    return positive


def paired(truth: BoolArray, values: ArrayLike, name: str = "score") -> NDArray[Any]:
    """Return ``values`` as an array of one number or boolean a unit, of its own type.

    Raises:
        ValueError: when the lengths differ or one of ``values`` is NaN.
    """
    array = np.asarray(values)
    if array.shape != truth.shape:
        raise ValueError(f"{name} has shape {array.shape}, truth has {truth.shape}")
    if array.dtype.kind == "O":
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be numbers, not {array.dtype}")
    missing = int(np.isnan(array).sum()) if array.dtype.kind == "f" else 0
    if missing:
        raise ValueError(f"{name} is NaN for {missing} of {len(array)} units")
    return array


def paired_scores(truth: BoolArray, score: ArrayLike, name: str = "score") -> FloatArray:
    """Return ``score`` as float64, one a unit, none NaN; infinite scores keep their rank."""
    return paired(truth, score, name).astype(np.float64)


def probabilities(truth: BoolArray, probability: ArrayLike) -> FloatArray:
    """Return one probability a unit.

    Raises:
        ValueError: when the lengths differ or a value is NaN or outside [0, 1].
    """
    array = paired_scores(truth, probability, "probability")
    if array.size and (array.min() < 0 or array.max() > 1):
        raise ValueError(
            f"probabilities must lie in [0, 1], these are from {array.min():g} to {array.max():g}"
        )
    return array
