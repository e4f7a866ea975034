"""Golden parity: Keras, TensorFlow without ichnet, OpenVINO and ONNX Runtime answer alike.

The expected answers are those of the Keras network on slices that NumPy prepares, so that nothing
of the exported graph takes part in them; but for ``scan``, whose answers in TensorFlow
``test_serving.py`` compares with Python's own path, and other runtimes with TensorFlow's here.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ichnet.ct.resample import to_matrix
from ichnet.deployment.export import export_model
from ichnet.deployment.metadata import read_metadata
from ichnet.networks.classifiers import build_classifier
from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.statistics.calibration import PlattCalibration

# converting the graphs takes half a minute
pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
MEMBERS = ("all", "sdh")
MATRIX = 32  # of the configuration in conftest
DEPLOY = Path(__file__).parents[2] / "docs" / "deploy.md"

Arrays = dict[str, np.ndarray]
Job = tuple[Path, str, list[Arrays]]
"""Version folder or converted model, signature, inputs."""


def heads(slices: int, height: int, width: int, seed: int) -> np.ndarray:
    """Whole HU [slices, height, width]: noise and, on each slice, a disc of another brightness."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    hu = rng.normal(30, 12, (slices, height, width))
    for index in range(slices):
        disc = np.hypot(y - height / 2, x - width / 2) < (0.1 + 0.05 * index) * min(height, width)
        hu[index] += disc * (15 + 10 * index)
    return hu.round().astype(np.float32)


def with_padding(hu: np.ndarray, padding: float) -> np.ndarray:
    """The same with all outside of a circle at ``padding``, as scanners fill it."""
    _, height, width = hu.shape
    y, x = np.mgrid[:height, :width]
    outside = np.hypot(2 * (y + 0.5) / height - 1, 2 * (x + 0.5) / width - 1) > 1
    return np.where(outside, np.float32(padding), hu)


SEVEN = heads(7, MATRIX, MATRIX, 1)
SLICES = {
    "a batch of 7": SEVEN,
    "a batch of 1": SEVEN[2:3],
    "odd and not square": heads(3, 33, 51, 2),
    "taller than wide": heads(2, 97, 40, 3),
    "padding -2000": with_padding(heads(2, 64, 64, 4), -2000),
    "padding -3024": with_padding(heads(2, 45, 45, 5), -3024),
    "just below air": with_padding(heads(2, 40, 64, 6), -1100),
}


def scan(hu: np.ndarray, row_mm: float, column_mm: float, gaps_mm: list[float]) -> Arrays:
    return {
        "hu": hu,
        "pixel_spacing_mm": np.array([row_mm, column_mm], np.float32),
        "slice_spacing_mm": np.array(gaps_mm, np.float32),
    }


SCANS = {
    "finer than the network": scan(with_padding(heads(3, 61, 80, 7), -3024), 2.1, 1.7, [5, 5, 4]),
    "one coarse slice": scan(heads(1, 21, 23, 8), 5.3, 6.1, [7]),
}


@pytest.fixture(scope="module")
def networks(config) -> dict[str, Any]:
    """One of each kind, of random weights that are scaled up so that answers differ widely."""
    members = {
        name: build_inception_unet(config.image, 4, 1, name=name, seed=seed)
        for seed, name in enumerate(MEMBERS)
    }
    for member in members.values():
        *others, kernel, old = member.get_weights()
        member.set_weights([*others, kernel * 2, np.zeros_like(old)])
        odds = np.asarray(member(SEVEN, training=False)).astype(float)
        bias = -np.mean(np.log(odds / (1 - odds)))  # about half of the pixels are then above 0.5
        member.set_weights([*others, kernel * 2, np.full_like(old, bias)])
    weights = build_weight_model(MATRIX, list(members), "pixel", 2, 0.5, seed=5)
    ensemble = build_ensemble(members, weights, config.evaluation.top_pixels)
    classifier = build_classifier("MobileNetV2", config.image, weights=None, seed=3)
    evidence = classifier.get_layer("evidence")
    logits = classifier(SEVEN, training=False)["saliency"].numpy().mean(axis=(1, 2))
    # the untrained network's logits are tiny, and in proportion to this kernel
    evidence.set_weights([evidence.get_weights()[0] * 2 / np.ptp(logits)])
    return {"classifier": classifier, "segmenter": members["all"], "ensemble": ensemble}


@pytest.fixture(scope="module")
def folders(networks, config, calibration, tmp_path_factory) -> dict[str, Path]:
    """Their exports."""
    root = tmp_path_factory.mktemp("golden")
    for kind, network in networks.items():
        members = MEMBERS if kind == "ensemble" else ()
        curve = PlattCalibration(a=0.7, b=0.4)
        calibrated = replace(calibration, pooling="over-10-mm", curve=curve)
        export_model(network, kind, config, calibrated, root / kind / "1", members=members)
    return {kind: root / kind / "1" for kind in networks}


@pytest.fixture(scope="module")
def expected(networks, config) -> dict[str, list[Arrays]]:
    """What each network says of the slices when NumPy prepares them."""
    side_mm = config.image.field_of_view_mm
    answers: dict[str, list[Arrays]] = {kind: [] for kind in networks}
    for hu in SLICES.values():
        spacing_mm = (side_mm / hu.shape[1], side_mm / hu.shape[2])
        seen = to_matrix(np.maximum(hu, -1024), spacing_mm, MATRIX, side_mm)
        for kind, network in networks.items():
            answers[kind].append(_answers(network(seen, training=False), config, hu.shape))
    return answers


def _answers(outputs: Any, config: Any, shape: tuple[int, ...]) -> Arrays:
    if not isinstance(outputs, dict):  # a segmenter
        maps = np.asarray(outputs)
        highest = np.sort(maps.reshape(len(maps), -1))[:, -config.evaluation.top_pixels :]
        outputs = {"map": maps, "probability": highest.mean(axis=1)}
    found = {name: np.asarray(value) for name, value in outputs.items()}
    answers = {"probability": found["probability"].reshape(-1)}
    if "map" in found and shape[1:] == (MATRIX, MATRIX):
        answers["mask_probability"] = found["map"]
        answers["mask"] = found["map"] > config.evaluation.mask_threshold
    if "weights" in found:
        answers |= {name: found[name] for name in ("member_probability", "weights")}
    return answers


PROGRAM = """
import pickle, sys

sys.modules["ichnet"] = None  # from here on it cannot be imported, installed or not

{answer}

with open("jobs", "rb") as file:
    jobs = pickle.load(file)
with open("answers", "wb") as file:
    pickle.dump([list(answer(*job)) for job in jobs], file)
assert not [name for name in sys.modules if name.startswith("ichnet.")]
"""
"""Each runtime answers in a process of its own, as where it is deployed: several of them with their
native libraries in one process may end it."""


def fresh_process(answer: str, jobs: list[Job], scratch: Path) -> list[list[Arrays]]:
    """Return what the function ``answer`` of a program's text gives, where there is no ichnet."""
    named = [(str(path), *rest) for path, *rest in jobs]
    (scratch / "jobs").write_bytes(pickle.dumps(named))
    run_python(scratch, "-I", "-c", PROGRAM.replace("{answer}", answer))
    answers: list[list[Arrays]] = pickle.loads((scratch / "answers").read_bytes())
    return answers


TENSORFLOW = """
import tensorflow as tf


def answer(folder, signature, cases):
    loaded = tf.saved_model.load(folder)
    served = loaded.signatures[signature]
    for case in cases:
        outputs = served(**{name: tf.constant(value) for name, value in case.items()})
        yield {name: value.numpy() for name, value in outputs.items()}
"""

OPENVINO = """
# the converter reports its use where it can; without this package it does not
sys.modules["openvino_telemetry"] = None
import numpy as np
import openvino


def answer(folder, signature, cases):
    source = folder
    if signature != "serving_default":
        import tensorflow as tf

        loaded = tf.saved_model.load(folder)
        source = openvino.convert_model(loaded.signatures[signature])
    # on processors that know bfloat16 it would calculate in that
    compiled = openvino.Core().compile_model(source, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for case in cases:
        outputs = compiled(case)
        yield {port.any_name: np.array(value) for port, value in outputs.items()}
"""
"""OpenVINO reads the SavedModel itself; signatures but the default it takes from TensorFlow."""

ONNX = """
import onnxruntime


def answer(model, _, cases):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for case in cases:
        yield dict(zip(names, session.run(None, case), strict=True))
"""

CONVERT = """
import json, sys
import tf2onnx.convert

for sys.argv in json.load(open("commands")):
    tf2onnx.convert.main()
"""


def onnx(jobs: list[Job], scratch: Path) -> list[list[Arrays]]:
    """ONNX Runtime, converted with the arguments that the documentation gives."""
    commands = []
    for number, (folder, signature, _) in enumerate(jobs):
        words = documented("python -m tf2onnx.convert")[2:]
        words[words.index("--saved-model") + 1] = str(folder)
        words[words.index("--signature_def") + 1] = signature
        words[words.index("--output") + 1] = f"{number}.onnx"
        commands.append(words)
    (scratch / "commands").write_text(json.dumps(commands), encoding="utf-8")
    run_python(scratch, "-c", CONVERT)
    converted = [(scratch / f"{number}.onnx", "", cases) for number, (*_, cases) in enumerate(jobs)]
    return fresh_process(ONNX, converted, scratch)


def run_python(folder: Path, *arguments: str) -> None:
    run = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, f"ended with {run.returncode}: {run.stderr}"


def documented(command: str) -> list[str]:
    """Return the words of a command of docs/deploy.md, that goes on over lines ending in ``\\``."""
    text = DEPLOY.read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if line.startswith(command)]
    return line.split()


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"{', '.join(missing)} not installed (extra: runtimes)"
    )


RUNTIMES: list[Any] = [
    pytest.param(partial(fresh_process, TENSORFLOW), id="TensorFlow"),
    pytest.param(partial(fresh_process, OPENVINO), id="OpenVINO", marks=needs("openvino")),
    pytest.param(onnx, id="ONNX", marks=needs("onnxruntime", "tf2onnx")),
]


ASKED = {
    ("classifier", "serving_default"): [{"hu": hu} for hu in SLICES.values()],
    ("segmenter", "serving_default"): [{"hu": hu} for hu in SLICES.values()],
    ("ensemble", "serving_default"): [{"hu": hu} for hu in SLICES.values()],
    ("ensemble", "int16"): [{"hu": hu.astype(np.int16)} for hu in SLICES.values()],
    ("ensemble", "scan"): list(SCANS.values()),
}


@pytest.fixture(scope="module", params=RUNTIMES)
def answers(request, folders, tmp_path_factory) -> dict[tuple[str, str], list[Arrays]]:
    """What a runtime answers to everything, by kind and signature."""
    jobs = [(folders[kind], signature, cases) for (kind, signature), cases in ASKED.items()]
    return dict(zip(ASKED, request.param(jobs, tmp_path_factory.mktemp("runtime")), strict=True))


def compare(answers: list[Arrays], expected: list[Arrays], cases: dict[str, Any]) -> None:
    for case, answer, wanted in zip(cases, answers, expected, strict=True):
        for name, value in wanted.items():
            error = np.abs(answer[name].astype(float) - value.astype(float))
            if name == "mask":
                # at the threshold itself a pixel may fall on either side
                error = error[np.abs(wanted["mask_probability"] - 0.5) > TOLERANCE]
            assert answer[name].shape == value.shape, (case, name)
            assert error.max() <= TOLERANCE, (case, name, error.max())


@pytest.mark.parametrize("kind", ["classifier", "segmenter", "ensemble"])
def test_answers_differ_enough_to_tell_runtimes_apart(expected, kind):
    probability = np.concatenate([answer["probability"] for answer in expected[kind]])
    assert np.ptp(probability) > 100 * TOLERANCE


@pytest.mark.parametrize("kind", ["classifier", "segmenter", "ensemble"])
def test_slices(answers, kind, expected):
    compare(answers[kind, "serving_default"], expected[kind], SLICES)


OUTPUTS = {
    "classifier": {"probability"},
    "segmenter": {"probability", "mask_probability", "mask"},
    "ensemble": {"probability", "mask_probability", "mask", "member_probability", "weights"},
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_kind_says_what_it_is_and_gives_its_outputs(answers, kind, folders):
    metadata = read_metadata(folders[kind])
    assert (metadata.kind, metadata.members) == (kind, MEMBERS if kind == "ensemble" else ())
    for answer in answers[kind, "serving_default"]:
        assert set(answer) == OUTPUTS[kind]


def test_int16(answers, expected):
    compare(answers["ensemble", "int16"], expected["ensemble"], SLICES)


def test_scans(answers, folders):
    served = tf.saved_model.load(str(folders["ensemble"]))
    for answer, case in zip(answers["ensemble", "scan"], SCANS.values(), strict=True):
        inputs = {name: tf.constant(value) for name, value in case.items()}
        wanted = {name: v.numpy() for name, v in served.signatures["scan"](**inputs).items()}
        assert set(answer) == set(wanted)
        for name in ("score", "probability", "slice_probability", "member_probability"):
            np.testing.assert_allclose(answer[name], wanted[name], atol=TOLERANCE, err_msg=name)
        for name in ("hemorrhage", "uncertain"):
            assert answer[name] == wanted[name], name
        assert 0 < wanted["mask"].mean() < 1
        assert (answer["mask"] != wanted["mask"]).mean() < 1e-3  # pixels at the threshold itself
        np.testing.assert_allclose(answer["volume_ml"], wanted["volume_ml"], rtol=1e-3)
