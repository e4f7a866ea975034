"""The SavedModel gives the network's answers, at any size, and needs nothing of ours to load."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.deployment.export import export_model
from ichnet.deployment.metadata import ModelError, model_fingerprint, read_metadata
from ichnet.deployment.saved_model import SavedModel
from ichnet.runs import RunFolder
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.scan_score import ScanCalibration

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


@pytest.mark.slow
def test_a_model_that_is_not_calibrated_says_so_and_is_uncertain_of_every_scan(
    bright_pixels, config, tmp_path
):
    refused = ScanCalibration(
        "over-10-mm",
        PlattCalibration(0.01, -2.0),
        calibrated=False,
        with_ich=3,
        without_ich=20,
        validation=(PoolingAuc("over-10-mm", 0.6, 0.4, 0.8),),
    )
    metadata = export_model(bright_pixels, "bright", config, refused, tmp_path / "1")
    assert metadata.uncertain_band == (0, 1)
    assert read_metadata(tmp_path / "1").calibration == refused
    written = json.loads((tmp_path / "1" / "metadata.json").read_text(encoding="utf-8"))
    assert written["calibration"]["calibrated"] is False
    assert "over 10 mm" in written["signatures"]["scan"]["outputs"]["score"]
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    answer = loaded.signatures["scan"](
        hu=tf.constant(scan(hu=100.0)),
        pixel_spacing_mm=tf.constant([4.0, 4.0]),
        slice_spacing_mm=tf.constant([5.0, 5.0]),
    )
    assert float(answer["score"]) == pytest.approx(0.5)  # of slices at 0 and 1
    assert float(answer["probability"]) == pytest.approx(1 / (1 + np.exp(2)), abs=1e-6)
    assert bool(answer["uncertain"])


def test_a_version_that_exists_is_left_alone(bright_pixels, config, calibration, tmp_path):
    folder = tmp_path / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    before = model_fingerprint(folder)
    with pytest.raises(FileExistsError, match="bright/1: this version exists"):
        export_model(bright_pixels, "bright", config, calibration, folder)
    assert model_fingerprint(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.slow
def test_a_version_is_replaced_whole(bright_pixels, config, calibration, tmp_path):
    folder = tmp_path / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    (folder / "left_over").touch()
    first = model_fingerprint(folder)
    changed = replace(config, evaluation=replace(config.evaluation, threshold=0.25))
    export_model(bright_pixels, "bright", changed, calibration, folder, replace=True)
    assert read_metadata(folder).threshold == 0.25
    assert not (folder / "left_over").exists()
    assert model_fingerprint(folder) != first
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.slow
def test_an_export_that_fails_leaves_nothing(
    bright_pixels, config, calibration, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("ichnet.deployment.export.write_card", full)
    with pytest.raises(OSError, match="no space"):
        export_model(bright_pixels, "bright", config, calibration, tmp_path / "bright" / "1")
    assert list((tmp_path / "bright").iterdir()) == []


def test_versions_count_up(tmp_path):
    run = RunFolder(tmp_path)
    assert run.next_version("m") == 1
    for name in ("2", "10", ".11.partial", "latest"):
        run.export("m").with_name(name).mkdir(parents=True)
    assert run.next_version("m") == 11


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
