"""A trained model as a SavedModel that serves HU slices and loads without ichnet.

The folder is TF Serving's ``<model>/<version>/``. Windows, thresholds and resizing are inside the
graph, in plain TensorFlow operations, so that Python, TF Serving and any converter see the same
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from ichnet import __version__
from ichnet.config import Config
from ichnet.ct.volume import AIR_HU
from ichnet.files import whole_path
from ichnet.inference.metadata import Kind, ModelMetadata, write_metadata
from ichnet.inference.scan_score import Calibration
from ichnet.networks.ensemble import HalfPrecision
from ichnet.networks.scores import TopPixelMean


def export_model(
    model: keras.Model,
    name: str,
    config: Config,
    calibration: Calibration,
    folder: Path,
    members: Sequence[str] = (),
) -> ModelMetadata:
    """Write a SavedModel and its ``metadata.json``; replaces what the folder held, whole.

    The signature ``serving_default`` takes ``hu``, float32 [batch, height, width]: slices that
    show the model's field of view. At ``image.matrix`` x ``image.matrix`` pixels they enter the
    network as they are; other sizes are resized by area, and masks come back at the size of the
    input. It returns ``probability`` [batch] (before calibration) and, but for classifiers,
    ``mask_probability`` and ``mask`` [batch, height, width]; an ensemble also returns
    ``member_probability`` [batch, members] and ``weights``.

    Args:
        model: a classifier, a segmenter or an ensemble; takes HU [batch, matrix, matrix].
        name: the model's name, e.g. ``ensemble-all``.
        config: the experiment it was trained in.
        calibration: scan score -> probability.
        folder: the version folder, e.g. ``export/ensemble-all/1``.
        members: an ensemble's segmenters in their order.

    Returns:
        What was written as ``metadata.json``.
    """
    module = served_module(model, config)
    signature = module.serve.get_concrete_function()
    metadata = ModelMetadata(
        model=name,
        kind=_kind(signature.structured_outputs),
        members=tuple(members),
        data_statement=config.data_statement.strip(),
        image=config.image,
        threshold=config.evaluation.threshold,
        abstain=config.evaluation.difficult,
        pixel_threshold=config.ensembles.pixel_threshold,
        calibration=calibration,
        versions={
            "ichnet": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    )
    with whole_path(folder) as temporary:
        tf.saved_model.save(module, str(temporary), signatures={"serving_default": signature})
        write_metadata(metadata, temporary)
    return metadata


def served_module(model: keras.Model, config: Config) -> tf.Module:
    """Return the graph around a network as ``module.serve``: any size in, that size out.

    The module holds the network's variables rather than the network: what is saved is then the
    graph alone, which loads without the classes it was built from.
    """
    matrix = config.image.matrix
    slice_score = TopPixelMean(config.evaluation.top_pixels)

    def serve(hu: tf.Tensor) -> dict[str, tf.Tensor]:
        # padding far below air would darken its neighbours when the slice is resized
        image = resize_by_area(tf.maximum(hu, float(AIR_HU)), matrix, matrix)
        outputs = model(tf.ensure_shape(image, [None, matrix, matrix]), training=False)
        if not isinstance(outputs, dict):
            segmentation = HalfPrecision()(outputs)
            outputs = {"map": segmentation, "probability": slice_score(segmentation)}
        probability = tf.reshape(outputs["probability"], [-1])
        # weights that sum to one but for rounding can bring a mean of ones just above one
        result = {"probability": tf.clip_by_value(probability, 0.0, 1.0)}
        if "map" in outputs:
            size = tf.shape(hu)[1:]
            mask_probability = tf.image.resize(outputs["map"][..., None], size)[..., 0]
            result["mask_probability"] = mask_probability
            result["mask"] = tf.cast(mask_probability > config.ensembles.pixel_threshold, tf.uint8)
        for name in ("member_probability", "weights"):
            if name in outputs:
                result[name] = tf.identity(outputs[name])
        return result

    module = tf.Module(name="ichnet")
    module.network_variables = [_tf_variable(variable) for variable in model.variables]
    module.serve = tf.function(
        serve,
        input_signature=[tf.TensorSpec([None, None, None], tf.float32, name="hu")],
        autograph=False,
    )
    return module


def resize_by_area(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resize [batch, any, any] to [batch, height, width], each new pixel the mean under it.

    As two matrix products, which every runtime has; at equal size they change nothing.
    """
    rows = _area_weights(height, tf.shape(images)[1])
    columns = _area_weights(width, tf.shape(images)[2])
    return tf.einsum("hr,brc,wc->bhw", rows, images, columns)


def _area_weights(new: int, old: tf.Tensor) -> tf.Tensor:
    """Return float32 [new, old]: the share of each new pixel over each old one."""
    edges = tf.cast(tf.range(new + 1) * old, tf.float32) / float(new)
    pixels = tf.cast(tf.range(old), tf.float32)
    overlap = tf.minimum(edges[1:, None], pixels + 1) - tf.maximum(edges[:-1, None], pixels)
    overlap = tf.maximum(overlap, 0.0)
    return overlap / tf.reduce_sum(overlap, axis=1, keepdims=True)


def _kind(outputs: dict[str, tf.Tensor]) -> Kind:
    if "member_probability" in outputs:
        return "ensemble"
    return "segmenter" if "mask" in outputs else "classifier"


def _tf_variable(variable: object) -> tf.Variable:
    """Return the TensorFlow variable inside a Keras 3 variable; in Keras 2 they are the same."""
    return variable if isinstance(variable, tf.Variable) else getattr(variable, "value")  # noqa: B009
