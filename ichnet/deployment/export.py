"""A trained model as a SavedModel that serves HU slices and loads without ichnet.

The folder is TF Serving's ``<model>/<version>/``; what the graph answers is
:mod:`ichnet.deployment.serving`'s.
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
"""The band of a model that is not calibrated: no scan is anything but uncertain."""


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
    is left alone unless ``replace`` is given.

    The signatures, whose units ``metadata.json`` states too:

    - ``serving_default`` takes ``hu``, float32 [batch, height, width]: slices that show the
      model's field of view. At ``image.matrix`` x ``image.matrix`` pixels they enter the network
      as they are; other sizes are resized by area, and masks come back at the size of the input.
      It returns ``probability`` [batch] (before calibration) and, but for classifiers,
      ``mask_probability`` and ``mask`` [batch, height, width]; an ensemble also returns
      ``member_probability`` [batch, members] and ``weights``; a model with Model 2 in it
      ``subtype_score`` and, calibrated, ``subtype_probability`` [batch, 5], in the order EDH, IPH,
      IVH, SAH, SDH. A
      network that sees neighbouring slices sees each of these alone.
    - ``consecutive`` answers the same of consecutive slices of one scan, from feet to head, each
      seen beside its neighbours.
    - ``int16`` and ``bytes`` answer the same of ``hu`` as int16, and of ``png``, a string [batch]
      of 16-bit grey PNG that hold HU + 32768: half of the bytes, and about a fifth. Another
      kind of PNG is an error.
    - ``scan`` takes a whole scan: ``hu`` float32 [slices, height, width] on its own pixels,
      ``pixel_spacing_mm`` [2] and ``slice_spacing_mm`` [slices] (perpendicular gaps). It returns
      what ``ichnet predict`` says of it: ``score``, calibrated ``probability``, ``hemorrhage``,
      ``uncertain``, ``slice_probability`` [slices] and, but for classifiers, ``mask`` [slices,
      height, width] and ``volume_ml``; with Model 2 ``subtype_probability`` [5] and
      ``slice_subtype_probability`` [slices, 5], both calibrated. The scan passes as one batch, all
      in memory.
    - ``metadata`` takes nothing and returns the text of ``metadata.json``.

    The probability of a slice or scan with a pixel that is no number is not a number, and such a
    scan is ``uncertain``. So is every scan of a model that is not calibrated.

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
    module = ServedModel(model, config, calibration)
    slices = module.slices.get_concrete_function()
    metadata = ModelMetadata(
        model=name,
        kind=_kind(slices.structured_outputs),
        members=tuple(members),
        data_statement=config.data_statement.strip(),
        image=config.image,
        threshold=config.evaluation.threshold,
        uncertain_band=config.evaluation.uncertain,
        pixel_threshold=config.ensembles.pixel_threshold,
        neighbours=neighbours_of(model),
        calibration=calibration,
        versions={
            "ichnet": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    )
    with whole_path(folder) as temporary:
        module.metadata = module.describe(metadata_json(metadata))
        signatures = {
            "serving_default": slices,
            "consecutive": module.consecutive.get_concrete_function(),
            "int16": module.int16.get_concrete_function(),
            "bytes": module.bytes.get_concrete_function(),
            "scan": module.scan.get_concrete_function(),
            "metadata": module.metadata.get_concrete_function(),
        }
        with _in_silence():
            tf.saved_model.save(module, str(temporary), signatures=signatures)
        write_warmup(metadata, temporary)
        write_metadata(metadata, temporary)
        write_card(model_card(metadata, figures), temporary)
        _check_version(folder, replace)  # nobody else has written it meanwhile
    return metadata


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
