"""What TF Serving replays before it takes traffic is asked of the signatures that exist."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog


@pytest.fixture(scope="module")
def requests(model_dir):
    """The requests in the file, where and in the format in which TF Serving looks for them."""
    path = model_dir / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [PredictionLog.FromString(record).predict_log.request for record in records]


def test_every_signature_that_computes_is_warmed_up(requests):
    signatures = [request.model_spec.signature_name for request in requests]
    assert sorted(signatures) == ["bytes", "consecutive", "int16", "scan", "serving_default"]
    assert {request.model_spec.name for request in requests} == {"bright"}


def test_every_request_is_answered_as_brain(requests, model_dir):
    loaded = tf.saved_model.load(str(model_dir))
    for request in requests:
        name = request.model_spec.signature_name
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        outputs = loaded.signatures[name](**{key: tf.constant(v) for key, v in inputs.items()})
        assert outputs["mask"].shape.as_list() == [
            *((2, 512, 512) if name == "scan" else (1, 32, 32))
        ]
        assert float(np.max(outputs["probability"])) < 1e-5


def test_the_file_is_small(model_dir):
    path = model_dir / "assets.extra" / "tf_serving_warmup_requests"
    assert path.stat().st_size < 2000
