"""Mapping a function over a tf.data pipeline as it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mapped(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """Return the dataset with a function applied to each element, several at a time, in order.

    By itself TensorFlow first rewrites the source of the function, and of all that it calls, so
    that Python's ``if`` and ``for`` may depend on tensors. Nothing in this package needs that, and
    it takes some seconds at the start of each training.

    Args:
        dataset: of any elements.
        function: of one element; its Python control flow depends on no tensor.
    """
    as_written = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(as_written, num_parallel_calls=tf.data.AUTOTUNE)
