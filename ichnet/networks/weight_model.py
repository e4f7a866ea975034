"""Experiment C's weight model: from the members' maps to the weights that combine them.

Paper section 2.3: weights are chosen "according to the input data" to minimise the Dice loss of
the prediction at pixel threshold 0.5. A convex combination with the same weights for every input
cannot let a specialist speak alone: with five members, one map at 1 and four at 0, it stays below
the threshold unless that member outweighs all others on every other input too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf


def build_weight_model(
    matrix: int,
    members: Sequence[str],
    weighting: Literal["image", "pixel", "global"],
    width: int,
    pixel_threshold: float,
    seed: int,
) -> keras.Model:
    """Return an untrained weight model.

    Args:
        matrix: rows and columns of the maps.
        members: names of the segmenters, in the order of the maps.
        weighting: weights for each ``image``, for each ``pixel``, or the same for all (``global``).
        width: channels of its convolutions.
        pixel_threshold: a pixel is hemorrhage above this.
        seed: of the initial weights; sets the global seeds of Python, NumPy and TensorFlow.

    Returns:
        A functional model of ``maps`` [batch, matrix, matrix, members] with the outputs ``map``
        [batch, matrix, matrix] (the weighted mean), ``mask`` [batch, matrix, matrix] (0 or 1; its
        gradient is the map's where members disagree) and ``weights`` [batch, members], or
        [batch, matrix, matrix, members] for pixel-wise weights; weights sum to one.

    Raises:
        ValueError: for an unknown weighting.
    """
    keras.utils.set_random_seed(seed)
    count = len(members)
    maps = keras.Input((matrix, matrix, count), name="maps")
    if weighting == "image":
        weights = _image_weights(maps, count, width)
    elif weighting == "pixel":
        weights = _pixel_weights(maps, count, width)
    elif weighting == "global":
        weights = GlobalWeights(name="weights")(maps)
    else:
        raise ValueError(f"no weighting {weighting!r}; known: image, pixel, global")
    combined = WeightedMean(dtype="float32", name="map")([maps, weights])
    mask = StraightThrough(pixel_threshold, dtype="float32", name="mask")([combined, maps])
    return keras.Model(
        maps, {"map": combined, "mask": mask, "weights": weights}, name="weight_model"
    )


def _image_weights(maps: Any, count: int, width: int) -> Any:
    """Return [batch, members]: three strided convolutions, mean and maximum, softmax.

    The maximum sees a small lesion that the mean would drown.
    """
    features = maps
    for stage in (1, 2, 3):
        features = _convolution(features, width, stage, strides=2)
    pooled = keras.layers.Concatenate(name="pool")(
        [
            keras.layers.GlobalAveragePooling2D(name="mean")(features),
            keras.layers.GlobalMaxPooling2D(name="maximum")(features),
        ]
    )
    return keras.layers.Dense(count, "softmax", dtype="float32", name="weights")(pooled)


def _pixel_weights(maps: Any, count: int, width: int) -> Any:
    """Return [batch, rows, columns, members]: two convolutions and a softmax over members."""
    features = maps
    for stage in (1, 2):
        features = _convolution(features, width, stage, strides=1)
    return keras.layers.Conv2D(count, 1, activation="softmax", dtype="float32", name="weights")(
        features
    )


def _convolution(features: Any, width: int, stage: int, strides: int) -> Any:
    return keras.layers.Conv2D(
        width,
        3,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"convolution{stage}",
    )(features)


@keras.saving.register_keras_serializable("ichnet")
class GlobalWeights(keras.layers.Layer):
    """The same weights for every input: the baseline of the other weightings."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create one logit for each member, at random (paper: "random initiative weight")."""
        self.logits = self.add_weight(
            shape=(input_shape[-1],), initializer="random_normal", name="logits"
        )

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        """Return [batch, members], the same for each sample."""
        weights = tf.nn.softmax(self.logits)
        return tf.tile(weights[None, :], [tf.shape(maps)[0], 1])

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return [batch, members]."""
        return (input_shape[0], input_shape[-1])


@keras.saving.register_keras_serializable("ichnet")
class WeightedMean(keras.layers.Layer):
    """Combines maps [batch, rows, columns, members] by their weights."""

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return [batch, rows, columns]."""
        maps, weights = inputs
        if weights.shape.rank == 2:
            # a matrix product: broadcasting over so few members takes twice as long
            return tf.einsum("brcm,bm->brc", maps, weights)
        return tf.reduce_sum(maps * weights, axis=-1)

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """Return [batch, rows, columns]."""
        return tuple(input_shape[0])[:-1]


@keras.saving.register_keras_serializable("ichnet")
class StraightThrough(keras.layers.Layer):
    """Thresholds a mean of maps; passes the gradient backward unchanged (Bengio et al. 2013).

    The gradient passes only where members disagree about the threshold. Elsewhere no weights can
    change the mask, and a gradient would mislead: on slices without a lesion the faint background
    of all maps, summed over thousands of pixels, would push the weights towards the member with the
    faintest background, harder than any lesion could push back.

    Args:
        threshold: values above it become 1, others 0.
    """

    def __init__(self, threshold: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return 0 or 1 for each value of a mean [...] of maps [..., members]."""
        values, maps = inputs
        hard = tf.cast(values > self.threshold, values.dtype)
        above = maps > self.threshold
        agreed = tf.reduce_all(above, axis=-1) == tf.reduce_any(above, axis=-1)
        passed = tf.where(agreed, tf.stop_gradient(values), values)
        return tf.stop_gradient(hard) + (passed - tf.stop_gradient(values))

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """Return the mean's shape."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "threshold": self.threshold}
