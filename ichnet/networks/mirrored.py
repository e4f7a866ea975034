"""A segmenter that looks twice: at a slice and at its mirror image.

Heads are nearly symmetric and training mirrors at random, so that the two answers differ by chance
only; their mean is steadier than either (test-time augmentation).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ichnet.networks.channels import without_windows
from ichnet.networks.scores import map_and_subtypes

SECOND_LOOK = "second_look"


@keras.saving.register_keras_serializable("ichnet")
class WithMirrorImages(keras.layers.Layer):
    """Adds the mirror image of each of a batch, left to right, behind the batch."""

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Return [2 batch, rows, columns, channels] of [batch, rows, columns, channels]."""
        return tf.concat([images, tf.reverse(images, [2])], axis=0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input; the batch is of any size."""
        return (None, *input_shape[1:])


@keras.saving.register_keras_serializable("ichnet")
class MeanOfLooks(keras.layers.Layer):
    """Takes apart what was answered for :class:`WithMirrorImages`, and averages.

    Args:
        mirrored: turn the second half back; for maps [2 batch, rows, columns].
    """

    def __init__(self, mirrored: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mirrored = mirrored

    def call(self, answers: tf.Tensor) -> tf.Tensor:
        """Return the mean of both halves, [batch, ...]."""
        first, second = tf.split(answers, 2, axis=0)
        return (first + (tf.reverse(second, [2]) if self.mirrored else second)) / 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input; the batch is of any size."""
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "mirrored": self.mirrored}


def mirrored(segmenter: keras.Model) -> keras.Model:
    """Return a model that answers the mean for a slice and for its mirror image.

    Both pass through the network in one batch, so that an exported graph holds it once.

    Args:
        segmenter: of HU; its layers are shared, not copied.

    Returns:
        A model of the same input and outputs; the mirror image's map is turned back before.
    """
    both = WithMirrorImages(name=SECOND_LOOK)(segmenter.get_layer("windows").output)
    maps, subtypes = map_and_subtypes(without_windows(segmenter)(both))
    outputs = MeanOfLooks(mirrored=True, dtype="float32", name="map")(maps)
    if subtypes is not None:
        mean = MeanOfLooks(mirrored=False, dtype="float32", name="subtype_score")(subtypes)
        outputs = {"map": outputs, "subtype_score": mean}
    return keras.Model(segmenter.input, outputs, name=segmenter.name)


def is_mirrored(model: keras.Model) -> bool:
    """Return whether a segmenter looks twice."""
    return any(layer.name == SECOND_LOOK for layer in model.layers)
