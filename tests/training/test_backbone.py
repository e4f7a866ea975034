"""Pre-training of a backbone: targets, network, file, and a classifier that begins with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from eagerly import eagerly  # noqa: F401

from ichnet.config import ConfigError
from ichnet.files import file_digest
from ichnet.networks.classifiers import build_classifier
from ichnet.networks.loading import load_network
from ichnet.runs import RunFolder
from ichnet.training.backbone import (
    build_pretraining_network,
    pretrain_backbone,
    pretraining_targets,
)
from ichnet.training.classifier import train_classifier

BACKBONE = "MobileNetV2"


@pytest.fixture(scope="module")
def pretrained(config):
    settings = replace(config.classifiers, pretraining=config.classifiers.training)
    return replace(config, classifiers=settings)


def test_targets_are_outlines_and_six_labels():
    batch = {"hu": tf.zeros((2, 4, 4)), "mask": tf.ones((2, 4, 4)), "labels": tf.ones((2, 6))}
    hu, targets = pretraining_targets(batch)
    assert hu.shape == (2, 4, 4)
    assert {name: tuple(one.shape) for name, one in targets.items()} == {
        "cells": (2, 4, 4),
        "subtypes": (2, 6),
    }


@pytest.mark.slow
def test_the_network_has_a_logit_a_cell_and_six_probabilities(pretrained):
    config = replace(pretrained, image=replace(pretrained.image, matrix=64))
    network = build_pretraining_network(BACKBONE, config)
    answer = network(np.full((3, 64, 64), 40, np.float32))
    assert answer["cells"].shape == (3, 2, 2)  # a cell is 32 pixels wide
    assert answer["subtypes"].shape == (3, 6)
    assert np.all((answer["subtypes"] > 0) & (answer["subtypes"] < 1))


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_classifier_begins_with_what_was_learned(pretrained, records, tmp_path):
    run = RunFolder(tmp_path / "first")
    path = pretrain_backbone(pretrained, BACKBONE, records, run)
    assert path == run.root / "backbones" / "MobileNetV2.npz"
    begun = build_classifier(BACKBONE, pretrained.image, path, seed=1)
    random = build_classifier(BACKBONE, pretrained.image, None, seed=pretrained.seed)
    # two steps have moved the statistics of the first normalisation away from 0
    assert not np.any(random.get_layer("bn_Conv1").get_weights()[2])
    moved = np.load(path)["001-2"]
    assert np.any(moved)
    np.testing.assert_array_equal(begun.get_layer("bn_Conv1").get_weights()[2], moved)

    # the file is part of what a classifier was made from
    settings = replace(pretrained.classifiers, weights=str(path.parent))
    second = RunFolder(tmp_path / "second")
    train_classifier(
        replace(pretrained, classifiers=settings), BACKBONE, "aihub-weak", records, second
    )
    made_from = second.model("MobileNetV2-aihub-weak").glob("*.json")
    assert any(file_digest(path) in file.read_text() for file in made_from)


def test_without_settings_nothing_is_pretrained(config, records, tmp_path):
    with pytest.raises(ConfigError, match=r"classifiers\.pretraining: is needed"):
        pretrain_backbone(config, BACKBONE, records, RunFolder(tmp_path))


@pytest.mark.slow
def test_from_labels_alone_the_cells_learn_nothing(pretrained, records, tmp_path):
    run = RunFolder(tmp_path)
    path = pretrain_backbone(pretrained, BACKBONE, records, run, labels_only=True)
    assert path == run.root / "backbones" / "labels" / "MobileNetV2.npz"
    network = load_network(run.best("backbone-MobileNetV2-labels"), compiled=False)
    untrained = build_pretraining_network(BACKBONE, pretrained)
    for name, learns in (("cell_logits", False), ("subtypes", True)):
        bias = network.get_layer(name).get_weights()[1]
        assert np.any(bias != untrained.get_layer(name).get_weights()[1]) == learns
