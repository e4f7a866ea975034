"""What the networks' tests share: image geometry, windows, and Grad-CAM by gradients."""

from __future__ import annotations

from collections.abc import Callable

import keras
import pytest
import tensorflow as tf

from ichnet.config import ImageConfig, WindowConfig

WINDOWS = (
    WindowConfig(40, 80),
    WindowConfig(80, 200),
    WindowConfig(40, 40),
    WindowConfig(600, 2800),
)


@pytest.fixture(scope="session")
def image_of() -> Callable[[int], ImageConfig]:
    """From a matrix to the demonstration's four windows on it."""
    return lambda matrix: ImageConfig(matrix=matrix, field_of_view_mm=230.0, windows=WINDOWS)


@pytest.fixture(scope="session")
def grad_cam() -> Callable[..., tf.Tensor]:
    """The oracle that the classifiers' saliency output is tested against."""
    return gradient_cam


def gradient_cam(
    model: keras.Model,
    layer: str,
    inputs: tf.Tensor,
    score: Callable[[tf.Tensor], tf.Tensor],
    rectify: bool = True,
) -> tf.Tensor:
    """Return Grad-CAM of a score at one layer (Selvaraju et al., ICCV 2017), by a nested tape.

    The channels of the layer's feature map, weighted by the mean over positions of the score's
    gradient. It can itself be differentiated: called under an outer tape, gradients flow to the
    model's weights (second order).

    Args:
        model: any functional model.
        layer: name of a layer whose output is [batch, h, w, channels].
        inputs: a batch for the model.
        score: from the model's output to one number for each sample, [batch].
        rectify: keep positive evidence only, as the paper of the method does.

    Returns:
        float [batch, h, w], not normalised.

    Raises:
        ValueError: when the layer's output is no feature map, or the score does not depend on it.
    """
    features_and_output = keras.Model(model.inputs, [model.get_layer(layer).output, model.output])
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)  # so that frozen networks are recorded too
        features, output = features_and_output(inputs, training=False)
        if features.shape.rank != 4:
            raise ValueError(f"{layer}: output {features.shape} is no feature map")
        value = score(output)
    gradient = tape.gradient(value, features)
    if gradient is None:
        raise ValueError(f"{layer}: the score does not depend on it")
    channel_weights = tf.reduce_mean(gradient, axis=[1, 2], keepdims=True)
    cam = tf.reduce_sum(channel_weights * features, axis=-1)
    return tf.nn.relu(cam) if rectify else cam
