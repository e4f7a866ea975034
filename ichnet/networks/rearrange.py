"""Layers that move values between positions and channels, and divide channels; no weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

Shape = Sequence[int | None]


def _divided(size: int | None, factor: int) -> int | None:
    return None if size is None else size // factor


def _multiplied(size: int | None, factor: int) -> int | None:
    return None if size is None else size * factor


@keras.saving.register_keras_serializable("ichnet")
class SpaceToDepth(keras.layers.Layer):
    """Moves each block of ``factor`` x ``factor`` pixels into the channels of one position.

    Nothing is lost; :class:`DepthToSpace` is the inverse (sub-pixel convolution: Shi et al. 2016).

    Args:
        factor: side of a block; rows and columns must be multiples of it.
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return [batch, rows / factor, columns / factor, channels * factor ** 2]."""
        return tf.nn.space_to_depth(inputs, self.factor)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the shape of ``call``'s result."""
        batch, rows, columns, channels = input_shape
        return (
            batch,
            _divided(rows, self.factor),
            _divided(columns, self.factor),
            _multiplied(channels, self.factor**2),
        )

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("ichnet")
class DepthToSpace(keras.layers.Layer):
    """Moves ``factor ** 2`` channels of each position into a block of pixels.

    Args:
        factor: side of a block; the number of channels must be a multiple of its square.
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return [batch, rows * factor, columns * factor, channels / factor ** 2]."""
        return tf.nn.depth_to_space(inputs, self.factor)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the shape of ``call``'s result."""
        batch, rows, columns, channels = input_shape
        return (
            batch,
            _multiplied(rows, self.factor),
            _multiplied(columns, self.factor),
            _divided(channels, self.factor**2),
        )

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("ichnet")
class SplitChannels(keras.layers.Layer):
    """Divides the channels of [..., channels] into equal parts, in order.

    Args:
        parts: their number; the number of channels must be a multiple of it.
    """

    def __init__(self, parts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = parts

    def call(self, inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return ``parts`` tensors [..., channels / parts]."""
        return tf.split(inputs, self.parts, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> list[tuple[int | None, ...]]:
        """Return the shapes of ``call``'s result."""
        part = (*input_shape[:-1], _divided(input_shape[-1], self.parts))
        return [part] * self.parts

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "parts": self.parts}
