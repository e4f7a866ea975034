"""The first layer of every network: Hounsfield units to windowed channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import ImageConfig


@keras.saving.register_keras_serializable("ichnet")
class Windows(keras.layers.Layer):
    """Maps HU [batch, rows, columns] to one channel in [0, 1] for each display window.

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
        """Return float [batch, rows, columns, channels]."""
        low = tf.constant([level - width / 2 for level, width in self.windows], hu.dtype)
        width = tf.constant([width for _, width in self.windows], hu.dtype)
        return tf.clip_by_value((hu[..., None] - low) / width, 0.0, 1.0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the input's shape and the number of windows."""
        return (*input_shape, len(self.windows))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "windows": self.windows}


def hu_input(image: ImageConfig) -> tuple[Any, Any]:
    """Return the input ``hu`` [batch, matrix, matrix] and its channels, as symbolic tensors."""
    hu = keras.Input((image.matrix, image.matrix), name="hu")
    windows = [(window.level_hu, window.width_hu) for window in image.windows]
    # float32 also under mixed precision: half a float16 step at 1000 HU is 0.25 HU
    return hu, Windows(windows, name="windows", dtype="float32")(hu)


def without_windows(model: keras.Model) -> keras.Model:
    """Return the part of ``model`` behind its windows: channels in, the same outputs.

    Several networks can then share one windowing. The layers are shared, not copied.
    """
    return keras.Model(model.get_layer("windows").output, model.output, name=model.name)
