"""DICOM in, results out, on scans whose every answer is known."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from known_scans import BLEEDING_SLICE, HEIGHTS_MM, head
from prediction_files import json_of, predict_into, rows_of

from ichnet.cli import EXCLUDED, FAILED, SUCCESS
from ichnet.cohorts.case import Case
from ichnet.ct.dicom import read_series
from ichnet.deployment import scan_prediction as prediction
from ichnet.deployment.export import export_model
from ichnet.deployment.predict import Predictor, predict_inputs
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume
from ichnet.deployment.scan_result import CSV_COLUMNS
from ichnet.records.writer import encode_case

KEY = bytes(range(32))
# 16 x 16 pixels of 2 x 2 mm; the slice stands for (5 + 10) / 2 mm along z, and the gantry's tilt
# brings the slices closer together than that
VOLUME_ML = 256 * 4 * 8.5 * np.cos(np.radians(20)) / 1000


def test_a_normal_and_a_bleeding_scan(model_dir, two_scans, tmp_path):
    out = tmp_path / "out"
    assert predict_into(model_dir, out, two_scans) == SUCCESS
    rows = rows_of(out / "predictions.csv")
    assert tuple(rows[0]) == CSV_COLUMNS
    normal, bleeding = sorted(rows, key=lambda row: float(row["probability"]))
    assert (normal["decision"], bleeding["decision"]) == ("no hemorrhage", "hemorrhage")
    assert (float(normal["score"]), float(bleeding["score"])) == (0, 1)
    assert float(normal["volume_ml"]) == 0
    assert float(bleeding["volume_ml"]) == pytest.approx(VOLUME_ML, abs=5e-4)
    assert {row["slices"] for row in rows} == {"11"}
    assert {row["model"] for row in rows} == {"bright"}
    assert {row["data_statement"] for row in rows} == {"Not trained at all."}
    assert {row["threshold"] for row in rows} == {"0.5"}
    assert rows_of(out / "excluded.csv") == []
    names = {path.name for path in out.iterdir()}
    expected = {f"{row['scan_id']}.{suffix}" for row in rows for suffix in ("json", "png")}
    assert names == {"predictions.csv", "excluded.csv"} | expected


def test_the_json_places_each_slice(model_dir, two_scans, tmp_path):
    out = tmp_path / "out"
    predict_inputs(model_dir, [two_scans], out, KEY)
    bleeding = max(rows_of(out / "predictions.csv"), key=lambda row: float(row["score"]))
    result = json_of(out, bleeding)
    slices = result["slices"]
    assert [one["index"] for one in slices] == list(range(11))
    cosine = np.cos(np.radians(20))
    np.testing.assert_allclose([s["position_mm"] for s in slices], HEIGHTS_MM * cosine, atol=2e-3)
    assert slices[BLEEDING_SLICE]["spacing_mm"] == pytest.approx(8.5 * cosine, abs=2e-3)
    assert [one["probability"] for one in slices] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert slices[BLEEDING_SLICE]["volume_ml"] == pytest.approx(VOLUME_ML, rel=1e-4)
    assert sum(one["volume_ml"] for one in slices) == pytest.approx(result["volume_ml"])
    assert result["geometry"] == {
        "slices": 11,
        "rows": 64,
        "columns": 64,
        "pixel_spacing_mm": [2.0, 2.0],
        "slice_spacing_mm_smallest": pytest.approx(5 * cosine, abs=2e-3),
        "slice_spacing_mm_largest": pytest.approx(8.5 * cosine, abs=2e-3),
        "tilt_degrees": pytest.approx(20, abs=0.01),
    }
    assert result["research_use"].startswith("For research use only")
    assert result["model_metadata"]["versions"]["ichnet"]


def test_no_identity_leaves_the_reader(model_dir, two_scans, tmp_path):
    out = tmp_path / "out"
    predict_inputs(model_dir, [two_scans], out, KEY)
    for path in out.iterdir():
        content = path.read_bytes()
        for identity in (b"HOSPITAL", b"Doe", b"20230917", b"1.2.826"):
            assert identity not in content, f"{identity!r} in {path.suffix}"


@pytest.mark.slow
def test_a_classifier_has_no_volume_and_no_outline(
    classifier, config, calibration, two_scans, tmp_path
):
    export_model(classifier, "mean", config, calibration, tmp_path / "1")
    assert predict_into(tmp_path / "1", tmp_path / "out", two_scans) == SUCCESS
    rows = rows_of(tmp_path / "out" / "predictions.csv")
    assert [row["volume_ml"] for row in rows] == ["", ""]
    assert json_of(tmp_path / "out", rows[0])["volume_ml"] is None


def no_model(*_):
    raise AssertionError("computed again")


def test_finished_scans_are_kept(model_dir, two_scans, tmp_path, monkeypatch):
    out = tmp_path / "out"
    predict_inputs(model_dir, [two_scans], out, KEY)
    before = (out / "predictions.csv").read_bytes()
    monkeypatch.setattr(prediction, "predict_volume", no_model)
    summary = predict_inputs(model_dir, [two_scans], out, KEY)
    assert (summary.scans, summary.kept) == (2, 2)
    assert (out / "predictions.csv").read_bytes() == before


def change_threshold(model_dir: Path, scans: Path, out: Path) -> None:
    path = model_dir / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**metadata, "threshold": 0.25}), encoding="utf-8")


def change_one_byte(model_dir: Path, scans: Path, out: Path) -> None:
    for series in ("1", "2"):
        path = scans / f"{series}-001.dcm"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)


def damage_json(model_dir: Path, scans: Path, out: Path) -> None:
    for path in out.glob("*.json"):
        path.write_text("{", encoding="utf-8")


def remove_pictures(model_dir: Path, scans: Path, out: Path) -> None:
    for path in out.glob("*.png"):
        path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [change_threshold, change_one_byte, damage_json, remove_pictures]
)
def test_scans_are_computed_again_when_anything_differs(model_dir, two_scans, tmp_path, change):
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(model_dir, model)
    predict_inputs(model, [two_scans], out, KEY)
    change(model, two_scans, out)
    summary = predict_inputs(model, [two_scans], out, KEY)
    assert (summary.scans, summary.kept) == (2, 0)
    assert predict_inputs(model, [two_scans], out, KEY).kept == 2


def test_an_interrupted_run_goes_on(model_dir, two_scans, tmp_path, monkeypatch):
    out = tmp_path / "out"
    predict_volume = prediction.predict_volume
    calls = []

    def interrupt_the_second(model, volume):
        calls.append(volume.scan_id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict_volume(model, volume)

    monkeypatch.setattr(prediction, "predict_volume", interrupt_the_second)
    with pytest.raises(KeyboardInterrupt):
        predict_inputs(model_dir, [two_scans], out, KEY)
    assert [row["scan_id"] for row in rows_of(out / "predictions.csv")] == calls[:1]
    assert [path.stem for path in out.glob("*.json")] == calls[:1]
    summary = predict_inputs(model_dir, [two_scans], out, KEY)
    assert (summary.scans, summary.kept) == (2, 1)
    assert calls[2:] == calls[1:2]


def jpegs(folder: Path, write_scan) -> None:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(300))


def scout(folder: Path, write_scan) -> None:
    write_scan(
        folder, head()[:1], [0.0], series="9", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )


def truncated(folder: Path, write_scan) -> None:
    path = write_scan(folder, head()[:2], [0.0, 5.0], series="8")[1]
    path.write_bytes(path.read_bytes()[:-4000])


BAD_INPUT = {
    "folder of JPEGs": (jpegs, {"not-dicom": 2}),
    "scout image": (scout, {"localizer": 1}),
    "truncated DICOM": (truncated, {"truncated": 1, "incomplete-series": 1}),
}


@pytest.mark.parametrize(("make", "reasons"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_input_without_a_head_ct_is_excluded_like_any_other(
    make, reasons, model_dir, write_scan, tmp_path, capsys
):
    folder, out = tmp_path / "input", tmp_path / "out"
    folder.mkdir()
    make(folder, write_scan)
    assert predict_into(model_dir, out, folder) == EXCLUDED
    assert Counter(row["reason"] for row in rows_of(out / "excluded.csv")) == reasons
    assert rows_of(out / "predictions.csv") == []
    said = capsys.readouterr()
    assert said.out.startswith("scans predicted: 0, see ")
    assert said.err.startswith(f"files excluded: {sum(reasons.values())}, see ")


def test_nothing_to_read_ends_with_2_unless_something_is(model_dir, two_scans, tmp_path, capsys):
    absent, empty = tmp_path / "absent", tmp_path / "empty"
    empty.mkdir()
    assert predict_into(model_dir, tmp_path / "out", absent, empty) == FAILED
    reasons = [row["reason"] for row in rows_of(tmp_path / "out" / "excluded.csv")]
    assert reasons == ["missing-file", "empty"]
    message = capsys.readouterr().err
    assert message.startswith("ichnet: error: there is nothing to read, see ")
    assert predict_into(model_dir, tmp_path / "out", absent, empty, two_scans) == EXCLUDED
    (tmp_path / "text.txt").write_text("no DICOM")
    assert predict_into(model_dir, tmp_path / "out", absent, tmp_path / "text.txt") == EXCLUDED


def test_good_scans_are_predicted_beside_bad_files(
    model_dir, two_scans, write_scan, tmp_path, capsys
):
    for make in (jpegs, scout, truncated):
        make(two_scans, write_scan)
    assert predict_into(model_dir, tmp_path / "out", two_scans, tmp_path / "absent") == EXCLUDED
    assert len(rows_of(tmp_path / "out" / "predictions.csv")) == 2
    excluded = rows_of(tmp_path / "out" / "excluded.csv")
    assert len(excluded) == 2 + 1 + 2 + 1
    captured = capsys.readouterr()
    assert "scans predicted: 2, see" in captured.out
    assert "files excluded: 6, see" in captured.err


def test_zip_archives_and_single_files(model_dir, two_scans, tmp_path):
    archive = tmp_path / "scans.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in two_scans.glob("1-*.dcm"):
            opened.write(path, path.name)
    files = list(two_scans.glob("2-*.dcm"))
    assert predict_into(model_dir, tmp_path / "out", archive, *files) == SUCCESS
    rows = rows_of(tmp_path / "out" / "predictions.csv")
    assert sorted(row["decision"] for row in rows) == ["hemorrhage", "no hemorrhage"]


def test_dicom_and_records_give_the_model_the_same_pixels(model_dir, config, write_scan, tmp_path):
    rng = np.random.default_rng(5)
    hu = rng.normal(60, 30, (len(HEIGHTS_MM), 70, 50)).round()
    files = write_scan(tmp_path / "scan", hu, HEIGHTS_MM, PixelSpacing=[1.7, 2.3])
    volume = read_series(files, KEY)
    model = SavedModel(model_dir)
    labels = np.zeros((len(hu), 6), np.int8)
    records = encode_case(Case("dumc", volume, labels[0], labels), config.image)
    expected = model(np.stack([record.hu for record in records]).astype(np.float32))
    predicted = predict_volume(model, volume)
    np.testing.assert_allclose(predicted.probability, expected["probability"], atol=1e-6)


def test_a_head_beside_the_centre_is_seen_and_its_mask_lies_on_it(model_dir, write_scan, tmp_path):
    middle = head(80.0)
    wide = np.full((len(HEIGHTS_MM), 64, 160), -1000)
    wide[:, :, 80:144] = middle  # 64 pixels of 2 mm to the left of where the networks would look
    model = SavedModel(model_dir)
    expected = predict_volume(
        model, read_series(write_scan(tmp_path / "a", middle, HEIGHTS_MM), KEY)
    )
    volume = read_series(write_scan(tmp_path / "b", wide, HEIGHTS_MM), KEY)
    assert volume.centre_mm == pytest.approx((0, 64))
    predicted = predict_volume(model, volume)
    np.testing.assert_allclose(predicted.probability, expected.probability, atol=1e-5)
    assert predicted.mask is not None
    assert expected.mask is not None
    np.testing.assert_array_equal(predicted.mask[:, :, 80:144], expected.mask)
    assert np.count_nonzero(predicted.mask) == np.count_nonzero(expected.mask) > 0


def test_a_folder_that_is_no_model_ends_with_2(two_scans, tmp_path, capsys):
    assert predict_into(two_scans, tmp_path / "out", two_scans) == FAILED
    message = capsys.readouterr().err
    assert message.startswith(f"ichnet: error: {two_scans}: not an exported model")
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_key_that_is_too_short_ends_with_2(model_dir, two_scans, key_file, tmp_path, capsys):
    key_file.write_bytes(b"short")
    assert predict_into(model_dir, tmp_path / "out", two_scans) == FAILED
    assert "pseudonym.key" in capsys.readouterr().err


def test_the_real_tilted_head(model_dir, tmp_path):
    folder = Path(__file__).parents[3] / "shared" / "data" / "head_ct_ge"
    if not folder.is_dir():
        pytest.skip("the real head CT (../shared/data/head_ct_ge) is not at hand")
    out = tmp_path / "out"
    assert predict_into(model_dir, out, folder) == SUCCESS
    (row,) = rows_of(out / "predictions.csv")
    result = json_of(out, row)
    assert row["slices"] == "28"
    assert np.all(np.diff([one["position_mm"] for one in result["slices"]]) > 0)
    assert result["geometry"]["tilt_degrees"] == pytest.approx(18.5, abs=0.1)
    assert (out / f"{row['scan_id']}.png").stat().st_size > 10_000


def test_arrivals_join_one_table(model_dir, write_scan, tmp_path):
    inbox, out = tmp_path / "inbox", tmp_path / "out"
    write_scan(inbox / "a", head(), HEIGHTS_MM, series="1")
    write_scan(inbox / "b", head(80.0), HEIGHTS_MM, series="2")
    (inbox / "c").mkdir()
    (inbox / "c" / "notes.txt").write_text("no DICOM")
    predictor = Predictor(model_dir, out, KEY)
    for entry in ("a", "b", "c", "a"):
        predictor.take([inbox / entry])
    assert len(rows_of(out / "predictions.csv")) == 2
    assert [row["reason"] for row in rows_of(out / "excluded.csv")] == ["not-dicom"]
    assert (predictor.summary.scans, predictor.summary.kept) == (2, 1)


@pytest.mark.slow
def test_watching_predicts_what_arrives_and_ends_with_a_signal(model_dir, write_scan, tmp_path):
    inbox, out = tmp_path / "inbox", tmp_path / "out"
    write_scan(inbox / "a", head(80.0), HEIGHTS_MM, series="1")
    command = [sys.executable, "-m", "ichnet", "predict", "--model", model_dir, "--out", out]
    command += ["--watch", inbox, "--settle", "0.2"]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    for _ in range(3000):
        if list(out.glob("*.json")) or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == SUCCESS
    assert "scans predicted: 1" in said
    assert rows_of(out / "predictions.csv")[0]["decision"] == "hemorrhage"


def test_nothing_to_predict_is_said(model_dir, tmp_path, capsys):
    assert predict_into(model_dir, tmp_path / "out") == FAILED
    assert "--watch DIR" in capsys.readouterr().err


def test_sources_are_never_altered(model_dir, two_scans, tmp_path):
    def state() -> dict[str, tuple[bytes, int]]:
        files = sorted(two_scans.iterdir())
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    assert len(before) == 22
    predict_inputs(model_dir, [two_scans], tmp_path / "out", KEY, dicom_dir=tmp_path / "dicom")
    assert len(list((tmp_path / "dicom").iterdir())) == 4
    assert state() == before


@pytest.mark.slow
def test_what_is_no_whole_head_is_refused_with_the_reason(model_dir, write_scan, tmp_path):
    write_scan(tmp_path / "scans", head(), HEIGHTS_MM, series="1")
    write_scan(tmp_path / "scans", head()[:4], HEIGHTS_MM[:4], series="2")
    summary = predict_inputs(model_dir, [tmp_path / "scans"], tmp_path / "out", KEY)
    rows = rows_of(summary.excluded_csv)
    assert (summary.scans, summary.excluded, len(rows)) == (1, 4, 4)
    assert {row["reason"] for row in rows} == {"incomplete-head"}
