"""Segmenters and Model 2's encoder before training, with random, stored or embedded weights.

Stored weights are files of a folder, embedded ones those of the model in the package. Both were
learned from thousands of synthetic heads: training that starts there needs few scans and few steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import SEGMENTERS, Config, ConfigError, Segmenter
from ichnet.deployment.embedded import WEIGHTS_DIR, embedded_model_dir
from ichnet.deployment.metadata import ModelMetadata, model_fingerprint, read_metadata
from ichnet.files import file_digest
from ichnet.networks.inception_unet import build_inception_unet, build_subtype_encoder
from ichnet.networks.loading import load_network
from ichnet.networks.stored_weights import load_weights, save_weights
from ichnet.runs import RunFolder, segmenter_name

VARIABLE = "network_variables/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Key of a network variable, by its number, in the checkpoint of an exported model."""


def new_encoder(config: Config) -> keras.Model:
    """Return Model 2's encoder with its initial weights; see :func:`new_segmenter`."""
    settings = config.segmenters
    encoder = build_subtype_encoder(
        config.image,
        settings.base_width,
        settings.depth,
        config.seed,
        settings.stem_factor,
        settings.neighbours,
    )
    if settings.weights is not None:
        whole = new_segmenter(config, "subtype", "subtype")
        for layer in encoder.layers:
            if layer.weights:
                layer.set_weights(whole.get_layer(layer.name).get_weights())
    return encoder


def new_segmenter(config: Config, segmenter: Segmenter, name: str) -> keras.Model:
    """Return one of Models 1 to 5 with its initial weights.

    Args:
        config: the experiment; ``segmenters.weights`` chooses the weights.
        segmenter: ``all``, ``subtype``, ``sdh``, ``sah`` or ``small``.
        name: name of the network.

    Raises:
        ConfigError: when weights of the embedded model are configured, but architecture or input of
            the experiment's networks differ from its own; the message names the setting.
        StoredWeightsError: when the file of stored weights is of another architecture.
        FileNotFoundError: when there is no such file.
    """
    network = _untrained(config, segmenter, name)
    stored = config.segmenters.stored_weights(segmenter)
    if stored is not None:
        load_weights(stored, network.layers)
    elif config.segmenters.weights == "embedded":
        network.set_weights(embedded_weights(config, segmenter))
    return network


def embedded_weights(
    config: Config, segmenter: Segmenter, weights_dir: Path = WEIGHTS_DIR
) -> list[NDArray[np.float32]]:
    """Return the weights of one of the embedded model's segmenters, for ``set_weights``.

    They can be used at any matrix, but were learned at a pixel size of 1.2 mm.

    Raises:
        ConfigError: see :func:`new_segmenter`.
    """
    folder = embedded_model_dir(weights_dir)
    metadata = read_metadata(folder)
    _check_input(config, metadata)
    checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    shapes = checkpoint.get_variable_to_shape_map()
    for member, names, wanted in _members(config, metadata):
        if [shapes.get(name) for name in names] != wanted:
            raise ConfigError(
                "segmenters.weights: the embedded model's segmenters have another stem_factor, "
                "base_width or depth (models/embedded.yaml holds them)"
            )
        if member == segmenter:
            return [checkpoint.get_tensor(name) for name in names]
    raise ConfigError(f"segmenters.weights: the embedded model has no segmenter {segmenter!r}")


def save_segmenters(run: RunFolder, folder: Path) -> None:
    """Write the weights of a run's five segmenters, for other trainings to begin with.

    Args:
        run: in which all five have been trained.
        folder: gets ``segmenter-<name>.npz`` for each.

    Raises:
        FileNotFoundError: when a segmenter has not been trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for segmenter in SEGMENTERS:
        name = segmenter_name(segmenter)
        network = load_network(run.best(name), compiled=False)
        save_weights(network.layers, folder / f"{name}.npz")


def first_weights_digest(config: Config, segmenter: Segmenter) -> str | None:
    """Return a digest of the weights that a segmenter begins with; ``None`` for random ones."""
    stored = config.segmenters.stored_weights(segmenter)
    if stored is not None:
        return file_digest(stored)
    if config.segmenters.weights is None:
        return None
    return model_fingerprint(embedded_model_dir())


def _untrained(config: Config, segmenter: Segmenter, name: str) -> keras.Model:
    settings = config.segmenters
    return build_inception_unet(
        config.image,
        settings.base_width,
        settings.depth,
        name,
        config.seed,
        settings.stem_factor,
        settings.neighbours,
        with_subtypes=segmenter == "subtype",
    )


def _members(
    config: Config, metadata: ModelMetadata
) -> Iterator[tuple[str, list[str], list[list[int]]]]:
    """Yield each member's name, and the names and shapes of its variables in the checkpoint.

    An exported ensemble holds the variables of its members one member after another.
    """
    kinds: tuple[Segmenter, ...] = ("all", "subtype")  # the others are of the first one's shape
    shapes = {
        kind: [list(weight.shape) for weight in _untrained(config, kind, kind).get_weights()]
        for kind in kinds
    }
    first = 0
    for member in metadata.members:
        wanted = shapes["subtype" if member == "subtype" else "all"]
        yield member, [VARIABLE.format(first + index) for index in range(len(wanted))], wanted
        first += len(wanted)


def _check_input(config: Config, embedded: ModelMetadata) -> None:
    """Refuse an experiment whose networks have other inputs than those of the embedded model."""
    if config.segmenters.neighbours != embedded.neighbours:
        raise ConfigError(
            f"segmenters.neighbours: must be {embedded.neighbours}, as in the embedded model, "
            "whose weights are wanted"
        )
    if config.image.windows != embedded.image.windows:
        raise ConfigError(
            "image.windows: must be those of the embedded model (models/embedded.yaml), whose "
            "weights are wanted"
        )
