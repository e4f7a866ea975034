"""Pre-training of a classifier's backbone on whole scans, to begin experiment A with.

A network of this size learns to see blood from thousands of scans, not from the few hundred slices
of an arm of experiment A, and the paper's starts from ImageNet. Where ImageNet's weights cannot be
had, these take their place: learned from synthetic heads, from the labels of slices and from where
blood lies in each cell of the last feature map. All arms of a backbone begin with the same ones.
Those that are to tell what outlines teach begin with weights that were learned without any.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from ichnet.config import Backbone, Config, ConfigError
from ichnet.config.depends import settings_of_model
from ichnet.networks.classifiers import FEATURE_LAYERS, build_classifier
from ichnet.networks.stored_weights import save_weights
from ichnet.records.mapping import mapped
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.runs import AIHUB_SCANS, RunFolder
from ichnet.training.batches import training_batches
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import CellEntropy

CELL_LOSS_WEIGHT = 2.0
"""Weight of the cells' cross-entropy relative to that of the subtypes."""

HEADS = ("cells", "subtypes", "pooled", "cell_logits")
"""Layers of the pre-training network that are not the backbone's."""


def pretrain_backbone(
    config: Config, backbone: Backbone, records: Path, run: RunFolder, labels_only: bool = False
) -> Path:
    """Pre-train a backbone and return the file of its weights, ``<backbone>.npz``.

    Args:
        config: the experiment; ``classifiers.pretraining`` holds the training.
        backbone: one of the four Keras Applications networks.
        records: folder of the record sets; the whole scans of AI-Hub are used.
        run: where the model is kept; the file lies in its folder ``backbones``.
        labels_only: whether to learn without outlines; the file then lies in
            ``backbones/labels``.

    Raises:
        ConfigError: without ``classifiers.pretraining``.
        PatientOverlapError: when splits of the record set share a patient.
    """
    training = config.classifiers.pretraining
    if training is None:
        raise ConfigError("classifiers.pretraining: is needed to pre-train a backbone")
    make_strategy()
    register_modules(config.register)
    record_set = RecordSet.open(records / AIHUB_SCANS)
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    name = f"backbone-{backbone}"
    cell_weight = 0.0 if labels_only else CELL_LOSS_WEIGHT

    def build() -> keras.Model:
        pixel_mm = config.image.field_of_view_mm / config.image.matrix
        losses = {
            "cells": CellEntropy(pixel_area_mm2=pixel_mm**2),
            "subtypes": keras.losses.BinaryCrossentropy(),
        }
        metrics = {"subtypes": keras.metrics.AUC(multi_label=True, num_labels=6, name="auc")}
        network = build_pretraining_network(backbone, config)
        weights = {"cells": cell_weight, "subtypes": 1.0}
        return compile_model(network, training, losses, weights, metrics)

    validation = slices_dataset(record_set, "validation").batch(training.batch_size)
    best = fit(
        build,
        training_batches(config, record_set, training, pretraining_targets),
        mapped(validation, pretraining_targets),
        run.model(f"{name}-labels" if labels_only else name),
        training,
        {"settings": settings_of_model(config, name), "records": record_set.fingerprint},
    )
    path = run.backbone(backbone, labels_only)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights((layer for layer in best.layers if layer.name not in HEADS), path)
    return path


def build_pretraining_network(backbone: Backbone, config: Config) -> keras.Model:
    """Return a backbone with two heads: logits of its cells [batch, h, w], subtypes [batch, 6].

    ``subtypes`` are probabilities of any hemorrhage and of the five subtypes.
    """
    classifier = build_classifier(backbone, config.image, None, config.seed)
    features = classifier.get_layer(FEATURE_LAYERS[backbone]).output
    logits = keras.layers.Dense(1, dtype="float32", name="cell_logits")(features)
    cells = keras.layers.Reshape(logits.shape[1:3], dtype="float32", name="cells")(logits)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pooled")(features)
    subtypes = keras.layers.Dense(6, "sigmoid", dtype="float32", name="subtypes")(pooled)
    return keras.Model(classifier.input, {"cells": cells, "subtypes": subtypes}, name=backbone)


def pretraining_targets(
    batch: dict[str, tf.Tensor],
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return ``hu`` [batch, m, m] and the targets of both outputs."""
    return batch["hu"], {"cells": batch["mask"], "subtypes": batch["labels"]}
