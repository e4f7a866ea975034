"""What the exported graph answers: each signature, and the same as Python's own path."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from ichnet.ct.volume import Volume
from ichnet.inference.predict import predict_volume
from ichnet.inference.saved_model import SavedModel
from ichnet.inference.scan_result import Provenance, summarize_scan
from ichnet.inference.serving import calibrate
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration

MATRIX = 32


@pytest.fixture(scope="module")
def signatures(model_dir):
    loaded = tf.saved_model.load(str(model_dir))
    yield loaded.signatures
    del loaded  # signatures work only as long as it is alive


@pytest.fixture(scope="module")
def hu() -> np.ndarray:
    """Whole HU [2, 40, 28], brighter than the model's threshold here and there."""
    return np.random.default_rng(4).normal(50, 15, (2, 40, 28)).round().astype(np.float32)


def same(answers, expected) -> None:
    assert set(answers) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(answers[name], value, err_msg=name)


def test_int16_is_answered_as_float32(signatures, hu):
    expected = signatures["serving_default"](hu=tf.constant(hu))
    same(signatures["int16"](hu=tf.constant(hu.astype(np.int16))), expected)


def test_png_is_answered_as_the_slices_it_holds(signatures, hu):
    expected = signatures["serving_default"](hu=tf.constant(hu))
    codes = (hu + 32768).astype(np.uint16)
    png = [cv2.imencode(".png", one)[1].tobytes() for one in codes]
    assert all(len(one) < hu[0].astype(np.int16).nbytes for one in png)
    same(signatures["bytes"](png=tf.constant(png)), expected)


def test_metadata_is_that_of_the_file(signatures, model_dir):
    text = signatures["metadata"]()["metadata"].numpy().decode()
    assert text == (model_dir / "metadata.json").read_text(encoding="utf-8")
    assert set(json.loads(text)["signatures"]) == set(signatures)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (2.3, 1.7), (0.4, 0.6)])
def test_a_scan_is_answered_as_predicted_from_dicom(signatures, model_dir, hu, spacing_mm):
    volume = Volume(
        hu=hu.astype(np.int16),
        pixel_spacing_mm=spacing_mm,
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0, 0, 0.0], [0, 0, 6.0]]),
        slice_spacing_mm=np.array([6.0, 4.0]),
        scan_id="s",
        patient_id="p",
    )
    model = SavedModel(model_dir)
    predicted = predict_volume(model, volume)
    expected = summarize_scan(volume, predicted, model.metadata, Provenance("f", 2))
    answer = signatures["scan"](
        hu=tf.constant(hu),
        pixel_spacing_mm=tf.constant(spacing_mm),
        slice_spacing_mm=tf.constant([6.0, 4.0]),
    )
    np.testing.assert_allclose(answer["slice_probability"], predicted.probability, atol=1e-5)
    np.testing.assert_array_equal(answer["mask"], predicted.mask)
    assert answer["mask"].dtype == tf.uint8
    assert float(answer["score"]) == pytest.approx(expected.score, abs=1e-5)
    assert float(answer["probability"]) == pytest.approx(expected.probability, abs=1e-4)
    assert float(answer["volume_ml"]) == pytest.approx(expected.volume_ml, rel=1e-5)
    assert bool(answer["hemorrhage"]) == (expected.decision == "hemorrhage")
    assert bool(answer["uncertain"]) == expected.uncertain


@pytest.mark.parametrize(
    "calibration",
    [
        PlattCalibration(1.7, -0.4),
        IsotonicCalibration((0.2, 0.5, 0.9), (0.1, 0.1, 0.8)),
        IsotonicCalibration((0.4,), (0.3,)),
    ],
)
def test_calibration_in_the_graph(calibration):
    scores = np.array([0, 1e-9, 0.2, 0.35, 0.5, 0.77, 0.9, 1], np.float32)
    answer = calibrate(calibration, tf.constant(scores))
    np.testing.assert_allclose(answer, calibration.apply(scores.astype(float)), atol=1e-6)
    one = calibrate(calibration, tf.constant(0.35))
    assert one.shape == ()
