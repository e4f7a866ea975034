"""The ensemble as one network of HU: frozen segmenters, weight model, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ichnet.networks.scores import TopPixelMean, map_and_subtypes


def build_ensemble(
    members: Mapping[str, keras.Model],
    weight_model: keras.Model,
    top_pixels: int,
) -> keras.Model:
    """Join trained segmenters and their weight model into one functional model.

    Args:
        members: trained segmenters in the order of the weight model's maps; they are frozen.
        weight_model: trained on these members' maps.
        top_pixels: a slice's score is the mean of this many highest pixels.

    Returns:
        A model of ``hu``, as its members take it, with the outputs ``map``, ``mask``
        [batch, matrix, matrix], ``weights``, ``probability`` [batch] (the slice's score),
        ``member_probability`` [batch, members] and, when a member has that head,
        ``subtype_score`` [batch, 6], of the head alone.

    Raises:
        ValueError: when the weight model was built for another number of members.
    """
    wanted = weight_model.inputs[0].shape[-1]
    if wanted != len(members):
        raise ValueError(f"the weight model combines {wanted} maps, not {len(members)}")
    hu = keras.Input(next(iter(members.values())).inputs[0].shape[1:], name="hu")
    maps, member_scores, subtypes = [], [], None
    for name, member in members.items():
        member.trainable = False
        member_map, own_subtypes = map_and_subtypes(member(hu))
        score = TopPixelMean(top_pixels, dtype="float32", name=f"score_{name}")
        maps.append(member_map)
        member_scores.append(score(member_map))
        subtypes = subtypes if own_subtypes is None else own_subtypes
    outputs = dict(weight_model(Stack(dtype="float32", name="stack")(maps)))
    score = TopPixelMean(top_pixels, dtype="float32", name="probability")
    outputs["probability"] = score(outputs["map"])
    outputs["member_probability"] = Stack(dtype="float32", name="member_probability")(member_scores)
    if subtypes is not None:
        outputs["subtype_score"] = subtypes
    return keras.Model(hu, outputs, name="ensemble")


@keras.saving.register_keras_serializable("ichnet")
class Stack(keras.layers.Layer):
    """Stacks tensors of one shape along a new last axis."""

    def call(self, inputs: Any) -> tf.Tensor:
        """Return [..., inputs]."""
        return tf.stack(inputs, axis=-1)

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """Return the inputs' shape and their number."""
        return (*input_shape[0], len(input_shape))
