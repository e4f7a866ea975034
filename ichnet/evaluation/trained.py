"""Trained models by their names, as a run folder keeps them."""

from __future__ import annotations

from pathlib import Path

import keras

from ichnet.config import SEGMENTERS, Config, Segmenter, members_of
from ichnet.evaluation.maps import TRAINING_SPLIT, Fold, cache_maps
from ichnet.files import file_digest

# the first three for the layers they register, without which Keras cannot load a network
from ichnet.networks import classifiers, inception_unet, weight_model  # noqa: F401
from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.loading import load_network
from ichnet.networks.mirrored import mirrored
from ichnet.networks.without_bone import without_bone
from ichnet.records.record_set import RecordSet
from ichnet.records.training_sets import patient_folds
from ichnet.runs import AIHUB_SCANS, RunFolder, fold_name, segmenter_name

ENSEMBLE = "ensemble-"
SEGMENTER = "segmenter-"


def load_trained(config: Config, model: str, run: RunFolder) -> keras.Model:
    """Return a trained model of HU [batch, matrix, matrix].

    A classifier or segmenter is its best epoch; an ensemble is assembled from its members' and
    its weight model's best epochs.

    Raises:
        FileNotFoundError: when the model, or a member of it, has not been trained.
    """
    if model.startswith(SEGMENTER):
        return load_segmenter(config, run, model)
    if not model.startswith(ENSEMBLE):
        return load_best(run, model)
    members: dict[str, keras.Model] = {
        name: load_segmenter(config, run, segmenter_name(name))
        for name in members_of_model(config, model)
    }
    return build_ensemble(members, load_best(run, model), config.evaluation.top_pixels)


def load_folds(config: Config, record_set: RecordSet, run: RunFolder) -> list[Fold]:
    """Return the segmenters of each fold, for out-of-fold maps; none for held-out maps.

    Raises:
        FileNotFoundError: when one of them has not been trained.
    """
    if config.ensembles.maps == "held-out":
        return []
    count = config.ensembles.folds
    return [
        Fold(
            patients,
            {
                name: load_segmenter(config, run, fold_name(segmenter_name(name), fold, count))
                for name in SEGMENTERS
            },
        )
        for fold, patients in enumerate(patient_folds(record_set, TRAINING_SPLIT, count), start=1)
    ]


def cache_maps_of_run(config: Config, record_set: RecordSet, run: RunFolder) -> Path:
    """Cache the maps of a run's segmenters of all splits but the training split.

    With out-of-fold maps, AI-Hub's training split is added.

    Returns:
        the folder of the cache.

    Raises:
        FileNotFoundError: when a segmenter has not been trained.
    """
    names = {name: segmenter_name(name) for name in SEGMENTERS}
    folder = run.maps(record_set.folder.name)
    cache_maps(
        {name: load_segmenter(config, run, model) for name, model in names.items()},
        record_set,
        [split for split in record_set.splits if split != TRAINING_SPLIT],
        folder,
        load_folds(config, record_set, run) if record_set.folder.name == AIHUB_SCANS else [],
        {name: file_digest(run.best(model)) for name, model in names.items()},
    )
    return folder


def members_of_model(config: Config, model: str) -> tuple[Segmenter, ...]:
    """Return an ensemble's segmenters in their order; none for other models."""
    return members_of(config, model.removeprefix(ENSEMBLE)) if model.startswith(ENSEMBLE) else ()


def load_segmenter(config: Config, run: RunFolder, model: str) -> keras.Model:
    """Return a segmenter's best epoch, which looks twice and draws no bone where asked to.

    See ``evaluation.mirrored`` and ``evaluation.without_bone``.
    """
    segmenter = load_best(run, model)
    if config.evaluation.mirrored:
        segmenter = mirrored(segmenter)
    return without_bone(segmenter) if config.evaluation.without_bone else segmenter


def load_best(run: RunFolder, model: str) -> keras.Model:
    """Return the best epoch of one network, e.g. an ensemble's weight model alone."""
    path = run.best(model)
    if not path.exists():
        raise FileNotFoundError(f"{path}: {model} has not been trained in this run")
    return load_network(path, compiled=False)
