"""The graph around a network: a SavedModel's signatures, in plain TensorFlow operations.

Windows, resampling, thresholds, calibration and volumes are inside, so that Python, TF Serving and
any converter see the same numbers, and no client needs to know how a slice is prepared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import Config
from ichnet.ct.volume import AIR_HU
from ichnet.deployment.graph_calibration import (
    UNKNOWN,
    calibrate,
    scan_subtypes,
    subtype_probabilities,
)
from ichnet.deployment.graph_pooling import pool_slices
from ichnet.deployment.graph_resample import from_matrix, resize_by_area, to_matrix
from ichnet.deployment.metadata import PNG_OFFSET
from ichnet.networks.channels import neighbours_of
from ichnet.networks.neighbours import with_neighbours, without_neighbours
from ichnet.networks.scores import TopPixelMean, head_times_map, map_and_subtypes
from ichnet.statistics.scan_score import ScanCalibration

SignatureOutputs = dict[str, tf.Tensor]
"""What a signature of the SavedModel returns: tensors by name, see :class:`ServedModel`."""

PNG_16_BIT_GREY = b"\x10\x00"
"""Bit depth and colour type, bytes 24 and 25 of a 16-bit grey PNG file."""


class ServedModel:
    """A network behind five signatures; each is a ``tf.function``.

    Attributes:
        variables: what is saved with the signatures: the network's variables alone. The graph then
            loads without the classes it was built from, and no function is saved twice.
        slices: signature ``serving_default``. Takes ``hu``, float32 [batch, height, width]: slices
            that show the model's field of view. At ``image.matrix`` x ``image.matrix`` pixels they
            enter the network as they are; other sizes are resized by area, and masks come back at
            the size of the input. Returns ``probability`` [batch] (before calibration) and, except
            for classifiers, ``mask_probability`` and ``mask`` [batch, height, width]. An ensemble
            also returns ``member_probability`` [batch, members] and ``weights``. A model that
            contains Model 2 returns ``subtype_score``, its head times ``probability``, and,
            calibrated, ``subtype_probability``, [batch, 5], in the order EDH, IPH, IVH, SAH, SDH. A
            network that takes neighbouring slices as input gets each slice in place of its
            neighbours too.
        consecutive: takes and returns the same, but the slices are consecutive slices of one scan,
            from feet to head, and each enters the network with its true neighbours.
        int16: as ``slices``, but ``hu`` is int16, half of the bytes of float32.
        bytes: as ``slices``, but takes ``png``, string [batch]: 16-bit grey PNG files that hold
            HU + 32768, about a fifth of the bytes. Another kind of PNG is an error.
        scan: takes a whole scan: ``hu`` float32 [slices, height, width] on its own pixels,
            ``pixel_spacing_mm`` [2] and ``slice_spacing_mm`` [slices] (the gaps perpendicular to
            the slices). Returns what ``ichnet predict`` reports of a scan: ``score``, calibrated
            ``probability``, ``hemorrhage``, ``uncertain``, ``slice_probability`` [slices] and,
            except for classifiers, ``mask`` [slices, height, width] and ``volume_ml``; with Model 2
            also ``subtype_probability`` [5] and ``slice_subtype_probability`` [slices, 5], both
            calibrated. All slices are one batch, held in memory at once.

    The probability of a slice or scan with a pixel that is not a finite number is NaN, and such a
    scan is ``uncertain``. So is every scan of a model that is not calibrated.

    Args:
        model: a classifier, a segmenter or an ensemble; takes HU, see ``hu_input``.
        config: the experiment it was trained in.
        calibration: slice scores -> scan score -> probability.
    """

    def __init__(self, model: keras.Model, config: Config, calibration: ScanCalibration) -> None:
        self.variables = tf.Module(name="ichnet")
        self.variables.network_variables = [_tf_variable(one) for one in model.variables]
        self._image, self._evaluation = config.image, config.evaluation
        self._calibration = calibration
        self._neighbours = neighbours_of(model)
        matrix = config.image.matrix
        # a function of its own, so that its graph is saved once and not for each signature
        self._network = _function(
            _Network(model, TopPixelMean(config.evaluation.top_pixels)),
            hu=tf.TensorSpec([None, matrix, matrix, *model.inputs[0].shape[3:]], tf.float32),
        )
        slices = [None, None, None]
        self.slices = _function(self._slices, hu=tf.TensorSpec(slices, tf.float32))
        self.consecutive = _function(self._consecutive, hu=tf.TensorSpec(slices, tf.float32))
        self.int16 = _function(self._int16, hu=tf.TensorSpec(slices, tf.int16))
        self.bytes = _function(self._bytes, png=tf.TensorSpec([None], tf.string))
        self.scan = _function(
            self._scan,
            hu=tf.TensorSpec(slices, tf.float32),
            pixel_spacing_mm=tf.TensorSpec([2], tf.float32),
            slice_spacing_mm=tf.TensorSpec([None], tf.float32),
        )

    def _slices(self, hu: tf.Tensor) -> SignatureOutputs:
        return self._answer(hu, without_neighbours)

    def _consecutive(self, hu: tf.Tensor) -> SignatureOutputs:
        return self._answer(hu, with_neighbours)

    def _int16(self, hu: tf.Tensor) -> SignatureOutputs:
        return self._slices(tf.cast(hu, tf.float32))

    def _bytes(self, png: tf.Tensor) -> SignatureOutputs:
        spec = tf.TensorSpec([None, None], tf.uint16)
        codes = tf.map_fn(_decode, png, fn_output_signature=spec)
        return self._slices(tf.cast(codes, tf.float32) - PNG_OFFSET)

    def _answer(
        self, hu: tf.Tensor, beside: Callable[[tf.Tensor, int], tf.Tensor]
    ) -> SignatureOutputs:
        """Return what is said of slices, each seen with what ``beside`` puts beside it."""
        matrix, known = self._image.matrix, _known(hu)
        seen = resize_by_area(_without_padding(hu), matrix, matrix)
        outputs = self._network(beside(seen, self._neighbours))
        outputs["probability"] = tf.where(known, outputs["probability"], UNKNOWN)
        if "map" in outputs:
            maps = tf.image.resize(outputs.pop("map")[..., None], tf.shape(hu)[1:])[..., 0]
            outputs["mask_probability"] = maps
            outputs["mask"] = tf.cast(maps > self._evaluation.mask_threshold, tf.uint8)
        if "subtype_score" in outputs:
            scores = outputs["subtype_score"]
            found = subtype_probabilities(self._calibration, scores)
            outputs["subtype_score"] = tf.where(known[:, None], scores, UNKNOWN)
            outputs["subtype_probability"] = tf.where(known[:, None], found, UNKNOWN)
        return outputs

    def _scan(
        self, hu: tf.Tensor, pixel_spacing_mm: tf.Tensor, slice_spacing_mm: tf.Tensor
    ) -> SignatureOutputs:
        seen = to_matrix(
            _without_padding(hu),
            pixel_spacing_mm,
            self._image.matrix,
            self._image.field_of_view_mm,
        )
        # whole HU, as records hold them
        outputs = self._network(with_neighbours(tf.round(seen), self._neighbours))
        slices_known = _known(hu)
        known = tf.reduce_all(slices_known) & (tf.shape(hu)[0] > 0)
        known &= tf.reduce_all(pixel_spacing_mm > 0) & tf.reduce_all(slice_spacing_mm > 0)
        result = self._decision(outputs["probability"], slice_spacing_mm, known)
        result["slice_probability"] = tf.where(slices_known, outputs["probability"], UNKNOWN)
        if "map" in outputs:
            result |= self._mask(outputs["map"], hu, pixel_spacing_mm, slice_spacing_mm)
        if "member_probability" in outputs:
            result["member_probability"] = outputs["member_probability"]
        if "subtype_score" in outputs:
            of_scan, of_slices = scan_subtypes(
                self._calibration, outputs["subtype_score"], slice_spacing_mm
            )
            result["subtype_probability"] = tf.where(known, of_scan, UNKNOWN)
            of_slices = tf.where(slices_known[:, None], of_slices, UNKNOWN)
            result["slice_subtype_probability"] = of_slices
        return result

    def _decision(
        self, slice_scores: tf.Tensor, slice_spacing_mm: tf.Tensor, known: tf.Tensor
    ) -> SignatureOutputs:
        """Return a scan's score, probability and decision; NaN and uncertain unless ``known``."""
        score = pool_slices(self._calibration.pooling, slice_scores, slice_spacing_mm)
        score = tf.where(known, score, 0.0)
        probability = tf.where(known, calibrate(self._calibration.curve, score), UNKNOWN)
        low, high = self._evaluation.uncertain
        return {
            "score": tf.where(known, score, UNKNOWN),
            "probability": probability,
            "hemorrhage": probability >= self._evaluation.threshold,
            # so that what is unknown is uncertain
            "uncertain": ~((probability < low) | (probability > high)),
        }

    def _mask(
        self,
        maps: tf.Tensor,
        hu: tf.Tensor,
        pixel_spacing_mm: tf.Tensor,
        slice_spacing_mm: tf.Tensor,
    ) -> SignatureOutputs:
        """Return the mask on the scan's own pixels, and its volume."""
        maps = from_matrix(maps, pixel_spacing_mm, tf.shape(hu)[1:], self._image.field_of_view_mm)
        mask = maps > self._evaluation.mask_threshold
        pixels = tf.reduce_sum(tf.cast(mask, tf.float32), axis=[1, 2])
        voxel_ml = tf.reduce_prod(pixel_spacing_mm) * slice_spacing_mm / 1000
        return {"mask": tf.cast(mask, tf.uint8), "volume_ml": tf.reduce_sum(pixels * voxel_ml)}

    def describe(self, metadata: str) -> Any:
        """Return the signature ``metadata``: it takes nothing and returns this JSON text."""
        return _function(lambda: {"metadata": tf.constant(metadata)})


class _Network:
    """Calls a network on HU at its own matrix, and names the outputs of every kind alike."""

    def __init__(self, model: keras.Model, slice_score: TopPixelMean) -> None:
        self._model, self._slice_score = model, slice_score

    def __call__(self, hu: tf.Tensor) -> SignatureOutputs:
        outputs = self._model(hu, training=False)
        if not isinstance(outputs, dict) or "probability" not in outputs:
            found, subtypes = map_and_subtypes(outputs)
            outputs = {"map": found, "probability": self._slice_score(found)}
            if subtypes is not None:
                outputs["subtype_score"] = subtypes
        probability = tf.reshape(outputs["probability"], [-1])
        # weights that sum to one but for rounding can bring a mean of ones just above one
        result = {"probability": tf.clip_by_value(probability, 0.0, 1.0)}
        for name in ("map", "member_probability", "weights"):
            if name in outputs:
                result[name] = tf.identity(outputs[name])
        if "subtype_score" in outputs:
            of_head = outputs["subtype_score"][:, 1:]
            result["subtype_score"] = head_times_map(of_head, result["probability"])
        return result


def _known(hu: tf.Tensor) -> tf.Tensor:
    """Return which slices hold finite numbers only, bool [batch].

    A network may well return a finite probability for a slice with NaN in it.
    """
    return tf.reduce_all(tf.math.is_finite(hu), axis=[1, 2])


def _without_padding(hu: tf.Tensor) -> tf.Tensor:
    """Return HU of at least -1024: lower padding would darken its neighbours when resized."""
    return tf.maximum(hu, float(AIR_HU))


def _decode(png: tf.Tensor) -> tf.Tensor:
    """Return the codes, uint16 [height, width], of one 16-bit grey PNG; refuse other images.

    The decoder would silently scale an 8-bit picture to 16 bits.
    """
    fits = tf.equal(tf.strings.substr(png, 24, 2), PNG_16_BIT_GREY)
    with tf.control_dependencies([tf.debugging.Assert(fits, ["png: not a 16-bit grey PNG"])]):
        return tf.io.decode_png(png, channels=1, dtype=tf.uint16)[..., 0]


def _function(answer: Any, **inputs: tf.TensorSpec) -> Any:
    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()]
    return tf.function(answer, input_signature=specs, autograph=False)


def _tf_variable(variable: object) -> tf.Variable:
    """Return the TensorFlow variable inside a Keras 3 variable; in Keras 2 they are the same."""
    return variable if isinstance(variable, tf.Variable) else getattr(variable, "value")  # noqa: B009
