"""Each runtime in `ichnet predict`: the same answers as TensorFlow's, and no TensorFlow loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ichnet
from ichnet.cli import FAILED, SUCCESS, main
from ichnet.deployment.export import export_model
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.runtime import RUNTIMES, candidates, described_runtime
from ichnet.deployment.saved_model import SavedModel
from ichnet.networks.inception_unet import build_inception_unet

pytestmark = pytest.mark.slow  # loads every runtime, and converts a model by TensorFlow

TOLERANCE = 1e-4
OTHERS = [
    pytest.param("openvino", id="OpenVINO"),
    pytest.param("onnxruntime", id="ONNX"),
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory) -> Iterator[Path]:
    """A cache of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def seeing_neighbours(config, calibration, tmp_path_factory) -> Path:
    """An export of an untrained segmenter that sees the slices on either side of each.

    Its answers are spread, by a last kernel of twenty times the size.
    """
    network = build_inception_unet(config.image, 4, 1, name="untrained", seed=3, neighbours=1)
    *others, kernel, bias = network.get_weights()
    network.set_weights([*others, kernel * 20, bias])
    folder = tmp_path_factory.mktemp("neighbours") / "1"
    export_model(network, "untrained", config, calibration, folder)
    return folder


@pytest.mark.parametrize("runtime", OTHERS)
@pytest.mark.parametrize("shape", [(1, 32, 32), (7, 32, 32), (3, 33, 51)])
def test_slices_are_answered_as_by_tensorflow(seeing_neighbours, runtime, shape):
    pytest.importorskip(runtime)
    hu = np.random.default_rng(1).normal(40, 40, shape).round().astype(np.float32)
    wanted = SavedModel(seeing_neighbours)(hu)
    answer = SavedModel(seeing_neighbours, runtime)(hu)
    assert set(answer) == set(wanted)
    assert np.ptp(wanted["mask_probability"]) > 100 * TOLERANCE
    for name, value in wanted.items():
        assert answer[name].shape == value.shape
        if name != "mask":  # a pixel at the threshold may fall on either side
            np.testing.assert_allclose(answer[name], value, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("runtime", OTHERS)
def test_a_pixel_that_is_no_number_has_no_answer(seeing_neighbours, runtime):
    pytest.importorskip(runtime)
    hu = np.full((3, 32, 32), 40, np.float32)
    hu[2, 4, 5] = np.nan
    probability = SavedModel(seeing_neighbours, runtime)(hu)["probability"]
    assert np.isnan(probability[[0, 2]]).tolist() == [False, True]  # 1 lies beside it


@pytest.mark.parametrize("runtime", OTHERS)
def test_the_command_says_the_same_with_each(model_dir, two_scans, tmp_path, runtime):
    pytest.importorskip(runtime)
    said = {}
    for one in ("tensorflow", runtime):
        out = tmp_path / one
        arguments = ["--runtime", one, "--model", str(model_dir), "--out", str(out)]
        assert main(["predict", *arguments, str(two_scans)]) == SUCCESS
        said[one] = {path.name: json.loads(path.read_text()) for path in out.glob("*.json")}
    assert len(said[runtime]) == 2
    for name, wanted in said["tensorflow"].items():
        result = said[runtime][name]
        made, by_tensorflow = result["provenance"], wanted["provenance"]
        assert made.pop("runtime") == described_runtime(runtime)
        assert by_tensorflow.pop("runtime") == described_runtime("tensorflow")
        assert made == by_tensorflow  # digest, model and version
        assert result["decision"] == wanted["decision"]
        assert result["volume_ml"] == pytest.approx(wanted["volume_ml"], rel=1e-3)
        assert result["probability"] == pytest.approx(wanted["probability"], abs=TOLERANCE)


WITHOUT_TENSORFLOW = """
import sys

sys.modules["tensorflow"] = sys.modules["keras"] = None  # cannot be imported
import socket

def refuse(*_):
    raise AssertionError("a connection to elsewhere")

socket.socket.connect = socket.getaddrinfo = refuse
from ichnet.cli import main

sys.exit(main(sys.argv[1:]))
"""


def test_openvino_needs_no_tensorflow_and_reports_to_nobody(model_dir, two_scans, tmp_path):
    pytest.importorskip("openvino")
    arguments = ["predict", "--model", str(model_dir), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *arguments, str(two_scans)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == SUCCESS, run.stderr
    (one, two) = (json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json"))
    assert {one["decision"], two["decision"]} == {"hemorrhage", "no hemorrhage"}
    assert one["provenance"]["runtime"].startswith("OpenVINO 20")


SIGNALLED = """
import signal
import sys
from pathlib import Path

from ichnet.deployment.runtime_openvino import load_openvino

first, second = (load_openvino(Path(sys.argv[1])) for _ in range(2))
del first
del second
signal.signal(signal.SIGTERM, lambda *_: print("answered"))
signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_is_answered_after_models_of_openvino_are_gone(model_dir):
    """Its processor plugin has a stack of its own for signals, which it may leave behind freed."""
    pytest.importorskip("openvino")
    command = [sys.executable, "-c", SIGNALLED, str(model_dir)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "answered\n"), run.stderr


def test_a_result_by_another_runtime_is_not_made_again(model_dir, two_scans, tmp_path, capsys):
    pytest.importorskip("openvino")
    arguments = ["predict", "--model", str(model_dir), "--out", str(tmp_path), str(two_scans)]
    assert main([*arguments, "--runtime", "tensorflow"]) == SUCCESS
    assert main([*arguments, "--runtime", "openvino"]) == SUCCESS
    assert "scans predicted: 2 (2 of them earlier)" in capsys.readouterr().out


def test_what_openvino_cannot_read_is_left_to_tensorflow(model_dir, tmp_path, monkeypatch):
    """But for the one who asks for OpenVINO."""
    pytest.importorskip("openvino")
    model = SavedModel(model_dir, None)
    assert model.runtime == described_runtime("openvino")

    def fail(*_):
        raise ModelError("an operation that it does not know")

    monkeypatch.setattr("ichnet.deployment.runtime_openvino.load_openvino", fail)
    assert SavedModel(model_dir, None).runtime == described_runtime("tensorflow")
    with pytest.raises(ModelError, match="does not know"):
        SavedModel(model_dir, "openvino").load()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_damaged_weights_are_no_model(model_dir, tmp_path, runtime):
    pytest.importorskip(runtime)
    damaged = Path(shutil.copytree(model_dir, tmp_path / "1"))
    data = damaged / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(b"\x01" + data.read_bytes()[1:])
    with pytest.raises(ModelError, match="cannot be"):
        SavedModel(damaged, runtime).load()


def test_a_runtime_that_is_not_there(model_dir, two_scans, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ichnet.deployment.runtime.find_spec", lambda name: None)
    assert candidates(None) == ("tensorflow",)
    arguments = ["--model", str(model_dir), "--out", str(tmp_path / "out"), str(two_scans)]
    assert main(["predict", "--runtime", "openvino", *arguments]) == FAILED
    assert "OpenVINO is not installed: pip install 'ichnet[runtimes]'" in capsys.readouterr().err
    with pytest.raises(ModelError, match="abacus: no such runtime"):
        ichnet.predict(two_scans, model=model_dir, runtime="abacus")
