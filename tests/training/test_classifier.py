"""Classifiers from records to trained models."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_experiment import MATRIX, stand_in

from ichnet.networks.classifiers import Bias
from ichnet.records.schema import even_draw
from ichnet.training import classifier as classifier_module
from ichnet.training.classifier import compile_classifier, partly_outlined, train_classifier
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


def test_slices_outside_the_share_have_no_saliency_loss(config, records, run, asked, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    for share in (1.0, 0.9, 1e-6):
        settings = replace(config.classifiers, outlined_share=share)
        changed = replace(config, classifiers=settings, seed=int(10 * share))
        train_classifier(changed, "VGG19", "aihub-strong", records, run)
        batches = list(asked["train"](0).as_numpy_iterator())
        if share == 1:
            assert all(len(batch) == 2 for batch in batches)
            continue
        for _, targets, weights in batches:
            np.testing.assert_array_equal(weights["probability"], np.ones(4))
            normal = targets["probability"][:, 0] == 0
            np.testing.assert_array_equal(weights["saliency"][normal], 1)
            if share < 0.1:
                np.testing.assert_array_equal(weights["saliency"][~normal], 0)


def test_outlines_are_drawn_evenly_and_a_smaller_share_lies_within_a_larger():
    rng = np.random.default_rng(1)
    masks = [one.tobytes() for one in rng.integers(0, 2, (600, 16), dtype=np.uint8)]
    draw = even_draw(tf.constant(masks))
    batch = {
        "hu": tf.zeros((600, 4, 4)),
        "mask": tf.zeros((600, 4, 4)),
        "labels": tf.tile([[1.0] + 5 * [0.0]], (600, 1)),
        "outline_draw": draw,
    }
    seen = {s: partly_outlined(batch, s)[2]["saliency"].numpy() for s in (0.1, 0.3)}
    assert [float(one.mean()) for one in seen.values()] == pytest.approx([0.1, 0.3], abs=0.05)
    assert (seen[0.1] <= seen[0.3]).all()


def test_a_slice_whose_outline_is_not_seen_teaches_no_saliency(config):
    """The gradient of the saliency loss is that of the seen slices alone."""
    model = stand_in("VGG19", config.image, None, 1)
    compile_classifier(model, config, strong=True)
    hu = np.random.default_rng(2).normal(30, 10, (2, MATRIX, MATRIX)).astype(np.float32)
    mask = np.zeros_like(hu)
    mask[:, :8, :8] = 1
    targets = {"probability": np.ones((2, 1)), "saliency": mask}
    both, one, none = (
        model.evaluate(
            hu,
            targets,
            sample_weight={"probability": np.ones(2), "saliency": np.array(w, np.float32)},
            return_dict=True,
            verbose=0,
        )["loss"]
        for w in ([1, 1], [1, 0], [0, 0])
    )
    assert none < one < both
    other = np.zeros_like(hu[1:])
    changed = {**targets, "saliency": np.concatenate([mask[:1], other])}
    again = model.evaluate(
        hu,
        changed,
        sample_weight={"probability": np.ones(2), "saliency": np.array([1, 0], np.float32)},
        return_dict=True,
        verbose=0,
    )["loss"]
    assert again == pytest.approx(one)
