"""Operations and memory that a network needs, and the fastest rate of this machine."""

from __future__ import annotations

import math
import time

import keras
import numpy as np
import tensorflow as tf

PRODUCT = 2048
"""Rows and columns of the matrices by whose product a machine's speed is measured."""


def count_flops(model: keras.Model) -> float:
    """Return the floating-point operations of one forward pass of one sample.

    A multiplication and an addition are two. Operations whose shapes TensorFlow does not know
    (none in the networks here) are not counted.

    Args:
        model: of one input whose shape, but for the batch, is known.
    """
    shape = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32)
    graph = tf.function(lambda sample: model(sample, training=False)).get_concrete_function(shape)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    found = tf.compat.v1.profiler.profile(graph=graph.graph, options=options)
    return float(found.total_float_ops)


def activation_bytes(model: keras.Model) -> int:
    """Return the bytes of all layers' outputs for one sample.

    It estimates what a training step keeps for the gradient. Some outputs are not needed for that,
    and the kernels take memory of their own.
    """
    outputs = [tensor for layer in model.layers for tensor in tf.nest.flatten(layer.output)]
    return sum(math.prod(one.shape[1:]) * tf.as_dtype(one.dtype).size for one in outputs)


def matrix_product_rate() -> float:
    """Return this machine's float32 operations per second in large matrix products."""
    a = tf.random.normal((PRODUCT, PRODUCT))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        product().numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * PRODUCT**3 / float(np.median(seconds))
