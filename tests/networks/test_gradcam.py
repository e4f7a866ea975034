"""The oracle, Grad-CAM by gradients, against maps worked out by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

IMAGE = np.array([[[[1.0], [2.0]], [[3.0], [-4.0]]]], np.float32)


@pytest.fixture
def model() -> keras.Model:
    """Two feature channels, x and -x; the score is 8 sum(x) + 4 sum(-x): gradients 8 and 4."""
    inputs = keras.Input((2, 2, 1))
    features = keras.layers.Conv2D(2, 1, use_bias=False, name="features")(inputs)
    flat = keras.layers.Flatten(name="flat")(features)
    score = keras.layers.Dense(1, use_bias=False, name="score")(flat)
    model = keras.Model(inputs, score)
    model.set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2), np.array([[8.0], [4.0]] * 4)])
    return model


def first(output: tf.Tensor) -> tf.Tensor:
    return output[:, 0]


@pytest.mark.parametrize(
    ("rectify", "expected"),
    # 8 x - 4 x = 4 x at each position
    [(False, [[4, 8], [12, -16]]), (True, [[4, 8], [12, 0]])],
)
def test_by_hand(model, rectify, expected, grad_cam):
    cam = grad_cam(model, "features", IMAGE, first, rectify)
    np.testing.assert_allclose(cam, [expected], rtol=1e-6)


def test_weights_are_means_of_gradients_over_positions(model, grad_cam):
    """Gradients of channel one: 1, 2, 3, 6, in the mean 3; of channel two none."""
    model.get_layer("score").set_weights([np.array([[1, 0, 2, 0, 3, 0, 6, 0]]).T])
    np.testing.assert_allclose(
        grad_cam(model, "features", IMAGE, first, rectify=False), 3 * IMAGE[..., 0], rtol=1e-6
    )


def test_each_sample_by_itself(model, grad_cam):
    both = np.concatenate([IMAGE, 10 * IMAGE])
    cam = grad_cam(model, "features", both, lambda output: output[:, 0] ** 2)
    alone = grad_cam(model, "features", IMAGE, lambda output: output[:, 0] ** 2)
    np.testing.assert_allclose(cam[:1], alone, rtol=1e-5)
    np.testing.assert_allclose(cam[1:], 100 * alone, rtol=1e-5)


def test_frozen_networks_have_a_map_too(model, grad_cam):
    model.trainable = False
    cam = grad_cam(model, "features", IMAGE, first)
    np.testing.assert_allclose(cam, [[[4, 8], [12, 0]]], rtol=1e-6)


def test_a_layer_without_weights_below_it_has_a_map_too(grad_cam):
    """The tape sees no variable there, so it must be told to watch the input."""
    inputs = keras.Input((2, 2, 1))
    features = keras.layers.Rescaling(2.0, name="features")(inputs)
    score = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(features))
    model = keras.Model(inputs, score)
    model.set_weights([np.full((4, 1), 3.0)])
    np.testing.assert_allclose(
        grad_cam(model, "features", IMAGE, first), [[[6, 12], [18, 0]]], rtol=1e-6
    )


def test_it_can_be_differentiated(model, grad_cam):
    """The map is sum over channels of weight times feature, linear in the head's kernel."""
    kernel = model.get_layer("score").kernel
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(grad_cam(model, "features", IMAGE, first, rectify=False))
    gradient = tape.gradient(total, kernel)
    # each of the kernel's entries is a quarter of its channel's weight; sum(x) = 2
    np.testing.assert_allclose(gradient, [[0.5], [-0.5]] * 4, rtol=1e-6)


def test_a_layer_without_positions_is_refused(model, grad_cam):
    with pytest.raises(ValueError, match=r"flat: output .* is no feature map"):
        grad_cam(model, "flat", IMAGE, first)


def test_a_score_that_does_not_see_the_layer_is_refused(model, grad_cam):
    with pytest.raises(ValueError, match="features: the score does not depend on it"):
        grad_cam(model, "features", IMAGE, lambda output: tf.constant([1.0]))
