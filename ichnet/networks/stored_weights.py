"""A network's weights in a file that both stacks read: float16 arrays, layer by layer.

Keras's own files differ between Keras 2 and 3. Half precision is enough to begin a training with,
and half the size.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from ichnet.files import write_whole


class StoredWeightsError(ValueError):
    """A file of weights does not fit the network; the message names both."""


def save_weights(layers: Iterable[keras.layers.Layer], path: Path) -> None:
    """Write the weights of layers, in their order, as float16.

    Args:
        layers: of a network, or a part of it; those without weights are left out.
        path: file to write, ``.npz``.

    Raises:
        StoredWeightsError: when a weight is too large for float16 (65,504).
    """
    arrays = {}
    for number, layer in enumerate(layer for layer in layers if layer.weights):
        for index, weight in enumerate(layer.get_weights()):
            if not np.abs(weight).max() < np.finfo(np.float16).max:
                raise StoredWeightsError(f"{path}: {layer.name} has weights too large to store")
            arrays[f"{number:03d}-{index}"] = weight.astype(np.float16)
    with write_whole(path, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_weights(path: Path, layers: Iterable[keras.layers.Layer]) -> None:
    """Set the weights of layers from a file that :func:`save_weights` wrote.

    Raises:
        StoredWeightsError: when the file is of other layers: another network, other windows.
        FileNotFoundError: when there is no such file.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name].astype(np.float32) for name in file.files}
    used = 0
    for number, layer in enumerate(layer for layer in layers if layer.weights):
        names = [f"{number:03d}-{index}" for index in range(len(layer.weights))]
        shapes = [arrays[name].shape for name in names if name in arrays]
        if shapes != [tuple(weight.shape) for weight in layer.weights]:
            raise StoredWeightsError(f"{path}: does not fit {layer.name} of this network")
        layer.set_weights([arrays[name] for name in names])
        used += len(names)
    if used != len(arrays):
        raise StoredWeightsError(f"{path}: is of a network with more layers")
