"""Segmenters that see neighbours, Model 2's head among them: the same answer on every path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import SEGMENTERS, Config
from ichnet.deployment.export import export_model
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume
from ichnet.evaluation.calibrate import subtype_scans
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.slices import SlicePrediction, split_predictor
from ichnet.evaluation.trained import load_trained
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder, ensemble_name, segmenter_name
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.scan_score import ScanCalibration
from ichnet.statistics.subtype_calibration import SubtypeCalibration
from ichnet.subtypes import SUBTYPES

# caches maps of five networks, exports an ensemble and serves it
pytestmark = pytest.mark.slow

NAME = ensemble_name("all")
CURVES = tuple(PlattCalibration(1.0 + i, 0.1 * i) for i in range(4))
CALIBRATION = ScanCalibration(
    "over-10-mm",
    PlattCalibration(1.5, 0.2),
    subtypes=SubtypeCalibration((*CURVES, None), (None, *CURVES)),
)


@pytest.fixture(scope="module")
def all_members(config) -> Config:
    combinations = {**config.ensembles.combinations, "all": SEGMENTERS}
    return replace(config, ensembles=replace(config.ensembles, combinations=combinations))


@pytest.fixture(scope="module")
def beside(all_members, records, tmp_path_factory) -> RunFolder:
    """Untrained networks, whose maps are drawn well apart by a large bias-free head."""
    config, run = all_members, RunFolder(tmp_path_factory.mktemp("beside"))
    members = {}
    for seed, name in enumerate(SEGMENTERS):
        with_subtypes = name == "subtype"
        unet = build_inception_unet(config.image, 8, 2, name, seed, 2, 1, with_subtypes)
        kernel, bias = unet.get_layer("head").get_weights()
        unet.get_layer("head").set_weights([4 * kernel, 0 * bias])
        unet.save(_folder(run, segmenter_name(name)))
        members[name] = unet
    weights = build_weight_model(config.image.matrix, SEGMENTERS, "image", 8, 0.5, seed=9)
    weights.save(_folder(run, NAME))
    for name in ("aihub-scans", "dumc"):
        record_set = RecordSet.open(records / name)
        splits = [split for split in record_set.splits if split != "train"]
        cache_maps(members, record_set, splits, run.maps(name))
    return run


def _folder(run: RunFolder, name: str):
    run.model(name).mkdir(parents=True)
    return run.best(name)


@pytest.fixture(scope="module")
def predicted(all_members, records, beside) -> list[SlicePrediction]:
    """The slices of the test set by cached maps: two scans of three."""
    predict = split_predictor(all_members, NAME, records, beside)
    return predict(RecordSet.open(records / "dumc"), "test")


@pytest.fixture(scope="module")
def model(all_members, beside, tmp_path_factory) -> SavedModel:
    folder = tmp_path_factory.mktemp("export") / "1"
    network = load_trained(all_members, NAME, beside)
    metadata = export_model(network, NAME, all_members, CALIBRATION, folder)
    assert metadata.neighbours == 1
    return SavedModel(folder)


def test_a_served_scan_agrees_with_cached_maps(predicted, model, make_case):
    volume = make_case("dumc1", 66).volume
    scan = tf.saved_model.load(str(model.folder)).signatures["scan"](
        hu=tf.constant(volume.hu, tf.float32),
        pixel_spacing_mm=tf.constant([4.0, 4.0]),
        slice_spacing_mm=tf.constant([5.0, 5.0, 5.0]),
    )
    own = [one for one in predicted if one.scan_id == "dumc1"]
    cached = np.array([one.score for one in own])
    # the cache holds float16, of which half a step is 2.4e-4 at most
    np.testing.assert_allclose(scan["slice_probability"], cached, atol=2.5e-4)
    # the product with the served map's score in place of the rounded one
    unrounded = scan["slice_probability"].numpy() / cached
    scores = np.array([one.subtype_scores for one in own]) * unrounded[:, None]
    expected = CALIBRATION.subtypes.of_slices(scores)
    assert np.isnan(expected[:, 4]).all()
    np.testing.assert_allclose(scan["slice_subtype_probability"], expected, rtol=1e-4)
    pooled = np.array([CALIBRATION.score(scores[:, i], np.full(3, 5.0)) for i in range(5)])
    of_scan = CALIBRATION.subtypes.of_scan(pooled)
    assert np.isnan(of_scan[0])
    np.testing.assert_allclose(scan["subtype_probability"], of_scan, rtol=1e-4)


def test_subtypes_are_scored_by_the_head_and_the_map(all_members, beside, model):
    hu = np.random.default_rng(2).normal(40, 30, (2, 32, 32)).astype(np.float32)
    alone = np.stack([hu] * 3, axis=-1)  # each is its own neighbour
    network = load_trained(all_members, NAME, beside)(alone, training=False)
    head, of_map = network["subtype_score"].numpy()[:, 1:], network["probability"].numpy()
    served = tf.saved_model.load(str(model.folder)).signatures["serving_default"](hu=hu)
    assert served["subtype_score"].shape == (2, 5)
    np.testing.assert_allclose(served["subtype_score"], head * of_map[:, None], rtol=1e-4)


def test_a_scan_in_batches_is_the_scan_at_once(model, make_case, monkeypatch):
    volume = make_case("a", 70).volume
    at_once = predict_volume(model, volume)
    monkeypatch.setattr("ichnet.deployment.saved_model.BATCH_SLICES", 1)
    in_batches = predict_volume(model, volume)
    for one, other in zip(at_once, in_batches, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert at_once.subtype_score.shape == (3, 5)


def test_slices_sent_alone_are_seen_alone(model, make_case):
    """The middle slice differs from its neighbours: to see it beside itself is another answer."""
    hu = make_case("a", 70).volume.hu.astype(np.float32)
    alone = tf.saved_model.load(str(model.folder)).signatures["serving_default"](hu=hu)
    beside = model(hu)
    assert abs(float(alone["probability"][1]) - beside["probability"][1]) > 1e-4
    np.testing.assert_allclose(alone["probability"][1:2], model(hu[1:2])["probability"], rtol=1e-5)


def test_subtypes_of_validation_scans(predicted):
    """Two scans without outlines: scores are there, the truth of slices is not."""
    first, second = subtype_scans(predicted)
    assert first.scores.shape == second.truth.shape == (3, len(SUBTYPES))
    assert set(first.truth.ravel()) == {-1}
    assert first.spacing_mm.tolist() == [5, 5, 5]
