"""How many operations a network needs, as TensorFlow's profiler counts them."""

from __future__ import annotations

import keras
import tensorflow as tf


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
