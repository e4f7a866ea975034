"""What the exported graph answers: each signature, and the same as Python's own path."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from ichnet.ct.volume import Volume
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume
from ichnet.deployment.scan_result import Provenance, summarize_scan
from ichnet.deployment.serving import calibrate
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


@pytest.mark.parametrize("flag", [cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR])
def test_a_picture_made_for_the_eye_is_refused(signatures, flag):
    grey = np.full((40, 28), 100, np.uint8)
    shape = grey if flag == cv2.IMREAD_GRAYSCALE else np.stack([grey] * 3, axis=-1)
    picture = cv2.imencode(".png", shape)[1].tobytes()
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a 16-bit grey PNG"):
        signatures["bytes"](png=tf.constant([picture]))


def test_a_pixel_that_is_no_number_has_no_answer(signatures, hu):
    broken = hu.copy()
    broken[1, 3, 4] = np.nan
    whole = signatures["serving_default"](hu=tf.constant(hu))["probability"].numpy()
    probability = signatures["serving_default"](hu=tf.constant(broken))["probability"].numpy()
    np.testing.assert_array_equal(probability, [whole[0], np.nan])


def ask_scan(signatures, hu, pixel_spacing_mm=(2.0, 2.0), slice_spacing_mm=(6.0, 4.0)):
    answer = signatures["scan"](
        hu=tf.constant(hu),
        pixel_spacing_mm=tf.constant(pixel_spacing_mm, tf.float32),
        slice_spacing_mm=tf.constant(slice_spacing_mm, tf.float32),
    )
    return {name: value.numpy() for name, value in answer.items()}


def test_a_scan_that_cannot_be_judged_is_uncertain_and_nothing_else(signatures, hu):
    infinite = hu.copy()
    infinite[0, 0, 0] = np.inf
    for answer in (
        ask_scan(signatures, infinite),
        ask_scan(signatures, hu, pixel_spacing_mm=(0, 2)),
        ask_scan(signatures, hu, slice_spacing_mm=(6, -4)),
        ask_scan(signatures, hu[:0], slice_spacing_mm=()),
    ):
        assert np.isnan(answer["probability"])
        assert np.isnan(answer["score"])
        assert (answer["hemorrhage"], answer["uncertain"]) == (False, True)
    assert np.isnan(ask_scan(signatures, infinite)["slice_probability"]).tolist() == [True, False]


def test_padding_of_a_scan_does_not_reach_its_neighbours(signatures, hu):
    padded, air = hu.copy(), hu.copy()
    padded[:, :, :5], air[:, :, :5] = -3024, -1024
    same(ask_scan(signatures, padded), ask_scan(signatures, air))


def test_one_spacing_for_all_slices(signatures, hu):
    same(
        ask_scan(signatures, hu, slice_spacing_mm=(5,)),
        ask_scan(signatures, hu, slice_spacing_mm=(5, 5)),
    )


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
