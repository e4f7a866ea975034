"""Requests with which TF Serving tries a model before it takes traffic.

A first request is slow, since TensorFlow prepares a graph when it first runs. TF Serving replays
what it finds in ``assets.extra/tf_serving_warmup_requests``, a TFRecord of ``PredictionLog``
messages, before it reports a version as available:
https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from ichnet.deployment.metadata import PNG_OFFSET, ModelMetadata

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
"""Path of the requests inside a version folder."""

BRAIN_HU = 30

SCAN_SHAPE = (2, 512, 512)
"""Slices, rows and columns of the scan in the request; most scanners write this matrix."""

Inputs = dict[str, Any]
"""TensorProto by input name."""


def write_warmup(metadata: ModelMetadata, folder: Path) -> None:
    """Write one request for each signature that computes something into a version folder."""
    path = folder / WARMUP_FILE
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in _requests(metadata.image.matrix):
            log = PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = metadata.model
            request.model_spec.signature_name = signature
            for name, tensor in inputs.items():
                request.inputs[name].CopyFrom(tensor)
            writer.write(log.SerializeToString())


def _requests(matrix: int) -> Iterator[tuple[str, Inputs]]:
    slices = (1, matrix, matrix)
    yield "serving_default", {"hu": _constant(BRAIN_HU, slices, np.float32)}
    yield "consecutive", {"hu": _constant(BRAIN_HU, slices, np.float32)}
    yield "int16", {"hu": _constant(BRAIN_HU, slices, np.int16)}
    codes = np.full((matrix, matrix, 1), BRAIN_HU + PNG_OFFSET, np.uint16)
    yield "bytes", {"png": tf.make_tensor_proto([tf.io.encode_png(codes).numpy()])}
    yield (
        "scan",
        {
            "hu": _constant(BRAIN_HU, SCAN_SHAPE, np.float32),
            "pixel_spacing_mm": _constant(0.5, (2,), np.float32),
            "slice_spacing_mm": _constant(5.0, SCAN_SHAPE[:1], np.float32),
        },
    )


def _constant(value: float, shape: tuple[int, ...], dtype: type[np.generic]) -> Any:
    """Return a tensor of one value everywhere as a message that holds the value once."""
    message = tf.make_tensor_proto(value, dtype=dtype, shape=[1] * len(shape))
    for size, dimension in zip(shape, message.tensor_shape.dim, strict=True):
        dimension.size = size
    return message
