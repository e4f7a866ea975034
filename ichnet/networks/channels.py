"""The first layers of every network: Hounsfield units to windowed channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import ImageConfig


@keras.saving.register_keras_serializable("ichnet")
class Windows(keras.layers.Layer):
    """Maps HU to one channel in [0, 1] for each display window.

    Because windowing is part of the graph, a network is trained, exported and served with the
    very same windows, and no caller has to know them. There is no per-image scaling: it would
    destroy the HU scale (paper: "four-channel input", contents not given).

    Args:
        windows: (level, width) in HU for each channel.
    """

    def __init__(self, windows: Sequence[Sequence[float]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.windows = [(float(level), float(width)) for level, width in windows]

    def call(self, hu: tf.Tensor) -> tf.Tensor:
        """Return float [batch, rows, columns, channels].

        Args:
            hu: of slices [batch, rows, columns], or of slices with their neighbours
                [batch, rows, columns, slices]; channels are then all windows of the first slice,
                all windows of the second, and so on.
        """
        low = tf.constant([level - width / 2 for level, width in self.windows], hu.dtype)
        width = tf.constant([width for _, width in self.windows], hu.dtype)
        channels = tf.clip_by_value((hu[..., None] - low) / width, 0.0, 1.0)
        if hu.shape.rank == 3:
            return channels
        rows, columns, slices = hu.shape[1:]
        return tf.reshape(channels, [-1, rows, columns, slices * len(self.windows)])

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the channels."""
        count = len(self.windows) * (1 if len(input_shape) == 3 else input_shape[3] or 1)
        return (*input_shape[:3], count)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "windows": self.windows}


def hu_input(image: ImageConfig, neighbours: int = 0) -> tuple[Any, Any]:
    """Return the input ``hu`` and its channels, as symbolic tensors.

    Args:
        image: matrix and windows.
        neighbours: number of neighbouring slices on either side that the network sees with each
            slice. With 0, ``hu`` is [batch, matrix, matrix]; otherwise [batch, matrix, matrix, 2
            neighbours + 1] from feet to head, the slice itself in the middle
            (:mod:`ichnet.networks.neighbours`).
    """
    shape = (image.matrix, image.matrix, *([2 * neighbours + 1] if neighbours else []))
    hu = keras.Input(shape, name="hu")
    windows = [(window.level_hu, window.width_hu) for window in image.windows]
    # float32 also under mixed precision: half a float16 step at 1000 HU is 0.25 HU
    return hu, Windows(windows, name="windows", dtype="float32")(hu)


def without_windows(model: keras.Model) -> keras.Model:
    """Return the part of ``model`` after its windows layer: it takes channels in place of HU.

    Channels can be changed before they enter (:mod:`ichnet.networks.mirrored`). Layers are shared,
    not copied.
    """
    return keras.Model(model.get_layer("windows").output, model.output, name=model.name)


def neighbours_of(model: keras.Model) -> int:
    """Return how many neighbouring slices on either side a network takes with each slice."""
    shape = model.inputs[0].shape
    return (int(shape[-1]) - 1) // 2 if len(shape) == 4 else 0
