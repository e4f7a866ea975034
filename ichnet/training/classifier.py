"""Experiment A: one backbone in one arm (paper section 1.4).

The arms differ only in their records and in their loss: the network, its initial weights, the order
of the slices and their augmentation follow from the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import Arm, Backbone, Config, TrainingConfig
from ichnet.config.depends import settings_of_model
from ichnet.files import file_digest
from ichnet.networks.classifiers import HEAD_LAYERS, build_classifier
from ichnet.records.mapping import mapped
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.runs import ARM_RECORDS, RunFolder, classifier_name
from ichnet.training.batches import training_batches
from ichnet.training.compiling import compile_model, named_object, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import SaliencyLoss
from ichnet.training.overlays import SaliencyOverlays, fixed_slices

STRONG: Arm = "aihub-strong"


def train_classifier(
    config: Config, backbone: Backbone, arm: Arm, records: Path, run: RunFolder
) -> keras.Model:
    """Train one of the twelve classifiers and return its best epoch.

    Args:
        config: the experiment.
        backbone: one of the four Keras Applications networks.
        arm: ``rsna-weak``, ``aihub-weak`` or ``aihub-strong``.
        records: folder of the record sets.
        run: run folder that the model is written to.

    Raises:
        PatientOverlapError: when splits of the record set share a patient.
    """
    make_strategy()
    register_modules(config.register)
    record_set = RecordSet.open(records / ARM_RECORDS[arm])
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    settings = config.classifiers.of(backbone)
    config = replace(config, classifiers=settings)
    name = classifier_name(backbone, arm)
    of_arm = (config, backbone, arm, record_set)

    def build(frozen: bool = False) -> keras.Model:
        model = build_classifier(backbone, config.image, settings.weights_of(backbone), config.seed)
        if frozen:
            freeze_body(model)
        return compile_classifier(model, config, strong=arm == STRONG)

    if settings.frozen_epochs == 0:
        return _fit(*of_arm, run.model(name), settings.training, build)
    head = _fit(
        *of_arm,
        run.model(f"{name}-head"),
        replace(settings.training, epochs=settings.frozen_epochs),
        lambda: build(frozen=True),
    )

    def build_on_head() -> keras.Model:
        model = build()
        model.set_weights(head.get_weights())
        return model

    return _fit(*of_arm, run.model(name), settings.training, build_on_head)


def _fit(
    config: Config,
    backbone: Backbone,
    arm: Arm,
    record_set: RecordSet,
    folder: Path,
    training: TrainingConfig,
    build: Callable[[], keras.Model],
) -> keras.Model:
    """Train the model that ``build`` returns on the slices of an arm."""
    settings = config.classifiers
    validation = slices_dataset(record_set, "validation").batch(training.batch_size)
    begins_with = settings.weights_of(backbone)
    targets: Callable[[dict[str, tf.Tensor]], Any] = classifier_targets
    if arm == STRONG and settings.outlined_share < 1:
        targets = partial(partly_outlined, share=settings.outlined_share)
    return fit(
        build,
        training_batches(config, record_set, training, targets),
        mapped(validation, classifier_targets),
        folder,
        training,
        {
            "settings": settings_of_model(config, classifier_name(backbone, arm)),
            "arm": arm,
            "head_only": training != settings.training,
            "records": record_set.fingerprint,
            **({"weights": file_digest(begins_with)} if isinstance(begins_with, Path) else {}),
        },
        lambda folder: [SaliencyOverlays(folder, *fixed_slices(validation))],
    )


def freeze_body(model: keras.Model) -> None:
    """Freeze all layers but the head; batch normalisation then uses its running statistics."""
    for layer in model.layers:
        layer.trainable = layer.name in HEAD_LAYERS


def compile_classifier(model: keras.Model, config: Config, strong: bool) -> keras.Model:
    """Compile a classifier with the classification loss, and the saliency loss if ``strong``."""
    settings = config.classifiers
    loss: dict[str, Any] = {
        "probability": named_object("losses", settings.loss, "classifiers.loss")
    }
    loss_weights = None
    if strong:
        loss["saliency"] = SaliencyLoss(settings.saliency_loss)
        loss_weights = {"probability": 1.0, "saliency": settings.saliency_weight}
    more = [named_object("metrics", one, "classifiers.metrics") for one in settings.metrics]
    metrics = {"probability": [keras.metrics.AUC(name="auc"), *more]}
    return compile_model(model, settings.training, loss, loss_weights, metrics)


def classifier_targets(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return the input ``hu`` [batch, m, m] and the targets of both outputs."""
    return batch["hu"], {"probability": batch["labels"][:, :1], "saliency": batch["mask"]}


def partly_outlined(batch: dict[str, tf.Tensor], share: float) -> Any:
    """Return inputs, targets and weights for a training of which only a share has outlines.

    The saliency loss of a slice with hemorrhage outside that share has the weight zero. A slice
    without hemorrhage needs nobody to outline it.
    """
    hu, targets = classifier_targets(batch)
    seen = (batch["outline_draw"] < share) | (batch["labels"][:, 0] == 0)
    weights = {"probability": tf.ones(tf.shape(hu)[:1]), "saliency": tf.cast(seen, tf.float32)}
    return hu, targets, weights
