"""Classifiers from records to trained models."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from small_experiment import MATRIX, stand_in

from ichnet.networks.classifiers import Bias
from ichnet.training import classifier as classifier_module
from ichnet.training.classifier import train_classifier
from ichnet.training.fit import read_log


@pytest.mark.slow
def test_a_classifier_from_records_to_a_model(config, records, run, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    model = train_classifier(config, "MobileNetV2", "aihub-strong", records, run)
    assert model.name == "MobileNetV2"
    (row,) = read_log(run.model("MobileNetV2-aihub-strong") / "log.csv")
    assert np.isfinite(row["val_saliency_loss"])
    assert "val_probability_auc" in row


@pytest.mark.slow
def test_arms_differ_in_their_loss_alone(config, records, run, asked, monkeypatch):
    """The same initial weights, the same slices in the same order."""
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    made = {}
    for arm in ("aihub-weak", "aihub-strong"):
        train_classifier(config, "VGG19", arm, records, run)
        assert asked["folder"] == run.model(f"VGG19-{arm}")
        model, batches = asked["build"](), list(asked["train"](0).as_numpy_iterator())
        made[arm] = (asked["made_from"], model, batches)
    (weak, weak_model, weak_batches), (strong, strong_model, strong_batches) = made.values()
    assert weak != strong
    for one, two in zip(weak_model.get_weights(), strong_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(weak_batches) == config.classifiers.training.steps_per_epoch
    for (hu, targets), (strong_hu, strong_targets) in zip(
        weak_batches, strong_batches, strict=True
    ):
        np.testing.assert_array_equal(hu, strong_hu)
        np.testing.assert_array_equal(targets["probability"], [[1], [0], [1], [0]])
        np.testing.assert_array_equal(targets["saliency"], strong_targets["saliency"])
        np.testing.assert_array_equal(targets["saliency"].any(axis=(1, 2)), [1, 0, 1, 0])


def test_a_backbone_is_trained_by_its_own_settings(config, records, run, asked, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    training = replace(config.classifiers.training, batch_size=2, steps_per_epoch=3)
    settings = replace(config.classifiers, training_by_backbone={"VGG19": training})
    train_classifier(replace(config, classifiers=settings), "VGG19", "aihub-weak", records, run)
    batches = list(asked["train"](0).as_numpy_iterator())
    assert [hu.shape for hu, _ in batches] == [(2, MATRIX, MATRIX)] * 3


@pytest.mark.slow
def test_a_frozen_body_stays_and_the_head_learns_then_all_does(config, records, run, monkeypatch):
    def two_layers(backbone, image, weights, seed) -> keras.Model:
        """A body of one convolution and the two layers of a head."""
        keras.utils.set_random_seed(seed)
        hu = keras.Input((image.matrix, image.matrix), name="hu")
        grid = keras.layers.Reshape((image.matrix, image.matrix, 1))(hu)
        body = keras.layers.Conv2D(2, 8, strides=8, name="body")(grid)
        evidence = keras.layers.Dense(1, use_bias=False, name="evidence")(body)
        saliency = keras.layers.Reshape((4, 4), name="saliency")(evidence)
        logit = Bias(name="logit")(keras.layers.GlobalAveragePooling2D()(evidence))
        probability = keras.layers.Activation("sigmoid", name="probability")(logit)
        return keras.Model(hu, {"probability": probability, "saliency": saliency})

    monkeypatch.setattr(classifier_module, "build_classifier", two_layers)
    settings = replace(config.classifiers, frozen_epochs=1)
    config = replace(config, classifiers=settings)
    model = train_classifier(config, "DenseNet121", "aihub-strong", records, run)
    initial = two_layers("DenseNet121", config.image, None, config.seed)
    head = keras.models.load_model(run.best("DenseNet121-aihub-strong-head"))

    def moved(one: keras.Model, other: keras.Model) -> list[bool]:
        return [
            bool(
                (
                    one.get_layer(name).get_weights()[0] != other.get_layer(name).get_weights()[0]
                ).any()
            )
            for name in ("body", "evidence", "logit")
        ]

    assert moved(initial, head) == [False, True, True]
    assert moved(head, model) == [True, True, True]
