"""tensorflow-addons, on the stack that has it: named in a configuration, and as an oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import AugmentationConfig, load_config
from ichnet.records.geometry import move, random_transforms
from ichnet.statistics.agreement import cohen_kappa
from ichnet.training.classifier import compile_classifier
from ichnet.training.compiling import named_object, register_modules

addons = pytest.importorskip("tensorflow_addons", reason="stack without tensorflow-addons")

PHANTOM = Path(__file__).parents[2] / "models" / "phantom.yaml"


def classifier() -> keras.Model:
    keras.utils.set_random_seed(1)
    hu = keras.Input((8, 8), name="hu")
    evidence = keras.layers.Dense(4)(hu)
    saliency = keras.layers.Reshape((8, 4), name="saliency")(evidence)
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(evidence))
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model(hu, {"probability": probability, "saliency": saliency})


def test_a_configuration_trains_with_its_optimizer_loss_and_metric(tmp_path):
    """As YAML gives them: names after ``Addons>``, a wrapper around another optimizer."""
    register_modules(["tensorflow_addons"])
    config = load_config(PHANTOM)
    settings = config.classifiers
    adam = {"class_name": "Addons>AdamW", "config": {"weight_decay": 0.0, "learning_rate": 0.01}}
    training = replace(
        settings.training,
        optimizer={"class_name": "Addons>Lookahead", "config": {"optimizer": adam}},
    )
    # addons' losses leave the mean over the batch to whoever asks for it
    focal = {"gamma": 1.5, "reduction": "sum_over_batch_size"}
    settings = replace(
        settings,
        training=training,
        loss={"class_name": "Addons>SigmoidFocalCrossEntropy", "config": focal},
        metrics=({"class_name": "Addons>CohenKappa", "config": {"num_classes": 2}},),
    )
    model = compile_classifier(classifier(), replace(config, classifiers=settings), strong=True)
    rng = np.random.default_rng(0)
    hu = rng.normal(size=(8, 8, 8)).astype("float32")
    mask = (hu > 1.5).astype("float32")
    targets = {"probability": mask.max(axis=(1, 2))[:, None], "saliency": mask}
    log = model.fit(hu, targets, batch_size=8, epochs=8, verbose=0).history
    assert log["probability_loss"][-1] < log["probability_loss"][0]
    assert any("cohen_kappa" in name for name in log)
    assert type(model.optimizer).__name__ == "Lookahead"


def test_our_rotation_is_theirs():
    """One angle for the whole batch, read off the map that we apply; no other change."""
    image = load_config(PHANTOM).image
    image = replace(image, matrix=24)
    rotate = AugmentationConfig(
        rotation_degrees=30, shift_mm=0, scale=0, flip=False, noise_hu=0, offset_hu=0
    )
    rng = np.random.default_rng(2)
    hu = tf.constant(rng.normal(40, 20, (1, 24, 24)), tf.float32)
    mask = tf.zeros((1, 24, 24))
    seed = tf.constant([3, 4])
    ours, _ = move(hu, mask, rotate, image, seed)

    a0, a1 = random_transforms(tf.constant(1), rotate, image, seed)[0, :2]
    angle = float(tf.atan2(-a1, a0))
    assert abs(angle) > 0.05
    theirs = addons.image.rotate(
        hu[..., None], angle, interpolation="bilinear", fill_mode="constant", fill_value=-1024.0
    )
    np.testing.assert_allclose(ours[0], theirs[0, ..., 0], atol=1e-2)


@pytest.mark.parametrize("sigma", [0.6, 1.907])
def test_the_phantoms_gaussian_smoothing_is_theirs(sigma):
    """Mirrored at the border without repeating it; OpenCV cuts the kernel at four sigma."""
    hu = np.random.default_rng(8).normal(40, 20, (32, 32)).astype("float32")
    width = round(8 * sigma + 1) | 1
    theirs = addons.image.gaussian_filter2d(hu, (width, width), sigma, padding="REFLECT")
    np.testing.assert_allclose(cv2.GaussianBlur(hu, (0, 0), sigma), theirs, atol=1e-3)


def test_keras_focal_loss_is_theirs():
    """Keras's, which a configuration names on either stack, per sample."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, (20, 1)).astype("float32")
    probability = rng.uniform(0.01, 0.99, (20, 1)).astype("float32")
    settings = {"gamma": 1.5, "alpha": 0.3, "apply_class_balancing": True}
    ours = named_object(
        "losses", {"class_name": "BinaryFocalCrossentropy", "config": settings}, "loss"
    )
    theirs = addons.losses.SigmoidFocalCrossEntropy(alpha=0.3, gamma=1.5)
    expected = np.mean(theirs(truth, probability))
    assert float(ours(truth, probability)) == pytest.approx(expected, rel=1e-5)


def test_cohens_kappa_is_theirs():
    rng = np.random.default_rng(5)
    first = rng.integers(0, 3, 60)
    second = np.where(rng.random(60) < 0.6, first, rng.integers(0, 3, 60))
    metric = addons.metrics.CohenKappa(num_classes=3, sparse_labels=True)
    metric.update_state(first, second)
    assert cohen_kappa(first, second).value == pytest.approx(float(metric.result()), rel=1e-5)
