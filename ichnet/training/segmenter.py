"""Experiment B: the five segmenters and the pre-training of Model 2's encoder (section 2.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import Config, Segmenter, TrainingConfig, fingerprint
from ichnet.config.depends import settings_of_model
from ichnet.networks.inception_unet import (
    build_inception_unet,
    build_subtype_encoder,
    transfer_encoder,
)
from ichnet.networks.loading import load_network, weights_fingerprint
from ichnet.records.reader import slices_dataset, training_dataset
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.records.training_sets import patient_folds, training_scans
from ichnet.runs import RunFolder, fold_name, segmenter_name
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import BatchDicePlusBCE, DicePlusBCE, FocalTversky, SoftDice
from ichnet.training.validation import class_balanced_weights

RECORD_SET = "aihub-scans"
ENCODER = "encoder-subtype"
LOSSES: dict[str, type[keras.losses.Loss]] = {
    "dice": SoftDice,
    "dice+bce": DicePlusBCE,
    "focal-tversky": FocalTversky,
    "batch-dice+bce": BatchDicePlusBCE,
}


def pretrain_encoder(
    config: Config, records: Path, run: RunFolder, fold: int | None = None
) -> keras.Model:
    """Train Model 2's down-sampling path on the subtype labels of slices.

    Six sigmoids, any hemorrhage and the five subtypes (paper silent on the head). See
    :func:`train_segmenter` for the arguments.
    """
    make_strategy()
    register_modules(config.register)
    settings = config.segmenters
    folder = run.model(fold_name(ENCODER, fold, config.ensembles.folds))

    def build() -> keras.Model:
        encoder = build_subtype_encoder(
            config.image,
            settings.base_width,
            settings.depth,
            config.seed,
            settings.stem_factor,
        )
        metrics = [keras.metrics.AUC(multi_label=True, num_labels=6, name="auc")]
        return compile_model(
            encoder, settings.pretraining, keras.losses.BinaryCrossentropy(), metrics=metrics
        )

    return _fit_on_scans(config, records, folder, build, settings.pretraining, "labels", fold=fold)


def train_segmenter(
    config: Config, segmenter: Segmenter, records: Path, run: RunFolder, fold: int | None = None
) -> keras.Model:
    """Train one of Models 1 to 5 and return its best epoch.

    Args:
        config: the experiment.
        segmenter: which.
        records: folder of the record sets.
        run: where the model is kept.
        fold: train without the patients of this fold, from 1, for out-of-fold maps; ``None``:
            with all.

    Raises:
        FileNotFoundError: for ``subtype``, when its encoder (of the same fold) has not been
            pre-trained.
        ValueError: when there is no such fold.
    """
    make_strategy()
    register_modules(config.register)
    settings = config.segmenters
    name = fold_name(segmenter_name(segmenter), fold, config.ensembles.folds)
    encoder = None
    if segmenter == "subtype":
        encoder = _load_encoder(run, fold_name(ENCODER, fold, config.ensembles.folds))

    def build() -> keras.Model:
        unet = build_inception_unet(
            config.image,
            settings.base_width,
            settings.depth,
            name=name,
            seed=config.seed,
            stem_factor=settings.stem_factor,
        )
        if encoder is not None:
            transferred = transfer_encoder(encoder, unet)
            if settings.frozen_encoder:
                for layer in transferred:
                    unet.get_layer(layer).trainable = False
        return compile_model(unet, settings.training, LOSSES[settings.loss]())

    return _fit_on_scans(
        config,
        records,
        run.model(name),
        build,
        settings.training,
        "mask",
        segmenter,
        fold,
        None if encoder is None else weights_fingerprint(encoder),
    )


def _fit_on_scans(
    config: Config,
    records: Path,
    folder: Path,
    build: Any,
    training: TrainingConfig,
    target: str,
    segmenter: Segmenter = "all",
    fold: int | None = None,
    encoder: str | None = None,
) -> keras.Model:
    """Fit on the slices of the scans that the segmenter's rule admits, but for a fold's."""
    record_set = RecordSet.open(records / RECORD_SET)
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    without: frozenset[str] = frozenset()
    if fold is not None:
        without = patient_folds(record_set, "train", config.ensembles.folds)[fold - 1]
    scans = {
        split: training_scans(
            record_set, split, segmenter, config.selection.small_lesion_ml, config.seed, without
        )
        for split in ("train", "validation")
    }

    def to_pair(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        return batch["hu"], batch[target]

    def train(first_epoch: int) -> tf.data.Dataset:
        return training_dataset(
            record_set,
            "train",
            training,
            image=config.image,
            seed=config.seed,
            first_epoch=first_epoch,
            augmentation=config.augmentation,
            scans=scans["train"],
        ).map(to_pair)

    validation = slices_dataset(record_set, "validation", scans=scans["validation"])
    kinds = [
        row["ANY"]
        for row in record_set.slices
        if row["split"] == "validation" and row["scan_id"] in set(scans["validation"])
    ]
    weigh = class_balanced_weights(to_pair, kinds.count("1"), kinds.count("0"))
    return fit(
        build,
        train,
        validation.batch(training.batch_size).map(weigh),
        folder,
        training,
        {
            "settings": settings_of_model(config, folder.name),
            "encoder": encoder,
            "scans": fingerprint(scans),
            "records": record_set.fingerprint,
        },
    )


def _load_encoder(run: RunFolder, name: str) -> keras.Model:
    path = run.best(name)
    if not path.exists():
        raise FileNotFoundError(f"{path}: pre-train the encoder first (models/pretrain_encoder.py)")
    return load_network(path)
