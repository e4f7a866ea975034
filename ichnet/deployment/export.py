"""A trained model as a SavedModel that serves HU slices and loads without ichnet.

The folder is laid out as TF Serving wants it, ``<model>/<version>/``. What the graph computes is
defined in :mod:`ichnet.deployment.serving`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path
from types import MappingProxyType

import keras
import tensorflow as tf

from ichnet import __version__
from ichnet.config import Config
from ichnet.deployment.metadata import Kind, ModelMetadata, metadata_json, write_metadata
from ichnet.deployment.model_card import Figures, model_card, write_card
from ichnet.deployment.serving import ServedModel
from ichnet.deployment.warmup import write_warmup
from ichnet.files import whole_path
from ichnet.networks.channels import neighbours_of
from ichnet.statistics.scan_score import ScanCalibration

NO_FIGURES: Figures = MappingProxyType({})

ALWAYS = (0.0, 1.0)
"""The uncertain band of a model that is not calibrated: every probability lies in it."""


def export_model(
    model: keras.Model,
    name: str,
    config: Config,
    calibration: ScanCalibration,
    folder: Path,
    members: Sequence[str] = (),
    figures: Figures = NO_FIGURES,
    replace: bool = False,
) -> ModelMetadata:
    """Write a SavedModel, its ``metadata.json``, its model card and warm-up requests.

    The folder appears whole or not at all. A version may be in service, so that one which exists
    is left alone unless ``replace`` is given. What the signatures take and return is listed by
    :class:`~ichnet.deployment.serving.ServedModel`, and in ``metadata.json``.

    Args:
        model: a classifier, a segmenter or an ensemble; takes HU [batch, matrix, matrix].
        name: the model's name, e.g. ``ensemble-all``.
        config: the experiment it was trained in.
        calibration: slice scores -> scan score -> probability.
        folder: the version folder, e.g. ``export/ensemble-all/1``.
        members: an ensemble's segmenters in their order.
        figures: the model's figures by test set, for the card; none when it was not tested.
        replace: put it in the place of a version that exists.

    Returns:
        What was written as ``metadata.json``.

    Raises:
        FileExistsError: when the version exists and is not to be replaced.
    """
    _check_version(folder, replace)
    if not calibration.calibrated:
        config = changed(config, evaluation=changed(config.evaluation, uncertain=ALWAYS))
    served = ServedModel(model, config, calibration)
    metadata = _metadata_of(served, name, config, calibration, neighbours_of(model), members)
    with whole_path(folder) as temporary:
        _save(served, metadata, temporary)
        write_warmup(metadata, temporary)
        write_metadata(metadata, temporary)
        write_card(model_card(metadata, figures), temporary)
        _check_version(folder, replace)  # nobody else has written it meanwhile
    return metadata


def _metadata_of(
    served: ServedModel,
    name: str,
    config: Config,
    calibration: ScanCalibration,
    neighbours: int,
    members: Sequence[str],
) -> ModelMetadata:
    """Return the export's metadata."""
    outputs = served.slices.get_concrete_function().structured_outputs
    return ModelMetadata(
        model=name,
        kind=_kind(outputs),
        members=tuple(members),
        data_statement=config.data_statement.strip(),
        image=config.image,
        threshold=config.evaluation.threshold,
        uncertain_band=config.evaluation.uncertain,
        pixel_threshold=config.evaluation.mask_threshold,
        neighbours=neighbours,
        calibration=calibration,
        versions={
            "ichnet": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    )


def _save(served: ServedModel, metadata: ModelMetadata, folder: Path) -> None:
    """Write the SavedModel with all signatures."""
    described = served.describe(metadata_json(metadata))
    signatures = {
        "serving_default": served.slices.get_concrete_function(),
        "consecutive": served.consecutive.get_concrete_function(),
        "int16": served.int16.get_concrete_function(),
        "bytes": served.bytes.get_concrete_function(),
        "scan": served.scan.get_concrete_function(),
        "metadata": described.get_concrete_function(),
    }
    with _in_silence():
        tf.saved_model.save(served.variables, str(folder), signatures=signatures)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep TensorFlow from listing, for each signature, hundreds of weights that it renames."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(before)


def _check_version(folder: Path, replace: bool) -> None:
    if folder.exists() and not replace:
        raise FileExistsError(f"{folder}: this version exists; export a new one, or replace it")


def _kind(outputs: dict[str, tf.Tensor]) -> Kind:
    if "member_probability" in outputs:
        return "ensemble"
    return "segmenter" if "mask" in outputs else "classifier"
