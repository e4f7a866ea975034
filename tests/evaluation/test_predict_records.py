"""Predictions of record sets, by hand; and the same answer on every path to it."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ichnet.cohorts.splits import PatientOverlapError
from ichnet.config import ConfigError
from ichnet.deployment.export import export_model
from ichnet.deployment.saved_model import SavedModel
from ichnet.evaluation.calibrate import calibrate_model, known_scans
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.predict_records import predict_external, predict_model, write_cohort
from ichnet.evaluation.slices import predict_slices, split_predictor
from ichnet.evaluation.trained import load_trained
from ichnet.networks.weight_model import build_weight_model
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.runs import TEST_COHORTS, RunFolder, ensemble_name, segmenter_name
from ichnet.runs.experiment import begin_run
from ichnet.runs.predictions import read_predictions
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.scan_score import ScanCalibration, read_calibration
from ichnet.training.calibration import fit_calibration

ROOT = Path(__file__).parents[2]
RECORD_SETS = ("aihub-scans", "dumc", "cq500")
PIXEL_ML = 4 * 4 * 5 / 1000


@pytest.fixture(scope="module")
def records(records, write_records, make_case, tmp_path_factory) -> Path:
    """The record sets with scans enough to calibrate on: three of each kind could be chance."""
    root = tmp_path_factory.mktemp("records-to-calibrate-on")
    for cohort in TEST_COHORTS:
        (root / cohort).symlink_to(records / cohort)
    hemorrhages = [make_case(f"v{number}", 65) for number in range(1, 5)]
    normal = [make_case(f"v{number}", None) for number in range(5, 9)]
    splits = {"train": [make_case("t1", 65)], "ensemble": [make_case("e1", 75)]}
    write_records(root / "aihub-scans", {**splits, "validation": [*hemorrhages, *normal]})
    return root


@pytest.fixture(scope="module")
def run(members, classifier, records, config, tmp_path_factory) -> RunFolder:
    """A run with five segmenters, one ensemble, one classifier, and the maps."""
    run = RunFolder(tmp_path_factory.mktemp("run"))
    models = {segmenter_name(name): member for name, member in members.items()}
    models[ensemble_name("sah")] = build_weight_model(
        config.image.matrix, ["all", "subtype", "sah"], "image", 4, 0.5, seed=3
    )
    models["MobileNetV2-rsna-weak"] = classifier
    for name, model in models.items():
        run.model(name).mkdir(parents=True)
        model.save(run.best(name))
    for name in RECORD_SETS:
        record_set = RecordSet.open(records / name)
        splits = [split for split in record_set.splits if split != "train"]
        cache_maps(members, record_set, splits, run.maps(name))
    return run


def predict(config, model, records, run) -> None:
    """Calibrate a model and write its predictions."""
    calibrate_model(config, model, records, run)
    predict_model(config, model, records, run)


def text_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_segmenter_is_measured_slice_by_slice(members, records):
    record_set = RecordSet.open(records / "aihub-scans")
    batches = slices_dataset(record_set, "ensemble").batch(2)

    def answer(batch):
        maps = members["all"](batch["hu"], training=False)
        return {"score": np.float32([0.25]) * maps[:, 9, 9], "map": maps}

    before, lesion, after = predict_slices(batches, answer, pixel_threshold=0.5)
    assert (lesion.scan_id, lesion.patient_id, lesion.slice_index) == ("e1", "patient of e1", 1)
    assert lesion.labels == (1, 0, 1, 0, 0, 0)
    assert lesion.score == pytest.approx(0.25)
    # 4 x 4 pixels each, side by side but for two columns
    assert (lesion.mask_pixels, lesion.predicted_pixels, lesion.overlap_pixels) == (16, 16, 8)
    assert lesion.pixel_ml == pytest.approx(PIXEL_ML)
    assert (before.predicted_pixels, after.mask_pixels, after.overlap_pixels) == (0, 0, 0)


def test_scores_above_one_by_rounding_are_one(records):
    batches = slices_dataset(RecordSet.open(records / "dumc"), "test").batch(4)
    found = predict_slices(
        batches, lambda batch: {"score": batch["hu"][:, 0, 0] * 0 + 1.0000001}, 0.5
    )
    assert {one.score for one in found} == {1.0}


@pytest.mark.slow
def test_a_segmenter_s_predictions_of_a_cohort_without_outlines(config, records, run):
    predict(config, "segmenter-all", records, run)
    with_ich, normal = text_rows(run.predictions("segmenter-all") / "dumc.scans.csv")
    calibration = read_calibration(run.calibration("segmenter-all"))
    assert with_ich["scan_id"] == "dumc1"
    assert (with_ich["ANY"], with_ich["IPH"], with_ich["SDH"]) == ("1", "1", "0")
    assert (with_ich["votes"], normal["votes"]) == ("110", "000")
    assert (with_ich["volume_ml"], normal["volume_ml"]) == ("", "")
    # the lesion's 66 HU lie four fifths between 50 and 70; four pixels make a slice's score, and
    # the mean of three slices, of which two are normal, the scan's
    assert float(with_ich["score"]) == pytest.approx(0.8 / 3, abs=1e-3)
    probability = calibration.apply(float(with_ich["score"]))
    assert float(with_ich["probability"]) == pytest.approx(probability, rel=1e-6)
    assert float(with_ich["predicted_volume_ml"]) == pytest.approx(16 * PIXEL_ML)
    assert (float(normal["score"]), float(normal["predicted_volume_ml"])) == (0, 0)
    slices = text_rows(run.predictions("segmenter-all") / "dumc.slices.csv")
    assert [row["slice_index"] for row in slices] == ["0", "1", "2"] * 2
    assert {row["ANY"] for row in slices} == {""}
    assert {(row["mask_pixels"], row["overlap_pixels"]) for row in slices} == {("", "")}
    assert [row["predicted_pixels"] for row in slices] == ["0", "16", "0", "0", "0", "0"]
    for cohort in ("dumc", "cq500"):
        for kind in ("scans", "slices"):
            read_predictions(run.predictions("segmenter-all") / f"{cohort}.{kind}.csv")


@pytest.mark.slow
def test_calibration_separates_what_the_score_separates(config, records, run):
    predict(config, "segmenter-all", records, run)
    calibration = read_calibration(run.calibration("segmenter-all"))
    assert (calibration.pooling, calibration.calibrated) == ("mean-of-3", True)
    # four scans of each kind: Platt's targets are 5/6 and 1/6, and two scores can meet them
    assert calibration.apply(0.75 / 3) == pytest.approx(5 / 6, abs=1e-3)
    assert calibration.apply(0.0) == pytest.approx(1 / 6, abs=1e-3)


def test_a_model_that_may_guess_is_named_and_predicts_the_share_of_hemorrhages(
    config, records, run, write_records, make_case, tmp_path, caplog, monkeypatch
):
    """Two scans of each kind in perfect order are no evidence; the order is kept."""
    for cohort in TEST_COHORTS:
        (tmp_path / cohort).symlink_to(records / cohort)
    scans = [make_case(name, hu) for name, hu in zip("abcd", (90, 90, None, None), strict=True)]
    write_records(tmp_path / "aihub-scans", {"validation": scans})
    name, own = "MobileNetV2-rsna-weak", RunFolder(tmp_path / "run")
    shutil.copytree(run.model(name), own.model(name))
    for _ in range(2):  # fitted, and read again
        caplog.clear()
        assert not calibrate_model(config, name, tmp_path, own).calibrated
        told = f"{name} cannot be told from a model that guesses, on 2 validation scans with and 2"
        assert sum(told in message for message in caplog.messages) == 1
    begin_run(config, tmp_path, own)
    monkeypatch.setattr("sys.argv", ["calibrate.py", "--run", str(own.root), "--models", name])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "models" / "calibrate.py"), run_name="__main__")
    assert ended.value.code == 3  # all done, which is no success
    command = ["predict.py", "--calibrate", "--run", str(own.root), "--models", name]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "eval" / "predict.py"), run_name="__main__")
    assert ended.value.code == 3  # and predicted
    found = [
        float(row["probability"])
        for cohort in TEST_COHORTS
        for row in text_rows(own.predictions(name) / f"{cohort}.scans.csv")
    ]
    np.testing.assert_allclose(found, 0.5, atol=0.02)
    assert found[0] > found[1]


def test_a_scan_s_score_is_that_of_the_chosen_way(config, records, run, tmp_path):
    """Three slices of 5 mm at 0, .8 and 0 over 10 mm, read from feet to head in any order."""
    calibration = ScanCalibration("over-10-mm", PlattCalibration(1.0, 0.0))
    record_set = RecordSet.open(records / "dumc")
    slices = split_predictor(config, "segmenter-all", records, run)(record_set, "test")
    write_cohort(slices[::-1], record_set, calibration, tmp_path, "dumc")
    scores = {row["scan_id"]: row["score"] for row in text_rows(tmp_path / "dumc.scans.csv")}
    assert float(scores["dumc1"]) == pytest.approx(0.4, abs=1e-3)
    assert float(scores["dumc2"]) == 0


def test_a_classifier_predicts_no_volume(config, records, run):
    predict(config, "MobileNetV2-rsna-weak", records, run)
    rows = text_rows(run.predictions("MobileNetV2-rsna-weak") / "cq500.scans.csv")
    assert [row["predicted_volume_ml"] for row in rows] == ["", ""]
    (first, *_) = text_rows(run.predictions("MobileNetV2-rsna-weak") / "cq500.slices.csv")
    # 30 HU all over: the classifier is the sigmoid of a hundredth of the mean
    assert float(first["score"]) == pytest.approx(1 / (1 + np.exp(-0.3)), rel=1e-5)
    assert (first["predicted_pixels"], first["overlap_pixels"]) == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", [ensemble_name("sah"), segmenter_name("sdh")])
def test_cached_maps_and_saved_model_agree(name, config, records, run, tmp_path):
    predict(config, name, records, run)
    rows = text_rows(run.predictions(name) / "dumc.slices.csv")
    dataset = slices_dataset(RecordSet.open(records / "dumc"), "test")
    hu = np.stack([one["hu"] for one in dataset.as_numpy_iterator()])
    calibration = read_calibration(run.calibration(name))
    export_model(load_trained(config, name, run), name, config, calibration, tmp_path / "1")
    served = SavedModel(tmp_path / "1")(hu)
    cached = [float(row["score"]) for row in rows]
    assert max(cached) > 0.1
    # the cache holds float16, of which half a step is 2.4e-4 at most
    np.testing.assert_allclose(cached, served["probability"], atol=2.5e-4)
    predicted = [int(row["predicted_pixels"]) for row in rows]
    assert predicted == served["mask"].sum(axis=(1, 2)).tolist()


def test_calibration_needs_scans_of_both_kinds(config, members, write_records, make_case, tmp_path):
    known = [make_case("a", 90), make_case("b", 90)]
    unknown = make_case("c", None)
    unknown.scan_labels[:] = -1
    record_set = write_records(tmp_path / "one-kind", {"validation": [*known, unknown]})
    batches = slices_dataset(record_set, "validation").batch(4)
    predictions = list(
        predict_slices(batches, lambda batch: {"score": batch["hu"][:, 9, 9] / 100}, 0.5)
    )
    assert len(predictions) == 9
    scans, truth = known_scans(predictions, record_set)
    for one in scans:
        np.testing.assert_allclose(one.scores, [0.3, 0.9, 0.3], atol=1e-6)
        assert one.spacing_mm.tolist() == [5, 5, 5]
    assert truth == [True, True]
    with pytest.raises(ConfigError, match="here: cannot calibrate on 2 scans with and 0"):
        fit_calibration(scans, truth, where="here")


def test_a_model_that_is_not_trained_is_named(config, records, run):
    for step in (calibrate_model, predict_model):
        with pytest.raises(FileNotFoundError, match="VGG19-rsna-weak has not been trained"):
            step(config, "VGG19-rsna-weak", records, run)


def test_predicting_fits_nothing(config, records, run):
    with pytest.raises(FileNotFoundError, match=r"no calibration .* make it \(models/calibrate"):
        predict_model(config, "segmenter-small", records, run)
    with pytest.raises(FileNotFoundError, match=r"rule\.json: no rule; fit it"):
        predict_model(config, "baseline-threshold", records, run)
    with pytest.raises(FileNotFoundError, match=r"weights\.json: no weights; fit them"):
        predict_model(config, "baseline-nnls", records, run)
    assert not run.predictions("segmenter-small").exists()


def test_a_calibration_of_another_model_is_not_used(config, records, run):
    name = "MobileNetV2-aihub-weak"
    shutil.copytree(run.model("MobileNetV2-rsna-weak"), run.model(name))
    calibrate_model(config, name, records, run)
    run.best(name).write_bytes(run.best(segmenter_name("all")).read_bytes())
    with pytest.raises(FileNotFoundError, match="no calibration of MobileNetV2-aihub-weak as it"):
        predict_model(config, name, records, run)


def test_predictions_of_the_same_are_kept_and_of_another_threshold_made_again(config, records, run):
    predict(config, "segmenter-sah", records, run)
    path = run.predictions("segmenter-sah") / "dumc.slices.csv"
    made = path.stat().st_mtime_ns
    predict(config, "segmenter-sah", records, run)
    assert path.stat().st_mtime_ns == made
    strict = replace(config, evaluation=replace(config.evaluation, mask_threshold=0.999))
    predict(strict, "segmenter-sah", records, run)
    assert path.stat().st_mtime_ns != made


def test_maps_of_other_records_are_refused(
    config, records, run, write_records, make_case, tmp_path
):
    write_records(tmp_path / "aihub-scans", {"validation": [make_case("new", 90)]})
    for cohort in TEST_COHORTS:
        (tmp_path / cohort).symlink_to(records / cohort)
    with pytest.raises(ConfigError, match="maps of other records"):
        calibrate_model(config, "segmenter-all", tmp_path, run)


def test_patients_whom_models_learn_from_are_not_for_testing(
    config, records, run, write_records, make_case, tmp_path
):
    for name in ("aihub-scans", "cq500"):
        (tmp_path / name).symlink_to(records / name)
    write_records(tmp_path / "dumc", {"test": [make_case("t1", 90), make_case("x", None)]})
    with pytest.raises(PatientOverlapError, match=r"^1 patients .*aihub-scans train; dumc test"):
        predict_model(config, "segmenter-all", tmp_path, run)


def test_the_pixel_threshold_is_the_configuration_s(config, records, run, tmp_path):
    strict = replace(config, evaluation=replace(config.evaluation, mask_threshold=0.8))
    predict(strict, "segmenter-sdh", records, run)
    row, _ = text_rows(run.predictions("segmenter-sdh") / "dumc.scans.csv")
    assert float(row["score"]) == pytest.approx(0.3 / 3, abs=1e-3)
    assert float(row["predicted_volume_ml"]) == 0


def test_another_record_set_is_predicted_beside_the_run(config, records, run, members, tmp_path):
    """The same scans by another name: the same predictions, in a folder of their own."""
    shutil.copytree(records / "dumc", tmp_path / "real")
    again = RecordSet.open(tmp_path / "real")
    cache_maps(members, again, again.splits, run.maps("real"))
    predict(config, "segmenter-all", records, run)
    predict_external(config, "segmenter-all", again, records, run)
    there = run.external("real").predictions("segmenter-all") / "dumc.scans.csv"
    assert text_rows(there) == text_rows(run.predictions("segmenter-all") / "dumc.scans.csv")
    assert not list(there.parent.glob("cq500.*"))


def test_another_record_set_must_be_whole_and_of_the_run_s_size(config, records, run, tmp_path):
    with pytest.raises(ConfigError, match="whole scans"):
        predict_external(config, "x", RecordSet.open(records / "aihub-scans"), records, run)
    shutil.copytree(records / "dumc", tmp_path / "real")
    info = json.loads((tmp_path / "real" / "info.json").read_text(encoding="utf-8"))
    info["image"]["field_of_view_mm"] += 1
    (tmp_path / "real" / "info.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(ConfigError, match="another size"):
        predict_external(config, "x", RecordSet.open(tmp_path / "real"), records, run)
