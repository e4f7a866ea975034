"""A result belongs to its input: parts of a series, other contents, other patients."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from prediction_files import predict_into, rows_of

from ichnet.cli import EXCLUDED, SUCCESS
from ichnet.deployment.predict import Predictor, predict_inputs

# each test predicts several times
pytestmark = pytest.mark.slow

KEY = bytes(range(32))
SLICES = 24
HEIGHTS_MM = np.arange(SLICES) * 5.0
BLEEDING_SLICE = 18  # in the upper half


def tall_head(bleeds: bool = True) -> np.ndarray:
    """24 slices of brain in a skull; each half of them could be judged alone, with a vertex."""
    hu = np.full((SLICES, 64, 64), -1000)
    hu[:, 8:56, 8:56] = 1000
    hu[:, 10:54, 10:54] = 30
    for top in (SLICES // 2 - 1, SLICES - 1):
        hu[top] = -1000
        hu[top, 24:40, 24:40] = 1000
    if bleeds:
        hu[BLEEDING_SLICE, 24:40, 16:32] = 80
    return hu


@pytest.fixture
def halves(write_scan, tmp_path) -> tuple[Path, Path]:
    """The lower and the upper half of one series, in a folder each."""
    files = write_scan(tmp_path / "lower", tall_head(), HEIGHTS_MM)
    (tmp_path / "upper").mkdir()
    for path in files[SLICES // 2 :]:
        path.rename(tmp_path / "upper" / path.name)
    return tmp_path / "lower", tmp_path / "upper"


def decisions(out: Path) -> list[tuple[str, str]]:
    rows = rows_of(out / "predictions.csv")
    return [(row["decision"], row["slices"]) for row in rows]


def reasons(out: Path) -> list[str]:
    return [row["reason"] for row in rows_of(out / "excluded.csv")]


def test_halves_in_one_call_are_one_scan(model_dir, halves, tmp_path):
    assert predict_into(model_dir, tmp_path / "out", *halves) == SUCCESS
    assert decisions(tmp_path / "out") == [("hemorrhage", "24")]


def test_halves_in_two_calls_are_refused_until_they_come_together(model_dir, halves, tmp_path):
    out, (lower, upper) = tmp_path / "out", halves
    assert predict_into(model_dir, out, lower) == SUCCESS
    assert decisions(out) == [("no hemorrhage", "12")]
    for part in (upper, lower, upper):
        assert predict_into(model_dir, out, part) == EXCLUDED
        assert decisions(out) == []
        assert reasons(out) == ["incomplete-series"] * 12
        assert not [*out.glob("*.json"), *out.glob("*.png")]  # no answer about a half stays
    assert predict_into(model_dir, out, lower, upper) == SUCCESS
    assert decisions(out) == [("hemorrhage", "24")]
    assert len(list(out.glob("*.json"))) == 1
    assert not list(out.glob("*.refused"))


def test_a_half_after_the_whole_is_refused(model_dir, halves, tmp_path):
    out, (lower, upper) = tmp_path / "out", halves
    assert predict_into(model_dir, out, lower, upper) == SUCCESS
    assert predict_into(model_dir, out, lower) == EXCLUDED
    assert reasons(out) == ["incomplete-series"] * 12


def test_a_refusal_that_was_cut_short_by_a_kill_still_holds(model_dir, halves, tmp_path):
    """Between writing that the second half came alone and removing the first half's answer."""
    out, (lower, upper) = tmp_path / "out", halves
    assert predict_into(model_dir, out, lower) == SUCCESS
    (answer,) = out.glob("*.json")
    kept = answer.read_bytes()
    assert predict_into(model_dir, out, upper) == EXCLUDED
    answer.write_bytes(kept)
    assert predict_into(model_dir, out, lower) == EXCLUDED
    assert reasons(out) == ["incomplete-series"] * 12
    assert not answer.exists()


def test_a_part_that_was_too_short_is_remembered(model_dir, write_scan, tmp_path):
    files = write_scan(tmp_path / "few", tall_head(), HEIGHTS_MM)
    (tmp_path / "most").mkdir()
    for path in files[:20]:
        path.rename(tmp_path / "most" / path.name)
    assert predict_into(model_dir, tmp_path / "out", tmp_path / "few") == EXCLUDED
    assert reasons(tmp_path / "out") == ["incomplete-head"] * 4
    assert predict_into(model_dir, tmp_path / "out", tmp_path / "most") == EXCLUDED
    assert reasons(tmp_path / "out") == ["incomplete-series"] * 20


def test_entries_of_an_inbox_are_joined(model_dir, halves, tmp_path):
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    predictor.take([halves[0]])
    assert decisions(tmp_path / "out") == [("no hemorrhage", "12")]
    predictor.take([halves[1]])
    assert decisions(tmp_path / "out") == [("hemorrhage", "24")]
    assert reasons(tmp_path / "out") == []


def test_single_slices_of_an_inbox_are_joined(model_dir, write_scan, tmp_path):
    files = write_scan(tmp_path / "inbox", tall_head(), HEIGHTS_MM)
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    predictor.take(files[:1])
    assert reasons(tmp_path / "out") == ["single-slice"]
    predictor.take(files[1:])
    assert decisions(tmp_path / "out") == [("hemorrhage", "24")]
    assert reasons(tmp_path / "out") == []


def test_a_damaged_slice_that_arrives_later_withdraws_the_result(model_dir, halves, tmp_path):
    lower, upper = halves
    path = sorted(upper.iterdir())[0]
    path.write_bytes(path.read_bytes()[:-100])
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    predictor.take([lower])
    predictor.take([upper])
    assert decisions(tmp_path / "out") == []
    assert sorted(set(reasons(tmp_path / "out"))) == ["incomplete-series", "truncated"]
    assert not list((tmp_path / "out").glob("*.json"))


def test_other_contents_under_the_same_identities_are_read_again(model_dir, write_scan, tmp_path):
    scan, out = tmp_path / "scan", tmp_path / "out"
    write_scan(scan, tall_head(bleeds=False), HEIGHTS_MM)
    assert predict_into(model_dir, out, scan) == SUCCESS
    before = json.loads(next(out.glob("*.json")).read_text())["provenance"]
    shutil.rmtree(scan)
    write_scan(scan, tall_head(), HEIGHTS_MM)
    assert predict_into(model_dir, out, scan) == SUCCESS
    assert decisions(out) == [("hemorrhage", "24")]
    after = json.loads(next(out.glob("*.json")).read_text())["provenance"]
    assert before["digest"] != after["digest"]
    assert before["instances"] == after["instances"]
    assert len(after["digest"]) == len(after["model_sha256"]) == 64


def test_another_version_of_the_program_makes_it_again(model_dir, write_scan, tmp_path):
    write_scan(tmp_path / "scan", tall_head(), HEIGHTS_MM)
    out = tmp_path / "out"
    assert predict_inputs(model_dir, [tmp_path / "scan"], out, KEY).kept == 0
    assert predict_inputs(model_dir, [tmp_path / "scan"], out, KEY).kept == 1
    (path,) = out.glob("*.json")
    result = json.loads(path.read_text())
    result["provenance"]["ichnet"] = "0.0.0"
    path.write_text(json.dumps(result))
    assert predict_inputs(model_dir, [tmp_path / "scan"], out, KEY).kept == 0


@pytest.fixture
def two_patients(write_scan, tmp_path) -> Path:
    """P1 bleeds, P2 does not; series, study and number of files are the same."""
    for patient, bleeds in (("P1", True), ("P2", False)):
        hu = tall_head(bleeds)
        write_scan(tmp_path / "both" / patient, hu, HEIGHTS_MM, PatientID=patient)
    return tmp_path / "both"


def test_two_patients_of_one_series_uid_in_two_calls(model_dir, two_patients, tmp_path):
    out, rows = tmp_path / "out", []
    for patient in ("P1", "P2"):
        assert predict_into(model_dir, out, two_patients / patient) == SUCCESS
        rows += rows_of(out / "predictions.csv")
    assert [row["decision"] for row in rows] == ["hemorrhage", "no hemorrhage"]
    assert rows[0]["scan_id"] != rows[1]["scan_id"]
    assert rows[0]["patient_id"] != rows[1]["patient_id"]


def test_two_patients_of_one_series_uid_in_one_call(model_dir, two_patients, tmp_path):
    assert predict_into(model_dir, tmp_path / "out", two_patients) == EXCLUDED
    rows = rows_of(tmp_path / "out" / "excluded.csv")
    assert [row["reason"] for row in rows] == ["mixed-series"] * 48
    by_scan = {row["scan_id"] for row in rows}
    assert len(by_scan) == 2  # each under a name of its own


def test_two_patients_of_one_series_uid_in_an_inbox(model_dir, two_patients, tmp_path):
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    predictor.take([two_patients / "P1"])
    predictor.take([two_patients / "P2"])
    assert decisions(tmp_path / "out") == []
    assert reasons(tmp_path / "out") == ["mixed-series"] * 48
    assert not list((tmp_path / "out").glob("*.json"))


def test_another_scan_beside_an_incomplete_one_is_predicted(
    model_dir, halves, write_scan, tmp_path
):
    write_scan(tmp_path / "other", tall_head(), HEIGHTS_MM, series="2")
    assert predict_into(model_dir, tmp_path / "out", halves[0]) == SUCCESS
    assert predict_into(model_dir, tmp_path / "out", halves[1], tmp_path / "other") == EXCLUDED
    assert decisions(tmp_path / "out") == [("hemorrhage", "24")]


def test_a_slice_that_is_scanned_again_takes_its_place(model_dir, write_scan, tmp_path):
    """The first one is no slice that is missing."""
    files = write_scan(tmp_path / "inbox", tall_head(), HEIGHTS_MM)
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    predictor.take(files)
    again = pydicom.dcmread(files[BLEEDING_SLICE])
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = "2.25.4711"
    again.InstanceNumber = 100
    pixels = again.pixel_array.copy()
    pixels[24:40, 16:32] = pixels[20, 20]  # as the brain around
    again.PixelData = pixels.tobytes()
    again.save_as(tmp_path / "inbox" / "again.dcm")
    predictor.take([tmp_path / "inbox" / "again.dcm"])
    assert decisions(tmp_path / "out") == [("no hemorrhage", "24")]
    assert reasons(tmp_path / "out") == ["duplicate-position"]


def test_some_slices_that_come_again_leave_the_whole_scans_result(model_dir, halves, tmp_path):
    out = tmp_path / "out"
    predict_into(model_dir, out, *halves)
    before = sorted(path.name for path in out.iterdir())
    assert predict_into(model_dir, out, halves[0]) == EXCLUDED
    assert set(reasons(out)) == {"incomplete-series"}
    assert sorted(path.name for path in out.iterdir()) == before
