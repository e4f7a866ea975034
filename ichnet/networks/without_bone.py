"""A segmenter that draws no bone: pixels denser than any blood are left out of its map.

A network that sees heads drawn by a program takes bone within brain, such as the orbital roof in a
thick slice, for blood now and then. Its density tells that it is none.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ichnet.networks.scores import map_and_subtypes

MOST_BLOOD_HU = 150.0
"""Clots reach 100 HU; beside bone a pixel holds a share of it."""


@keras.saving.register_keras_serializable("ichnet")
class WithoutBone(keras.layers.Layer):
    """Sets a map to 0 where its slice is denser than :data:`MOST_BLOOD_HU`."""

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Return [batch, rows, columns].

        Args:
            inputs: maps [batch, rows, columns], and HU as the segmenter takes them: of their
                slices, or of these with their neighbours, [batch, rows, columns, slices].
        """
        maps, hu = inputs
        if hu.shape.rank == 4:
            hu = hu[..., hu.shape[3] // 2]
        return tf.where(hu > MOST_BLOOD_HU, tf.zeros_like(maps), maps)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the maps."""
        return input_shape[0]


def is_without_bone(model: keras.Model) -> bool:
    """Return whether bone is left out of a segmenter's map."""
    return any(isinstance(layer, WithoutBone) for layer in model.layers)


def without_bone(segmenter: keras.Model) -> keras.Model:
    """Return a model of the same input and outputs whose map is 0 in bone.

    Args:
        segmenter: of HU; its layers are shared, not copied.
    """
    maps, subtypes = map_and_subtypes(segmenter.output)
    outputs = WithoutBone(dtype="float32", name="map_without_bone")([maps, segmenter.input])
    if subtypes is not None:
        outputs = {"map": outputs, "subtype_score": subtypes}
    return keras.Model(segmenter.input, outputs, name=segmenter.name)
