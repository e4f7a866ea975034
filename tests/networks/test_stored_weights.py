"""Files of a network's weights: what is stored, what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.networks.stored_weights import (
    StoredWeightsError,
    load_weights,
    save_weights,
)


def layers_of(units: int = 2, depth: int = 2) -> list[keras.layers.Layer]:
    inputs = keras.Input((3,))
    output = keras.layers.Activation("relu")(inputs)  # without weights
    for _ in range(depth):
        output = keras.layers.Dense(units)(output)
    return keras.Model(inputs, output).layers


def test_weights_are_those_stored_to_half_precision(tmp_path):
    layers, path = layers_of(), tmp_path / "a" / "b.npz"
    path.parent.mkdir()
    layers[2].set_weights([np.float32([[1 / 3, 2], [3, 4], [5, 6]]), np.float32([7, 0.1])])
    save_weights(layers, path)
    others = layers_of()
    load_weights(path, others)
    kernel, bias = others[2].get_weights()
    assert (kernel.shape, kernel.dtype) == ((3, 2), np.float32)
    assert kernel[0, 0] == np.float32(np.float16(1 / 3)) == np.float32(0.33325195)
    np.testing.assert_array_equal(kernel[1:], [[3, 4], [5, 6]])
    np.testing.assert_array_equal(bias, np.float32(np.float16([7, 0.1])))
    np.testing.assert_allclose(
        others[3].get_weights()[0], layers[3].get_weights()[0], rtol=0, atol=1e-3
    )


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "two.npz"
    save_weights(layers_of(), path)
    with pytest.raises(StoredWeightsError, match=r"two\.npz: does not fit dense"):
        load_weights(path, layers_of(units=4))
    with pytest.raises(StoredWeightsError, match=r"two\.npz: does not fit dense"):
        load_weights(path, layers_of(depth=3))
    with pytest.raises(StoredWeightsError, match=r"two\.npz: is of a network with more layers"):
        load_weights(path, layers_of(depth=1))
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "none.npz", layers_of())


@pytest.mark.parametrize("value", [7e4, np.nan])
def test_what_half_precision_cannot_hold_is_not_stored(tmp_path, value):
    layers = layers_of()
    layers[2].set_weights([np.full((3, 2), value, np.float32), np.zeros(2, np.float32)])
    with pytest.raises(StoredWeightsError, match="too large to store"):
        save_weights(layers, tmp_path / "w.npz")
    assert list(tmp_path.iterdir()) == []
