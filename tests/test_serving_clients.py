"""The clients in docs/deploy.md, answered from a SavedModel.

TF Serving itself needs a container engine. What stands in for it here speaks its gRPC protocol by
its own definitions, and takes apart the body of the REST request, so that names, types and
encodings of the documented requests are put to the test.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import grpc
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from ichnet.config import load_config
from ichnet.deployment.export import export_model
from ichnet.networks.channels import hu_input
from ichnet.statistics.scan_score import UNCHANGED

# starts a server
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
MODEL = "ensemble-all"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Any:
    """An export that calls what is brighter than 40 HU hemorrhage."""
    demo = load_config(ROOT / "models" / "phantom.yaml")
    config = replace(demo, image=replace(demo.image, matrix=32))
    hu, channels = hu_input(config.image)
    network = keras.Model(hu, channels[..., 0])  # the brain window: 0 to 80 HU
    folder = tmp_path_factory.mktemp("export") / MODEL / "1"
    export_model(network, MODEL, config, UNCHANGED, folder)
    return tf.saved_model.load(str(folder))


@pytest.fixture
def hu() -> np.ndarray:
    """Two slices; on the second a bright square of a quarter of its pixels."""
    slices = np.full((2, 512, 512), 20, np.float32)
    slices[1, 128:384, 128:384] = 70
    return slices


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Calls the signature that a request names."""

    def __init__(self, loaded: Any) -> None:
        self._signatures = loaded.signatures

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.model_spec.name == MODEL
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        served = self._signatures[request.model_spec.signature_name]
        response = predict_pb2.PredictResponse()
        for name, value in served(**{k: tf.constant(v) for k, v in inputs.items()}).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


@pytest.fixture
def port(loaded) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(loaded), server)
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield number
    server.stop(None).wait()


def block(language: str, containing: str) -> str:
    """Return the one code block of the documentation that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", DEPLOY, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def test_grpc(port, hu, capsys):
    program = block("python", "PredictionServiceStub")
    program = program.replace("localhost:8500", f"127.0.0.1:{port}")
    names: dict[str, Any] = {"hu": hu}
    exec(program, names)
    answer = names["answer"]
    pixels = answer["mask"].sum(axis=(1, 2), dtype=int)
    assert pixels[0] == 0
    assert pixels[1] == pytest.approx(256 * 256, rel=0.05)  # of the network's coarse grid
    assert float(answer["volume_ml"]) == pytest.approx(pixels[1] * 0.45**2 * 5 / 1000, rel=1e-5)
    assert bool(answer["hemorrhage"])
    assert capsys.readouterr().out.split()[1] == "True"


def test_rest(loaded, hu, tmp_path):
    """The body that curl would send, made by the shell as documented, and decoded as JSON says."""
    (make,) = re.findall(r'`cv2\.imwrite\("slice\.png", (.*?)\)`', DEPLOY)
    code = eval(make, {"hu": hu[1]})
    assert cv2.imwrite(str(tmp_path / "slice.png"), code)
    script = block("sh", "curl")
    assert f"/v1/models/{MODEL}:predict" in script
    script = re.sub(r"^curl .* --data @- ", "cat ", script)
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    body = json.loads(run.stdout)
    png = [base64.b64decode(one["png"]["b64"]) for one in body["instances"]]
    answer = loaded.signatures[body["signature_name"]](png=tf.constant(png))
    assert answer["mask"].numpy().sum(dtype=int) == pytest.approx(256 * 256, rel=0.05)
    # TF Serving puts an answer's instances into rows: each output has one for each
    assert all(value.shape[0] == 1 for value in answer.values())
