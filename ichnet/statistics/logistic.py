"""Logistic regression of a few columns by Newton's method."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from ichnet.statistics.checks import FloatArray

STEPS = 100


def fit_logistic(
    design: FloatArray, target: FloatArray, offset: FloatArray | None = None
) -> FloatArray:
    """Return the maximum likelihood coefficients.

    Args:
        design: [units, columns], of full rank.
        target: [units], in [0, 1]; values in between are shares.
        offset: [units], a known term of the log-odds that has no coefficient.

    Returns:
        float64 [columns].

    Raises:
        ValueError: when the maximum is at infinity (separated classes) or is not found.
    """
    base = np.zeros(len(target)) if offset is None else offset
    coefficients = np.zeros(design.shape[1])
    loss = _loss(design, target, base, coefficients)
    for _ in range(STEPS):
        expected = expit(base + design @ coefficients)
        gradient = design.T @ (expected - target)
        curvature = design.T @ (design * (expected * (1 - expected))[:, None])
        step: FloatArray = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        # a full step from far away can overshoot: the loss is convex, so a part of it does not
        while (moved := _loss(design, target, base, coefficients - step)) > loss:
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return coefficients
        coefficients, loss = coefficients - step, moved
        if np.abs(step).max() < 1e-10 * (1 + np.abs(coefficients).max()):
            return coefficients
    raise ValueError(f"logistic regression found no finite answer in {STEPS} steps")


def _loss(
    design: FloatArray, target: FloatArray, base: FloatArray, coefficients: FloatArray
) -> float:
    """Return the negative log-likelihood."""
    odds = base + design @ coefficients
    return float(-(target * log_expit(odds) + (1 - target) * log_expit(-odds)).sum())
