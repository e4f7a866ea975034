"""The poolings of :mod:`ichnet.statistics.pooling`, in plain TensorFlow operations, in float64."""

from __future__ import annotations

import tensorflow as tf

from ichnet.statistics.pooling import LARGEST_PROBABILITY, POOLINGS, Largest, Neighbours


def pool_slices(pooling: str, scores: tf.Tensor, spacing_mm: tf.Tensor) -> tf.Tensor:
    """Return a scan's score as ``ichnet.statistics.pooling.scan_score`` does.

    Args:
        pooling: one of ``POOLINGS``.
        scores: float32 [slices], from feet to head. The score of no slices has no meaning.
        spacing_mm: float32 [slices], or [1] for all.

    Returns:
        float32, a scalar.
    """
    way = POOLINGS[pooling]
    values = tf.cast(scores, tf.float64)
    lengths_mm = tf.cast(spacing_mm, tf.float64) * tf.ones_like(values)
    if isinstance(way, Largest):
        score = _largest(values, way.count)
    elif isinstance(way, Neighbours):
        score = _neighbours(values, lengths_mm, way.length_mm)
    else:
        score = _noisy_or(values, lengths_mm)
    return tf.cast(score, tf.float32)


def _largest(scores: tf.Tensor, count: int) -> tf.Tensor:
    if count == 1:
        return tf.reduce_max(scores)
    return tf.reduce_mean(tf.sort(scores, direction="DESCENDING")[:count])


def _neighbours(scores: tf.Tensor, spacing_mm: tf.Tensor, length_mm: float) -> tf.Tensor:
    end = tf.cumsum(spacing_mm)
    begin = end - spacing_mm
    last_start = tf.maximum(tf.reduce_sum(spacing_mm) - length_mm, 0.0)
    start = tf.clip_by_value(tf.concat([begin, end - length_mm], axis=0), 0.0, last_start)
    start = start[:, None]
    overlap_mm = tf.minimum(start + length_mm, end) - tf.maximum(start, begin)
    weights = tf.maximum(overlap_mm, 0.0)  # [2 * slices, slices]
    means = tf.reduce_sum(weights * scores, axis=1) / tf.reduce_sum(weights, axis=1)
    return tf.reduce_max(means)


def _noisy_or(scores: tf.Tensor, spacing_mm: tf.Tensor) -> tf.Tensor:
    log_none = tf.math.log(1 - tf.minimum(scores, LARGEST_PROBABILITY))
    mean = tf.reduce_sum(log_none * spacing_mm) / tf.reduce_sum(spacing_mm)
    return 1 - tf.exp(mean)
