"""Operations, counted by hand."""

from __future__ import annotations

import keras
import pytest

from ichnet.networks.flops import activation_bytes, count_flops


def test_a_convolution_and_a_dense_layer():
    """Three filters of 3 x 3 x 2 at 64 places, then 192 x 5; biases are one addition each."""
    inputs = keras.Input((8, 8, 2))
    features = keras.layers.Conv2D(3, 3, padding="same")(inputs)
    outputs = keras.layers.Dense(5)(keras.layers.Flatten()(features))
    convolution = 64 * 3 * (2 * 18 + 1)
    dense = 5 * (2 * 192 + 1)
    model = keras.Model(inputs, outputs)
    assert count_flops(model) == pytest.approx(convolution + dense)
    # input 8 x 8 x 2, convolution 8 x 8 x 3, the same flat, 5 outputs; 4 bytes each
    assert activation_bytes(model) == 4 * (128 + 192 + 192 + 5)
