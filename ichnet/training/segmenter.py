"""Experiment B: the five segmenters and the pre-training of Model 2's encoder (section 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import SPECIALISTS, Config, Segmenter, TrainingConfig, fingerprint
from ichnet.config.depends import settings_of_model
from ichnet.networks.inception_unet import transfer_encoder
from ichnet.networks.loading import load_network, weights_fingerprint
from ichnet.records.mapping import mapped
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.records.training_sets import patient_folds, training_scans
from ichnet.runs import AIHUB_SCANS, ENCODER, RunFolder, fold_name, segmenter_name
from ichnet.training.batches import training_batches
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import BatchDicePlusBCE, DicePlusBCE, FocalTversky, SoftDice
from ichnet.training.segmenter_networks import first_weights_digest, new_encoder, new_segmenter
from ichnet.training.validation import class_balanced_weights

LOSSES: dict[str, type[keras.losses.Loss]] = {
    "dice": SoftDice,
    "dice+bce": DicePlusBCE,
    "focal-tversky": FocalTversky,
    "batch-dice+bce": BatchDicePlusBCE,
}

SUBTYPE_LOSS_WEIGHT = 0.5
"""Weight of the cross-entropy of subtype scores relative to the loss of Model 2's map."""


def pretrain_encoder(
    config: Config, records: Path, run: RunFolder, fold: int | None = None
) -> keras.Model:
    """Pre-train the encoder of Model 2 on the subtype labels of slices.

    The head has six sigmoid outputs: any hemorrhage and the five subtypes (paper silent on the
    head). For the arguments see :func:`train_segmenter`.
    """
    make_strategy()
    register_modules(config.register)
    training = config.segmenters.pretraining
    folder = run.model(fold_name(ENCODER, fold, config.ensembles.folds))

    def build() -> keras.Model:
        metrics = [keras.metrics.AUC(multi_label=True, num_labels=6, name="auc")]
        loss = keras.losses.BinaryCrossentropy()
        return compile_model(new_encoder(config), training, loss, metrics=metrics)

    return _fit_on_scans(
        config, records, folder, build, training, lambda batch: batch["labels"], "subtype", fold
    )


def train_segmenter(
    config: Config, segmenter: Segmenter, records: Path, run: RunFolder, fold: int | None = None
) -> keras.Model:
    """Train one of Models 1 to 5 and return its best epoch.

    Model 2 keeps the head of its pre-trained encoder and is trained for both outputs, the map and
    the subtype scores.

    Args:
        config: the experiment.
        segmenter: ``all``, ``subtype``, ``sdh``, ``sah`` or ``small``.
        records: folder of the record sets.
        run: run folder that the model is written to.
        fold: leave out the patients of this fold, counted from 1, for out-of-fold maps; ``None`` to
            train on all patients.

    Raises:
        FileNotFoundError: when the model that it starts from (of the same fold) has not been
            trained: the encoder for ``subtype``, Model 1 for specialists that start from it.
        ValueError: when there is no such fold.
    """
    make_strategy()
    register_modules(config.register)
    settings = config.segmenters
    training = settings.training_of(segmenter)
    folder = run.model(fold_name(segmenter_name(segmenter), fold, config.ensembles.folds))
    begun_from = _starting_network(config, segmenter, run, fold)

    def build() -> keras.Model:
        unet = new_segmenter(config, segmenter, folder.name)
        if segmenter == "subtype" and begun_from is not None:
            transfer_encoder(begun_from, unet)
        elif begun_from is not None:
            unet.set_weights(begun_from.get_weights())
        return compile_segmenter(unet, config, training)

    def target(batch: dict[str, tf.Tensor]) -> Any:
        if segmenter != "subtype":
            return batch["mask"]
        return {"map": batch["mask"], "subtype_score": batch["labels"]}

    return _fit_on_scans(
        config, records, folder, build, training, target, segmenter, fold, begun_from
    )


def compile_segmenter(
    segmenter: keras.Model, config: Config, training: TrainingConfig
) -> keras.Model:
    """Compile a segmenter, with or without the output of subtype scores, and return it."""
    loss = LOSSES[config.segmenters.loss]()
    if not isinstance(segmenter.output, dict):
        return compile_model(segmenter, training, loss)
    losses = {"map": loss, "subtype_score": keras.losses.BinaryCrossentropy()}
    weights = {"map": 1.0, "subtype_score": SUBTYPE_LOSS_WEIGHT}
    return compile_model(segmenter, training, losses, weights)


def _starting_network(
    config: Config, segmenter: Segmenter, run: RunFolder, fold: int | None
) -> keras.Model | None:
    """Return the trained network whose weights a segmenter starts from; ``None`` without one."""
    if segmenter == "subtype":
        name, script = ENCODER, "models/pretrain_encoder.py"
    elif segmenter in SPECIALISTS and config.segmenters.specialist_training is not None:
        name, script = segmenter_name("all"), "models/train_segmenter.py"
    else:
        return None
    path = run.best(fold_name(name, fold, config.ensembles.folds))
    if not path.exists():
        raise FileNotFoundError(f"{path}: train it first ({script}), {segmenter} starts from it")
    return load_network(path, compiled=False)


def _fit_on_scans(
    config: Config,
    records: Path,
    folder: Path,
    build: Callable[[], keras.Model],
    training: TrainingConfig,
    target: Callable[[dict[str, tf.Tensor]], Any],
    segmenter: Segmenter,
    fold: int | None,
    begun_from: keras.Model | None = None,
) -> keras.Model:
    """Train on the slices of the segmenter's scans, without those of a fold."""
    record_set = RecordSet.open(records / AIHUB_SCANS)
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    neighbours = config.segmenters.neighbours
    without: frozenset[str] = frozenset()
    if fold is not None:
        without = patient_folds(record_set, "train", config.ensembles.folds)[fold - 1]
    scans = {
        split: training_scans(
            record_set, split, segmenter, config.selection.small_lesion_ml, config.seed, without
        )
        for split in ("train", "validation")
    }

    def to_pair(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, Any]:
        return batch["hu"], target(batch)

    validation = slices_dataset(record_set, "validation", scans["validation"], neighbours)
    kinds = [
        row["ANY"]
        for row in record_set.slices
        if row["split"] == "validation" and row["scan_id"] in set(scans["validation"])
    ]
    first_weights = first_weights_digest(config, segmenter)
    weigh = class_balanced_weights(to_pair, kinds.count("1"), kinds.count("0"))
    return fit(
        build,
        training_batches(config, record_set, training, to_pair, scans["train"], neighbours),
        mapped(validation.batch(training.batch_size), weigh),
        folder,
        training,
        {
            "settings": settings_of_model(config, folder.name),
            "begun_from": None if begun_from is None else weights_fingerprint(begun_from),
            "scans": fingerprint(scans),
            "records": record_set.fingerprint,
            **({} if first_weights is None else {"first_weights": first_weights}),
        },
    )
