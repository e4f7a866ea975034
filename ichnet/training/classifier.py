"""Experiment A: one backbone in one arm (paper section 1.4).

The arms differ in their records and in their loss, in nothing else: the network, its initial
weights, the order of the slices and their augmentation follow from the same seed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import Arm, Backbone, Config, fingerprint
from ichnet.networks.classifiers import build_classifier
from ichnet.records.reader import slices_dataset, training_dataset
from ichnet.records.record_set import RecordSet
from ichnet.runs import ARM_RECORDS, RunFolder, classifier_name
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import SaliencyLoss


def train_classifier(
    config: Config, backbone: Backbone, arm: Arm, records: Path, run: RunFolder
) -> keras.Model:
    """Train one of the twelve classifiers and return its best epoch.

    Args:
        config: the experiment.
        backbone: one of the four Keras Applications networks.
        arm: ``rsna-weak``, ``aihub-weak`` or ``aihub-strong``.
        records: folder of the record sets.
        run: where the model is kept.
    """
    make_strategy()
    register_modules(config.register)
    record_set = RecordSet.open(records / ARM_RECORDS[arm])
    settings = config.classifiers

    def build() -> keras.Model:
        model = build_classifier(backbone, config.image, settings.weights, config.seed)
        return compile_classifier(model, config, strong=arm == "aihub-strong")

    def train(first_epoch: int) -> tf.data.Dataset:
        return training_dataset(
            record_set,
            "train",
            settings.training,
            image=config.image,
            seed=config.seed,
            first_epoch=first_epoch,
            augmentation=config.augmentation,
        ).map(classifier_targets)

    validation = slices_dataset(record_set, "validation").batch(settings.training.batch_size)
    return fit(
        build,
        train,
        validation.map(classifier_targets),
        run.model(classifier_name(backbone, arm)),
        settings.training,
        fingerprint(
            [
                config.seed,
                config.image,
                config.augmentation,
                replace(settings, backbones=(), arms=()),  # which others are trained
                arm,
                record_set.fingerprint,
            ]
        ),
    )


def compile_classifier(model: keras.Model, config: Config, strong: bool) -> keras.Model:
    """Compile a classifier with the classification loss alone or with the saliency loss too."""
    settings = config.classifiers
    loss: dict[str, Any] = {"probability": keras.losses.BinaryCrossentropy()}
    loss_weights = None
    if strong:
        loss["saliency"] = SaliencyLoss(settings.saliency_loss)
        loss_weights = {"probability": 1.0, "saliency": settings.saliency_weight}
    metrics = {"probability": [keras.metrics.AUC(name="auc")]}
    return compile_model(model, settings.training, loss, loss_weights, metrics)


def classifier_targets(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return ``hu`` [batch, m, m] and the targets of both outputs."""
    return batch["hu"], {"probability": batch["labels"][:, :1], "saliency": batch["mask"]}
