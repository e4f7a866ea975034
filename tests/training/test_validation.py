"""Slices with and without hemorrhage weigh alike in a validation loss."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import ConfigError
from ichnet.training.validation import class_balanced_weights


def test_both_kinds_count_alike_whatever_their_number():
    """One slice with hemorrhage, of loss 1, among four, the others of loss 0: one half."""
    labels = np.array([[0.0, 0], [0, 0], [1, 1], [0, 0]], np.float32)
    values = np.array([[0.0], [0], [1], [0]], np.float32)
    slices = tf.data.Dataset.from_tensor_slices({"labels": labels, "x": values})
    weighed = slices.map(class_balanced_weights(lambda one: (one["x"], tf.zeros(1)), 1, 3))
    weights = [float(weight) for _, _, weight in weighed.as_numpy_iterator()]
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2, 2 / 3], rtol=1e-6)
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss="mse", jit_compile=False)
    assert model.evaluate(weighed.batch(2), verbose=0) == pytest.approx(0.5)


@pytest.mark.parametrize("counts", [(0, 3), (2, 0)])
def test_one_kind_alone_is_refused(counts):
    with pytest.raises(ConfigError, match=f"{counts[0]} slices with and {counts[1]} without"):
        class_balanced_weights(lambda one: (one, one), *counts)
