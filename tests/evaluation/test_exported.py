"""An export of known answers against records of known truth, and records that it cannot take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.config import ConfigError
from ichnet.deployment.export import export_model
from ichnet.deployment.saved_model import SavedModel
from ichnet.evaluation import exported
from ichnet.evaluation.exported import answer_scan, evaluate_export
from ichnet.records.assembly import write_record_set
from ichnet.records.record_set import RecordSet, read_table
from ichnet.records.source import MadeScans
from ichnet.runs.external import answers_folder, read_test
from ichnet.runs.predictions import read_predictions, scans_path, slices_path, subtypes_path
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.scan_score import UNCHANGED
from ichnet.statistics.subtype_calibration import SubtypeCalibration

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(bright_pixels, config, tmp_path_factory) -> SavedModel:
    """0 up to 50 HU, 1 from 70 HU on; the highest slice score is the probability."""
    folder = tmp_path_factory.mktemp("export") / "bright" / "1"
    export_model(bright_pixels, "bright", config, UNCHANGED, folder)
    return SavedModel(folder)


@pytest.fixture(scope="module")
def record_set(write_records, make_case, tmp_path_factory) -> RecordSet:
    """A lesion of 66 HU, which has score 0.8; a normal scan; a lesion that nobody outlined."""
    cases = [make_case("a", 66), make_case("b", None), make_case("c", 66, outlined=False)]
    return write_records(tmp_path_factory.mktemp("records") / "own", {"test": cases})


@pytest.fixture(scope="module")
def out(model, record_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    evaluate_export(model, record_set, folder)
    return folder


def test_predictions_are_written_in_the_format_of_runs(out):
    folder = answers_folder(out).predictions("bright")
    scans = read_predictions(scans_path(folder, "aihub"))
    assert scans["scan_id"].tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(scans["score"], [0.8, 0, 0.8], atol=1e-5)
    np.testing.assert_allclose(scans["probability"], [0.8, 1e-6, 0.8], atol=1e-5)
    # 16 pixels of 4 mm x 4 mm, 5 mm thick
    np.testing.assert_allclose(scans["predicted_volume_ml"], [1.28, 0, 1.28], rtol=1e-5)
    slices = read_predictions(slices_path(folder, "aihub"))
    np.testing.assert_allclose(slices["score"][:3], [0, 0.8, 0], atol=1e-5)
    assert slices["mask_pixels"][1] == slices["predicted_pixels"][1] == 16
    assert slices["overlap_pixels"][1] == 8  # the outline lies two columns aside
    assert np.isnan(slices["mask_pixels"][6:]).all()
    assert np.isnan(slices["ANY"][6:]).all()
    assert not subtypes_path(folder, "aihub").exists()


def test_lesions_of_outlined_scans_are_measured(out):
    folder = answers_folder(out).lesions("bright")
    (lesion,) = read_table(folder / "lesions.csv")
    assert (lesion["scan_id"], lesion["volume_ml"], lesion["found"]) == ("a", "1.28", "1")
    first, second = read_table(folder / "scans.csv")
    assert (first["dice"], second["dice"]) == ("0.5", "")


def test_what_was_evaluated_is_told(out, model, record_set):
    test = read_test(answers_folder(out).root)
    assert (test.model, test.records, test.cohort) == ("bright", "own", "aihub")
    assert test.model_sha256 == model.fingerprint
    assert test.records_fingerprint == record_set.fingerprint
    assert (test.threshold, test.matrix, test.records_matrix) == (0.5, 32, 32)
    assert not test.calibrated


def test_the_same_model_is_not_asked_again_on_the_same_records(
    out, model, record_set, write_records, make_case, tmp_path, monkeypatch
):
    def asked(*_):
        raise AssertionError("asked")

    monkeypatch.setattr(exported, "answer_scan", asked)
    assert evaluate_export(model, record_set, out) == read_test(answers_folder(out).root)
    other = write_records(tmp_path / "own", {"test": [make_case("d", 66)]})
    with pytest.raises(AssertionError, match="asked"):
        evaluate_export(model, other, out)


def test_a_scan_in_batches_is_the_scan_at_once(model, monkeypatch):
    hu = np.random.default_rng(3).uniform(0, 100, (5, 32, 32)).astype(np.float32)
    at_once = answer_scan(model, hu)
    monkeypatch.setattr("ichnet.deployment.saved_model.BATCH_SLICES", 2)
    in_batches = answer_scan(model, hu)
    assert in_batches["mask_probability"].shape == (5, 32, 32)
    for name, values in at_once.items():
        np.testing.assert_allclose(in_batches[name], values, atol=1e-5)


def test_records_of_more_pixels_are_resized_by_the_export(model, config, make_case, tmp_path):
    image = replace(config.image, matrix=64)
    chosen = [(make_case("a", 66), "test", None)]
    larger = write_record_set(chosen, MadeScans(lambda one: one, 3), image, tmp_path / "own", {})
    evaluate_export(model, larger, tmp_path / "out")
    folder = answers_folder(tmp_path / "out").predictions("bright")
    slices = read_predictions(slices_path(folder, "aihub"))
    np.testing.assert_allclose(slices["score"], [0, 0.8, 0], atol=1e-5)
    assert slices["mask_pixels"][1] == 64
    assert 16 <= slices["predicted_pixels"][1] <= 64  # 8 x 8 but for its blurred edge


@pytest.mark.parametrize(("matrix", "field_of_view_mm"), [(32, 230.0), (16, 128.0)])
def test_records_of_another_image_are_refused(
    model, record_set, tmp_path, matrix, field_of_view_mm
):
    image = {**record_set.info["image"], "matrix": matrix, "field_of_view_mm": field_of_view_mm}
    other = replace(record_set, info={**record_set.info, "image": image})
    view = f"{matrix} x {matrix} pixels over {field_of_view_mm:g} mm"
    with pytest.raises(ConfigError, match=f"own holds slices of {view}, and bright works at 32 x"):
        evaluate_export(model, other, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_records_of_single_slices_are_refused(model, record_set, tmp_path):
    drawn = replace(record_set, slices=record_set.slices[1:])
    with pytest.raises(ConfigError, match=r"single slices of 1 of its 3 scans.*prepare it with --"):
        evaluate_export(model, drawn, tmp_path)


def test_records_without_test_scans_are_refused(model, write_records, make_case, tmp_path):
    trained = write_records(tmp_path / "own", {"train": [make_case("a", 66)]})
    with pytest.raises(ConfigError, match=r"no scan of split 'test'.*--whole"):
        evaluate_export(model, trained, tmp_path / "out")


class WithSubtypes(SavedModel):
    """Says beside its map that every slice shows IPH with 0.6, and nothing else."""

    def __call__(self, hu):
        scores = np.tile(np.float32([0, 0.6, 0, 0, 0]), (len(hu), 1))
        return {**super().__call__(hu), "subtype_score": scores}


def test_subtypes_are_calibrated_by_scan_and_by_slice(model, record_set, tmp_path):
    told = WithSubtypes(model.folder)
    as_it_is, halved = PlattCalibration(1, 0), PlattCalibration(1, -np.log(1.5))  # 0.6 to 0.5
    curves = SubtypeCalibration((None, as_it_is, *[None] * 3), (None, halved, *[None] * 3))
    calibration = replace(UNCHANGED, subtypes=curves)
    told.metadata = replace(told.metadata, calibration=calibration)
    evaluate_export(told, record_set, tmp_path)
    folder = answers_folder(tmp_path).predictions("bright")
    rows = read_predictions(subtypes_path(folder, "aihub"))
    assert rows["scan_id"].tolist() == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    np.testing.assert_array_equal(rows["slice_index"][:4], [np.nan, 0, 1, 2])
    np.testing.assert_array_equal(rows["IPH"][:4], [1, 0, 1, 0])
    np.testing.assert_allclose(rows["score_IPH"], 0.6, atol=1e-6)
    np.testing.assert_allclose(rows["probability_IPH"][:4], [0.5, 0.6, 0.6, 0.6], atol=1e-6)
    assert np.isnan(rows["probability_EDH"]).all()
