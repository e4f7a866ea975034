"""From what a segmenter answers to scores of the slice: of any hemorrhage, and of subtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("ichnet")
class TopPixelMean(keras.layers.Layer):
    """Mean of the ``pixels`` highest values of a map: a slice's score (paper silent).

    One pixel alone would make the score as noisy as its noisiest pixel; the mean over all pixels
    would drown a small lesion.

    Args:
        pixels: how many.
    """

    def __init__(self, pixels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        """Return [batch] for maps [batch, rows, columns]."""
        flat = tf.reshape(maps, [tf.shape(maps)[0], -1])
        return tf.reduce_mean(tf.math.top_k(flat, self.pixels, sorted=False).values, axis=1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None]:
        """Return [batch]."""
        return (input_shape[0],)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "pixels": self.pixels}


def map_and_subtypes(outputs: Any) -> tuple[Any, Any | None]:
    """Return a segmenter's map and, when it has that head, its subtype scores."""
    if isinstance(outputs, dict):
        return outputs["map"], outputs["subtype_score"]
    return outputs, None


def head_times_map(head: tf.Tensor, slice_scores: tf.Tensor) -> tf.Tensor:
    """Return slices' subtype scores: the head's times the score of the slice's map (our choice).

    The head alone names subtypes on slices on which nothing is drawn; what the product is worth is
    measured in docs/embedded.md.

    Args:
        head: scores of Model 2's head, [batch, subtypes], 0 to 1.
        slice_scores: of the slices' maps, [batch]; 0 to 1, but for rounding.
    """
    return head * tf.clip_by_value(slice_scores, 0.0, 1.0)[:, tf.newaxis]
