"""Scores to probabilities in plain TensorFlow operations, as :mod:`ichnet.statistics` computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ichnet.deployment.graph_pooling import pool_slices
from ichnet.statistics.calibration import SMALLEST, PlattCalibration
from ichnet.statistics.scan_score import Calibration, ScanCalibration
from ichnet.statistics.subtype_calibration import Curve
from ichnet.subtypes import SUBTYPES

UNKNOWN = float("nan")
"""Probability of a slice or scan that cannot be judged (NaN)."""


def calibrate(calibration: Calibration, score: tf.Tensor) -> tf.Tensor:
    """Return the probability of a score, float32 of any shape, as ``calibration.apply`` does."""
    if isinstance(calibration, PlattCalibration):
        kept = tf.clip_by_value(tf.cast(score, tf.float64), SMALLEST, 1 - SMALLEST)
        log_odds = tf.math.log(kept) - tf.math.log(1 - kept)  # log1p of float64 is not in ONNX
        return tf.cast(tf.sigmoid(calibration.a * log_odds + calibration.b), tf.float32)
    # one more knot at either end, so that every score lies between two knots
    values = calibration.probabilities
    knots = np.array([-1, *calibration.scores, 2], np.float32)
    levels = np.array([values[0], *values, values[-1]], np.float32)
    flat = tf.reshape(score, [-1])
    piece = tf.searchsorted(knots, flat, side="right")
    left, right = tf.gather(knots, piece - 1), tf.gather(knots, piece)
    low, high = tf.gather(levels, piece - 1), tf.gather(levels, piece)
    return tf.reshape(low + (high - low) * (flat - left) / (right - left), tf.shape(score))


def subtype_probabilities(calibration: ScanCalibration, scores: tf.Tensor) -> tf.Tensor:
    """Return the calibrated subtype scores of slices, float32 [slices, 5] as the scores."""
    if calibration.subtypes is None:
        return tf.fill(tf.shape(scores), UNKNOWN)
    return _by_column(calibration.subtypes.slices, scores)


def scan_subtypes(
    calibration: ScanCalibration, scores: tf.Tensor, spacing_mm: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the subtypes' probabilities of a scan [5] and of its slices [slices, 5].

    Args:
        calibration: of the model; without curves for subtypes they are unknown.
        scores: float32 [slices, 5], from feet to head.
        spacing_mm: float32 [slices], or [1] for all.
    """
    of_slices = subtype_probabilities(calibration, scores)
    if calibration.subtypes is None:
        return tf.fill([len(SUBTYPES)], UNKNOWN), of_slices
    pooled = [
        pool_slices(calibration.pooling, scores[:, column], spacing_mm)
        for column in range(len(SUBTYPES))
    ]
    return _by_column(calibration.subtypes.scans, tf.stack(pooled)[None])[0], of_slices


def _by_column(curves: Sequence[Curve], scores: tf.Tensor) -> tf.Tensor:
    columns = [
        tf.fill(tf.shape(scores)[:1], UNKNOWN)
        if curve is None
        else calibrate(curve, scores[:, column])
        for column, curve in enumerate(curves)
    ]
    return tf.stack(columns, axis=1)
