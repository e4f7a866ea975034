"""The SavedModel gives the network's answers, at any size, and needs nothing of ours to load."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ichnet.inference.export import export_model
from ichnet.inference.metadata import ModelError, model_fingerprint, read_metadata
from ichnet.inference.saved_model import SavedModel
from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model

MATRIX = 32  # of the configuration in conftest
SIDE = 8  # pixels of the bright square in `scan`


def scan(height: int = MATRIX, width: int = MATRIX, hu: float = 60.0) -> np.ndarray:
    """Two slices: brain at 30 HU, on the second a square of 1/4 of each side at ``hu``."""
    slices = np.full((2, height, width), 30.0, np.float32)
    slices[1, height // 4 : height // 2, width // 2 : 3 * width // 4] = hu
    return slices


def test_a_segmenter_gives_maps_masks_and_the_mean_of_its_highest_pixels(model_dir):
    slices = scan(hu=65.0)  # (65 - 50) / 20
    slices[1, 0, 0] = 70.0
    outputs = SavedModel(model_dir)(slices)
    assert set(outputs) == {"probability", "mask_probability", "mask"}
    np.testing.assert_allclose(outputs["probability"], [0, (1 + 3 * 0.75) / 4], atol=1e-6)
    assert outputs["mask"].dtype == np.uint8
    assert outputs["mask"].sum(axis=(1, 2)).tolist() == [0, SIDE * SIDE + 1]
    np.testing.assert_allclose(
        outputs["mask_probability"], np.clip((slices - 50) / 20, 0, 1), atol=1e-6
    )


@pytest.mark.parametrize("size", [(64, 64), (48, 96), (16, 40)])
def test_other_sizes_are_resized_and_answered_at_their_own_size(model_dir, size):
    slices = scan(*size, hu=100.0)
    outputs = SavedModel(model_dir)(slices)
    assert outputs["mask"].shape == (2, *size)
    assert outputs["mask_probability"].shape == (2, *size)
    np.testing.assert_allclose(outputs["probability"], [0, 1], atol=1e-6)
    np.testing.assert_array_equal(outputs["mask"], slices == 100)


def test_padding_below_air_does_not_reach_its_neighbours(model_dir):
    slices = scan(64, 64, hu=100.0)
    slices[:, :, 1] = 3000  # shares a pixel of the network with column 0
    padded = slices.copy()
    padded[:, :, 0] = -3024
    slices[:, :, 0] = -1024
    model = SavedModel(model_dir)
    np.testing.assert_array_equal(
        model(padded)["mask_probability"], model(slices)["mask_probability"]
    )


def test_one_slice_and_many_get_the_same_answers(model_dir):
    slices = np.random.default_rng(3).normal(50, 20, (7, MATRIX, MATRIX)).astype(np.float32)
    model = SavedModel(model_dir)
    together = model(slices)
    for index in range(7):
        alone = model(slices[index : index + 1])
        np.testing.assert_allclose(alone["probability"][0], together["probability"][index], 1e-6)
        np.testing.assert_array_equal(alone["mask"][0], together["mask"][index])


def test_a_classifier_gives_a_probability_and_no_mask(classifier, config, calibration, tmp_path):
    metadata = export_model(classifier, "bright-classifier", config, calibration, tmp_path / "1")
    outputs = SavedModel(tmp_path / "1")(np.full((3, MATRIX, MATRIX), 100.0, np.float32))
    assert metadata.kind == "classifier"
    assert set(outputs) == {"probability"}
    np.testing.assert_allclose(outputs["probability"], np.full(3, 1 / (1 + np.exp(-1))), 1e-6)


FRESH_PROCESS = """
import json, sys

sys.modules["ichnet"] = None  # from here on it cannot be imported, installed or not
import numpy as np
import tensorflow as tf

folder, data = sys.argv[1:]
metadata = json.load(open(folder + "/metadata.json"))
served = tf.saved_model.load(folder).signatures["serving_default"]
outputs = served(hu=tf.constant(np.load(data)))
np.savez(data + ".out.npz", **{name: value.numpy() for name, value in outputs.items()})
print(metadata["model"])
assert not [name for name in sys.modules if name.startswith("ichnet.")]
"""


def in_fresh_process(folder, slices, tmp_path) -> dict[str, np.ndarray]:
    """Load and call a SavedModel where ichnet cannot be imported."""
    np.save(tmp_path / "hu.npy", slices)
    run = subprocess.run(
        [sys.executable, "-I", "-c", FRESH_PROCESS, str(folder), str(tmp_path / "hu.npy")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (run.returncode, run.stdout) == (0, "ensemble-test\n"), run.stderr
    with np.load(tmp_path / "hu.npy.out.npz") as outputs:
        return dict(outputs)


def test_an_ensemble_answers_alike_in_a_process_without_ichnet(config, calibration, tmp_path):
    members = {
        name: build_inception_unet(config.image, 4, 1, name=name, seed=seed)
        for seed, name in enumerate(("all", "sdh"))
    }
    for member in members.values():  # maps on both sides of the threshold
        kernel, bias = member.get_layer("head").get_weights()
        member.get_layer("head").set_weights([kernel, 0 * bias])
    weights = build_weight_model(MATRIX, list(members), "pixel", 2, 0.5, seed=5)
    ensemble = build_ensemble(members, weights, config.image, config.evaluation.top_pixels)
    folder = tmp_path / "ensemble" / "1"
    metadata = export_model(
        ensemble, "ensemble-test", config, calibration, folder, members=list(members)
    )
    slices = np.random.default_rng(1).normal(40, 30, (3, MATRIX, MATRIX)).astype(np.float32)
    # as a graph too: run op by op, a convolution differs in the last bit, and where that decides to
    # which half-precision number a member's map is rounded, by more than 1e-5
    expected = ensemble.predict(slices, verbose=0)
    outputs = in_fresh_process(folder, slices, tmp_path)
    assert 0.05 < expected["mask"].mean() < 0.95
    assert (metadata.kind, metadata.members) == ("ensemble", ("all", "sdh"))
    assert set(outputs) == {
        "probability",
        "mask_probability",
        "mask",
        "member_probability",
        "weights",
    }
    assert outputs["weights"].shape == (3, MATRIX, MATRIX, 2)
    assert outputs["member_probability"].shape == (3, 2)
    for name in ("probability", "member_probability", "weights", "mask"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, err_msg=name)
    np.testing.assert_allclose(outputs["mask_probability"], expected["map"], atol=1e-5)


def test_metadata_says_how_to_use_the_model(model_dir, config, calibration):
    metadata = read_metadata(model_dir)
    assert metadata.model == "bright"
    assert metadata.kind == "segmenter"
    assert metadata.image == config.image
    assert (metadata.threshold, metadata.pixel_threshold) == (0.5, 0.5)
    assert metadata.calibration == calibration
    assert metadata.data_statement == "Not trained at all."
    assert set(metadata.versions) == {"ichnet", "tensorflow", "keras"}
    written = json.loads((model_dir / "metadata.json").read_text(encoding="utf-8"))
    assert written["research_use"].startswith("For research use only")
    assert "in HU" in written["signatures"]["serving_default"]["inputs"]["hu"]


def test_exporting_again_replaces_the_version_whole(bright_pixels, config, calibration, tmp_path):
    folder = tmp_path / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    (folder / "left_over").touch()
    first = model_fingerprint(folder)
    changed = replace(config, evaluation=replace(config.evaluation, threshold=0.25))
    export_model(bright_pixels, "bright", changed, calibration, folder)
    assert read_metadata(folder).threshold == 0.25
    assert not (folder / "left_over").exists()
    assert model_fingerprint(folder) != first
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("content", [None, "{}", "not json", '{"model": "m", "image": 3}'])
def test_a_folder_that_is_no_model_is_refused_by_name(tmp_path, content):
    folder = tmp_path / "mymodel"
    folder.mkdir()
    if content is not None:
        (folder / "saved_model.pb").touch()
        (folder / "metadata.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="mymodel"):
        SavedModel(folder)


def test_a_damaged_graph_is_refused_by_name(model_dir, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\xff\xfe not a graph")
    (folder / "metadata.json").write_bytes((model_dir / "metadata.json").read_bytes())
    with pytest.raises(ModelError, match="damaged"):
        SavedModel(folder)(scan())
