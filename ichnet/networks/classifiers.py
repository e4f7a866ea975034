"""Experiment A's networks: four Keras Applications backbones with a saliency map as an output.

The head is global average pooling and one Dense unit. For such a head the class-activation map
of the logit, the Dense kernel applied at each position of the last feature map, equals Grad-CAM
of the logit up to the constant number of positions (Selvaraju et al. 2017, section 3.1). So
saliency needs no gradient: it is one more output, first order to train and free to export.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import BACKBONES, Backbone, ImageConfig
from ichnet.networks.channels import hu_input
from ichnet.networks.normalisation import set_batch_norm_momentum
from ichnet.networks.stored_weights import load_weights

FEATURE_LAYERS: dict[str, str] = {
    "DenseNet121": "relu",
    "InceptionResNetV2": "conv_7b_ac",
    "MobileNetV2": "out_relu",
    "VGG19": "block5_conv4",
}
"""The layer that gives each backbone's last feature map (VGG19: before its last pooling)."""

HEAD_LAYERS: tuple[str, ...] = ("evidence", "logit")
"""The layers of the head that have weights."""


def build_classifier(
    backbone: Backbone, image: ImageConfig, weights: str | Path | None, seed: int
) -> keras.Model:
    """Return an untrained classifier of slices.

    Args:
        backbone: one of the four.
        image: matrix and windows.
        weights: ``None`` for random weights, ``"imagenet"``, a file of the backbone's
            three-channel weights (see :func:`widen_kernel` for the further channels), or an
            ``.npz`` file of :mod:`~ichnet.networks.stored_weights`.
        seed: of the initial weights; sets the global seeds of Python, NumPy and TensorFlow.

    Returns:
        A flat functional model of ``hu`` [batch, matrix, matrix] with the outputs ``probability``
        [batch, 1] and ``saliency`` [batch, h, w]: the class-activation map of the logit, linear
        and without the head's bias, so that ``logit = mean(saliency) + bias``.

    Raises:
        ValueError: for an unknown backbone, one whose layers are not as expected, or weights of
            another backbone.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"no backbone {backbone!r}; known: {', '.join(BACKBONES)}")
    keras.utils.set_random_seed(seed)
    hu, channels = hu_input(image)
    application = getattr(keras.applications, backbone)
    body = application(include_top=False, weights=None, input_tensor=channels)
    set_batch_norm_momentum(body)
    features = body.get_layer(FEATURE_LAYERS[backbone]).output
    if FEATURE_LAYERS[backbone] != "block5_conv4" and features is not body.output:
        raise ValueError(f"{backbone}: {FEATURE_LAYERS[backbone]} is not its last feature map")
    if weights is None:
        draw_for_relu(body, seed)
    elif isinstance(weights, Path) and weights.suffix == ".npz":
        load_weights(weights, body.layers)
    else:
        donor = application(
            include_top=False, weights=weights, input_shape=(image.matrix, image.matrix, 3)
        )
        copy_weights(donor, body)

    evidence = keras.layers.Dense(1, use_bias=False, dtype="float32", name="evidence")(features)
    saliency = keras.layers.Reshape(evidence.shape[1:3], dtype="float32", name="saliency")(evidence)
    logit = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pool")(evidence)
    logit = Bias(dtype="float32", name="logit")(logit)
    probability = keras.layers.Activation("sigmoid", dtype="float32", name="probability")(logit)
    return keras.Model(hu, {"probability": probability, "saliency": saliency}, name=backbone)


@keras.saving.register_keras_serializable("ichnet")
class Bias(keras.layers.Layer):
    """Adds one trainable number, the head's bias, so that the saliency map is without it."""

    def build(self, input_shape: Any) -> None:
        """Create the bias."""
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return ``inputs + bias``."""
        return inputs + self.bias


def draw_for_relu(body: keras.Model, seed: int) -> None:
    """Initialise a backbone without batch normalisation for ReLU layers (He et al. 2015).

    Keras Applications initialises by Glorot and Bengio, which loses half of the variance at each
    ReLU. Batch normalisation would restore it, but VGG19 has none: after its sixteen layers the
    signal is too weak to learn from, and the network stays at chance.
    """
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in body.layers):
        return
    for index, layer in enumerate(body.layers):
        if isinstance(layer, keras.layers.Conv2D):
            initializer = keras.initializers.HeNormal(seed=seed + index)
            layer.kernel.assign(initializer(layer.kernel.shape))


def copy_weights(donor: keras.Model, body: keras.Model) -> None:
    """Copy a three-channel backbone's weights into one with more input channels.

    Layers match by name; the first convolution's kernel is widened.

    Raises:
        ValueError: when a layer with weights has no partner of its shape.
    """
    by_name = {layer.name: layer for layer in body.layers}
    for layer in donor.layers:
        weights = layer.get_weights()
        if not weights:
            continue
        if layer.name not in by_name:
            raise ValueError(f"{donor.name}: no layer {layer.name!r} to copy weights to")
        wanted = [tuple(value.shape) for value in by_name[layer.name].get_weights()]
        if weights[0].ndim == 4 and weights[0].shape[2] == 3 and wanted[0][2] != 3:
            weights[0] = widen_kernel(weights[0], wanted[0][2])
        if [value.shape for value in weights] != wanted:
            raise ValueError(f"{donor.name}: layer {layer.name!r} has another shape")
        by_name[layer.name].set_weights(weights)


def widen_kernel(kernel: NDArray[np.floating[Any]], channels: int) -> NDArray[np.floating[Any]]:
    """Return a kernel [rows, columns, channels, filters] made from one of three channels.

    The first three windows (brain, subdural, stroke) take the places of red, green and blue; the
    further ones start at zero. So the network starts with exactly its three-channel response and
    learns what the other windows add (paper silent).

    Raises:
        ValueError: for fewer than three channels.
    """
    if channels < 3:
        raise ValueError(f"pre-trained weights need three channels or more, not {channels}")
    rows, columns, _, filters = kernel.shape
    widened = np.zeros((rows, columns, channels, filters), kernel.dtype)
    widened[:, :, :3] = kernel
    return widened
