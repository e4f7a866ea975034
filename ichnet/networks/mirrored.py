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
class Mirror(keras.layers.Layer):
    """Reverses columns, the third axis: left becomes right."""

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Return the mirror image, of the same shape."""
        return tf.reverse(images, [2])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


def mirrored(segmenter: keras.Model) -> keras.Model:
    """Return a model that answers the mean for a slice and for its mirror image.

    Args:
        segmenter: of HU; its layers are shared, not copied.

    Returns:
        A model of the same input and outputs; the mirror image's map is turned back before.
    """
    channels, body = segmenter.get_layer("windows").output, without_windows(segmenter)
    maps, subtypes = map_and_subtypes(body(channels))
    second_maps, second_subtypes = map_and_subtypes(body(Mirror(name=SECOND_LOOK)(channels)))
    turned_back = Mirror(dtype="float32", name="turned_back")(second_maps)
    mean = keras.layers.Average(dtype="float32", name="map")([maps, turned_back])
    if subtypes is None:
        return keras.Model(segmenter.input, mean, name=segmenter.name)
    both = keras.layers.Average(dtype="float32", name="subtype_score")([subtypes, second_subtypes])
    return keras.Model(segmenter.input, {"map": mean, "subtype_score": both}, name=segmenter.name)


def is_mirrored(model: keras.Model) -> bool:
    """Return whether a segmenter looks twice."""
    return any(layer.name == SECOND_LOOK for layer in model.layers)
