"""The four backbones: their heads, saliency in closed form, and pre-trained weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import BACKBONES, load_config
from ichnet.networks.classifiers import (
    FEATURE_LAYERS,
    Bias,
    build_classifier,
    copy_weights,
    widen_kernel,
)
from ichnet.training.classifier import compile_classifier
from ichnet.training.losses import SaliencyLoss

MATRIX = {"InceptionResNetV2": 96}
GRID = {"DenseNet121": 2, "InceptionResNetV2": 1, "MobileNetV2": 2, "VGG19": 4}
CHANNELS = {"DenseNet121": 1024, "InceptionResNetV2": 1536, "MobileNetV2": 1280, "VGG19": 512}


# two are large: hundreds of layers
LARGE = {"DenseNet121", "InceptionResNetV2"}
EACH = [pytest.param(b, marks=pytest.mark.slow if b in LARGE else ()) for b in BACKBONES]


@pytest.fixture(scope="module", params=EACH)
def classifier(request, image_of) -> keras.Model:
    """An untrained classifier whose evidence is of the order of one, and whose bias is not zero."""
    matrix = MATRIX.get(request.param, 64)
    model = build_classifier(request.param, image_of(matrix), None, seed=3)
    evidence = model.get_layer("evidence")
    kernel = np.random.default_rng(3).normal(size=evidence.get_weights()[0].shape)
    evidence.set_weights([kernel])
    largest = float(tf.reduce_max(tf.abs(model(heads(matrix), training=False)["saliency"])))
    evidence.set_weights([kernel / largest])
    model.get_layer("logit").set_weights([np.array([-0.7])])
    return model


@pytest.fixture(scope="module")
def output(classifier) -> dict[str, tf.Tensor]:
    """What it says of two slices."""
    return classifier(heads(classifier.input_shape[1]), training=False)


def heads(matrix: int) -> tf.Tensor:
    """Two noisy slices, HU over the whole range of the windows."""
    rng = np.random.default_rng(matrix)
    coarse = rng.normal(40, 60, (2, matrix // 8, matrix // 8)).repeat(8, 1).repeat(8, 2)
    return tf.constant(coarse + rng.normal(0, 20, (2, matrix, matrix)), tf.float32)


def test_a_signal_reaches_the_end_of_vgg19(image_of):
    """Sixteen layers by Glorot's rule would leave about 2 ** -8 of it."""
    model = build_classifier("VGG19", image_of(64), None, seed=3)
    ends = keras.Model(
        model.input, [model.get_layer(name).output for name in ("block1_conv1", "block5_conv4")]
    )
    first, last = (float(tf.math.reduce_std(value)) for value in ends(heads(64), training=False))
    assert 0.3 < last / first < 3


def test_outputs(classifier, output):
    grid = GRID[classifier.name]
    assert {name: tuple(value.shape) for name, value in output.items()} == {
        "probability": (2, 1),
        "saliency": (2, grid, grid),
    }
    assert {value.dtype for value in output.values()} == {tf.float32}


def test_feature_layer(classifier):
    """The evidence reads the layer that the method names, with as many channels as published."""
    grid, name = GRID[classifier.name], classifier.name
    layer = classifier.get_layer(FEATURE_LAYERS[name])
    assert tuple(layer.output.shape) == (None, grid, grid, CHANNELS[name])
    assert classifier.get_layer("evidence").input is layer.output


def test_logit_is_the_mean_saliency_and_the_bias(output):
    saliency = output["saliency"].numpy().astype("float64")
    logit = saliency.mean(axis=(1, 2)) - 0.7
    assert np.abs(logit + 0.7).max() > 1e-2
    np.testing.assert_allclose(output["probability"][:, 0], 1 / (1 + np.exp(-logit)), rtol=1e-5)


def test_saliency_is_grad_cam_in_closed_form(classifier, output, grad_cam):
    """Grad-CAM of a mean over positions is the class-activation map over their number."""
    to_logit = keras.Model(classifier.input, classifier.get_layer("logit").output)
    cam = grad_cam(
        to_logit,
        FEATURE_LAYERS[classifier.name],
        heads(classifier.input_shape[1]),
        lambda logit: logit[:, 0],
        rectify=False,
    )
    positions = GRID[classifier.name] ** 2
    assert float(tf.reduce_max(tf.abs(cam))) * positions == pytest.approx(1)
    np.testing.assert_allclose(cam * positions, output["saliency"], rtol=0, atol=1e-5)


def test_a_batch_of_two_is_two_batches_of_one(classifier, output):
    hu = heads(classifier.input_shape[1])
    alone = [classifier(hu[i : i + 1], training=False) for i in (0, 1)]
    for name, both in output.items():
        joined = tf.concat([one[name] for one in alone], axis=0)
        np.testing.assert_allclose(both, joined, rtol=0, atol=1e-5)


def test_the_saliency_loss_reaches_the_first_layer_and_is_nothing_at_weight_zero(classifier):
    """At weight 0 every gradient of the strong arm is the weak arm's, bit for bit."""
    hu = heads(classifier.input_shape[1])
    mask = np.zeros(hu.shape, np.float32)
    mask[0, 20, 30] = 1
    targets = {"probability": tf.constant([[1.0], [0.0]]), "saliency": tf.constant(mask)}
    config = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    settings = config.classifiers
    sgd = replace(settings.training, optimizer="sgd")
    config = replace(config, classifiers=replace(settings, saliency_weight=0.0, training=sgd))
    losses = []
    with tf.GradientTape(persistent=True) as tape:
        found = classifier(hu, training=True)
        saliency_loss = SaliencyLoss()(targets["saliency"], found["saliency"])
        for strong in (False, True):
            compile_classifier(classifier, config, strong)
            losses.append(classifier.compute_loss(x=hu, y=targets, y_pred=found))

    first = next(layer for layer in classifier.layers if layer.weights)
    assert "conv" in first.name.lower()
    gradient = tape.gradient(saliency_loss, first.kernel).numpy()
    assert np.isfinite(gradient).all()
    assert gradient.any()
    weak, strong = (tape.gradient(loss, classifier.trainable_variables) for loss in losses)
    assert float(losses[0]) == float(losses[1])
    for one, other in zip(weak, strong, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(image_of):
    weights, again, other = (
        build_classifier("VGG19", image_of(32), None, seed).get_weights() for seed in (5, 5, 6)
    )
    for one, two in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (weights[0] != other[0]).any()


def test_an_unknown_backbone_is_refused(image_of):
    with pytest.raises(ValueError, match="no backbone 'ResNet50'; known: DenseNet121, "):
        build_classifier("ResNet50", image_of(64), None, seed=0)


def test_another_last_layer_is_refused(image_of, monkeypatch):
    monkeypatch.setitem(FEATURE_LAYERS, "VGG19", "block5_conv3")
    with pytest.raises(ValueError, match="VGG19: block5_conv3 is not its last feature map"):
        build_classifier("VGG19", image_of(32), None, seed=0)


def test_a_widened_kernel_answers_as_the_narrow_one_did():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 3, 5)).astype("float32")
    widened = widen_kernel(kernel, 4)
    assert widened.shape == (3, 3, 4, 5)
    assert widened.dtype == np.float32
    np.testing.assert_array_equal(widened[:, :, :3], kernel)
    np.testing.assert_array_equal(widened[:, :, 3], np.zeros((3, 3, 5)))
    image = rng.uniform(size=(1, 8, 8, 4)).astype("float32")
    np.testing.assert_allclose(
        tf.nn.conv2d(image, widened, 1, "SAME"),
        tf.nn.conv2d(image[..., :3], kernel, 1, "SAME"),
        rtol=1e-5,
        atol=1e-5,
    )


def test_two_windows_are_too_few_for_pretrained_weights():
    with pytest.raises(ValueError, match="three channels or more, not 2"):
        widen_kernel(np.zeros((3, 3, 3, 5), np.float32), 2)


@pytest.mark.slow
def test_weights_from_a_file(image_of, tmp_path):
    """Every layer has the file's weights; the first one answers to the first three windows."""
    keras.utils.set_random_seed(11)
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    donor.save_weights(tmp_path / "donor.weights.h5")
    model = build_classifier("MobileNetV2", image_of(32), tmp_path / "donor.weights.h5", seed=0)

    first, *others = (layer for layer in donor.layers if layer.get_weights())
    for layer in others:
        for one, two in zip(
            layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, two)
    channels = model.get_layer("windows")(heads(32))
    np.testing.assert_allclose(
        model.get_layer(first.name)(channels), first(channels[..., :3]), rtol=1e-5, atol=1e-6
    )


def small(channels: int, filters: int = 4, name: str = "a") -> keras.Model:
    inputs = keras.Input((8, 8, channels))
    return keras.Model(inputs, keras.layers.Conv2D(filters, 3, name=name)(inputs), name="small")


def test_copied_weights_match_by_name():
    donor, body = small(3), small(5)
    copy_weights(donor, body)
    np.testing.assert_array_equal(
        body.get_layer("a").get_weights()[0][:, :, :3], donor.get_layer("a").get_weights()[0]
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [({"name": "b"}, "no layer 'a'"), ({"filters": 6}, "layer 'a' has another shape")],
)
def test_weights_without_a_partner_are_refused(other, message):
    with pytest.raises(ValueError, match=f"small: {message}"):
        copy_weights(small(3), small(4, **other))


def test_bias_is_added_and_trainable():
    layer = Bias()
    np.testing.assert_array_equal(layer(tf.constant([[2.0], [3.0]])), [[2.0], [3.0]])
    layer.set_weights([np.array([0.5])])
    np.testing.assert_array_equal(layer(tf.constant([[2.0], [3.0]])), [[2.5], [3.5]])
    assert len(layer.trainable_weights) == 1
