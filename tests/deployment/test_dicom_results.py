"""DICOM SEG and SR of scans whose every answer is known, read back by other readers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from known_scans import BLEEDING_SLICE as BLEEDING
from known_scans import HEIGHTS_MM, head
from prediction_files import rows_of

from ichnet.cli import EXCLUDED, SUCCESS, main
from ichnet.ct.errors import ReadError
from ichnet.ct.volume import Volume
from ichnet.deployment.dicom_source import source_slices
from ichnet.deployment.export import export_model
from ichnet.deployment.scan_result import read_result

VOLUME_ML = 256 * 4 * 8.5 * np.cos(np.radians(20)) / 1000


def predict(model_dir: Path, scans: Path, tmp_path: Path) -> tuple[Path, Path]:
    out, dicom = tmp_path / "out", tmp_path / "dicom"
    arguments = ["predict", "--model", model_dir, "--out", out, "--dicom", dicom, scans]
    assert main([str(argument) for argument in arguments]) == SUCCESS
    return out, dicom


def items_of(content) -> Iterator[pydicom.Dataset]:
    for item in content.get("ContentSequence", []):
        yield item
        yield from items_of(item)


@pytest.fixture(
    scope="module",
    params=[(80, 1), (30, 1), (80, -1)],
    ids=["bleeding", "normal", "from the vertex down"],
)
def predicted(request, model_dir, write_scan, tmp_path_factory):
    """Sources by SOP Instance UID, SEG, SR and JSON of a tilted series with an irregular gap."""
    folder = tmp_path_factory.mktemp("scan")
    lesion_hu, step = request.param
    hu, heights_mm = head(lesion_hu)[::step], HEIGHTS_MM[::step]
    files = write_scan(folder / "scan", hu, heights_mm, series="7")
    out, dicom = predict(model_dir, folder / "scan", folder)
    sources = {pydicom.dcmread(f).SOPInstanceUID: pydicom.dcmread(f) for f in files}
    (seg,), (sr,) = dicom.glob("*.seg.dcm"), dicom.glob("*.sr.dcm")
    (result,) = out.glob("*.json")
    return sources, seg, sr, read_result(result)


def test_each_plane_lies_on_the_slice_it_was_drawn_on(predicted):
    sources, seg, _, result = predicted
    segmentation = highdicom.seg.segread(seg)
    assert segmentation.NumberOfFrames == len(sources)
    order = sorted(sources, key=lambda uid: sources[uid].ImagePositionPatient[2])
    masks = segmentation.get_pixels_by_source_instance(order, ignore_spatial_locations=True)
    expected = np.zeros((len(order), 64, 64), np.uint8)
    if result.decision == "hemorrhage":
        expected[BLEEDING, 24:40, 16:32] = 1
    np.testing.assert_array_equal(masks[..., 0], expected)
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        source = sources[image.ReferencedSOPInstanceUID]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert [float(v) for v in position] == [float(v) for v in source.ImagePositionPatient]


def test_planes_lie_as_the_files_store_their_slices(model_dir, write_scan, tmp_path):
    """Rows from posterior to anterior: the mask is turned back before it refers to its slices."""
    mirrored = [1, 0, 0, 0, -1, 0]
    scan = tmp_path / "scan"
    write_scan(scan, head(80)[:, ::-1], HEIGHTS_MM, series="9", ImageOrientationPatient=mirrored)
    _, dicom = predict(model_dir, scan, tmp_path)
    (seg,) = dicom.glob("*.seg.dcm")
    frames = highdicom.seg.segread(seg).pixel_array
    rows, columns = np.nonzero(frames.any(axis=0))
    # 24 to 40 from the anterior end of 64
    assert (rows.min(), rows.max()) == (64 - 40, 63 - 24)
    assert (columns.min(), columns.max()) == (16, 31)


def test_the_objects_are_of_the_patient_and_study(predicted):
    sources, seg, sr, _ = predicted
    source = next(iter(sources.values()))
    for path in (seg, sr):
        found = pydicom.dcmread(path)
        assert found.PatientID == source.PatientID == "HOSPITAL-7"
        assert found.StudyInstanceUID == source.StudyInstanceUID
        assert found.SeriesInstanceUID != source.SeriesInstanceUID
        assert "research use only" in found.SeriesDescription
        assert "HOSPITAL" not in path.name


def test_the_report_says_what_the_json_says(predicted):
    _, seg, sr, result = predicted
    report = highdicom.sr.srread(sr)
    (group,) = report.content.get_volumetric_roi_measurement_groups()
    values = {m.name.value: m.value for m in group.get_measurements()}
    assert values["118565006"] == pytest.approx(result.volume_ml, abs=1e-6)
    assert values["probability"] == pytest.approx(result.probability, abs=1e-6)
    assert values["threshold"] == result.threshold
    expected = VOLUME_ML if result.decision == "hemorrhage" else 0
    assert result.volume_ml == pytest.approx(expected, abs=1e-4)
    segment = group.reference_type
    assert segment.value == "121191"  # referenced segment
    said = {e.name.value: e.value.meaning for e in group.get_qualitative_evaluations()}
    assert said["1386000"] == ("Present" if result.decision == "hemorrhage" else "Absent")
    texts = {item.get("TextValue") for item in items_of(report)}
    assert "Not trained at all." in texts
    references = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in items_of(report)
        if "ReferencedSOPSequence" in item
    }
    assert references == {pydicom.dcmread(seg).SOPInstanceUID}


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
def test_the_objects_are_valid(predicted):
    for path in predicted[1:3]:
        done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        errors = [line for line in (done.stdout + done.stderr).splitlines() if "Error" in line]
        assert not errors


def test_a_classifier_reports_without_a_mask(classifier, config, calibration, write_scan, tmp_path):
    export_model(classifier, "mean", config, calibration, tmp_path / "mean" / "1")
    write_scan(tmp_path / "scan", head(80), HEIGHTS_MM, series="8")
    _, dicom = predict(tmp_path / "mean" / "1", tmp_path / "scan", tmp_path)
    (path,) = dicom.iterdir()
    report = highdicom.sr.srread(path)
    (group,) = report.content.get_image_measurement_groups()
    assert "probability" in {m.name.value for m in group.get_measurements()}


def test_nothing_of_the_patient_is_said_on_the_way(model_dir, write_scan, tmp_path, capfd):
    elements = {"PatientName": "Smith", "PatientIdentityRemoved": "YES"}  # a name highdicom quotes
    write_scan(tmp_path / "scan", head(80), HEIGHTS_MM, series="6", **elements)
    out, dicom = predict(model_dir, tmp_path / "scan", tmp_path)
    said = "".join(capfd.readouterr())
    assert "Smith" not in said
    assert "HOSPITAL" not in said
    for path in out.iterdir():
        assert b"Smith" not in path.read_bytes()
    (seg,) = dicom.glob("*.seg.dcm")
    assert pydicom.dcmread(seg).DeidentificationMethod == "not stated in the source"


def test_again_and_the_same(model_dir, write_scan, tmp_path):
    write_scan(tmp_path / "scan", head(80), HEIGHTS_MM, series="9")
    out, dicom = predict(model_dir, tmp_path / "scan", tmp_path)
    first = {path.name: pydicom.dcmread(path).SOPInstanceUID for path in dicom.iterdir()}
    (json_file,) = out.glob("*.json")
    before = json_file.stat().st_mtime_ns
    predict(model_dir, tmp_path / "scan", tmp_path)
    assert json_file.stat().st_mtime_ns == before  # finished: not computed again
    shutil.rmtree(dicom)
    predict(model_dir, tmp_path / "scan", tmp_path)  # the DICOM objects are missing: again
    assert json_file.stat().st_mtime_ns > before
    assert {p.name: pydicom.dcmread(p).SOPInstanceUID for p in dicom.iterdir()} == first


@pytest.mark.slow
def test_uids_belong_to_what_the_result_was_made_from(model_dir, write_scan, tmp_path):
    """A PACS that holds the objects of other contents must not take these for the same."""
    reports = []
    for lesion_hu in (80, 81):
        write_scan(tmp_path / "scan", head(lesion_hu), HEIGHTS_MM, series="9")
        _, dicom = predict(model_dir, tmp_path / "scan", tmp_path)
        (seg,), (sr,) = dicom.glob("*.seg.dcm"), dicom.glob("*.sr.dcm")
        reports.append((pydicom.dcmread(seg), pydicom.dcmread(sr)))
    (old_seg, old_sr), (new_seg, new_sr) = reports
    for old, new in ((old_seg, new_seg), (old_sr, new_sr)):
        assert old.SOPInstanceUID != new.SOPInstanceUID
        assert old.SeriesInstanceUID != new.SeriesInstanceUID
    assert "PredecessorDocumentsSequence" not in old_sr
    (study,) = new_sr.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == old_sr.StudyInstanceUID
    assert series.SeriesInstanceUID == old_sr.SeriesInstanceUID
    assert instance.ReferencedSOPInstanceUID == old_sr.SOPInstanceUID
    assert instance.ReferencedSOPClassUID == old_sr.SOPClassUID
    # made again, it refers to the one before it and not to itself
    shutil.rmtree(dicom)
    predict(model_dir, tmp_path / "scan", tmp_path)
    (path,) = dicom.glob("*.sr.dcm")
    again = pydicom.dcmread(path)
    assert again.SOPInstanceUID == new_sr.SOPInstanceUID
    assert again.PredecessorDocumentsSequence == new_sr.PredecessorDocumentsSequence


KOREAN = "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"
JAPANESE = "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("charset", "name", "elements"),
    [
        (["", "ISO 2022 IR 149"], KOREAN, {}),
        (["", "ISO 2022 IR 87"], JAPANESE, {}),
        ("ISO_IR 192", KOREAN, {}),
        ("ISO_IR 100", "M\u00fcller^J\u00f6rg", {}),
        ("ISO_IR 100", "Doe^Jane", {"StudyDate": "20231301", "PatientBirthDate": "unknown"}),
        ("ISO_IR 100", "Doe^Jane", {"StudyTime": "noon", "PatientSex": "W"}),
    ],
)
def test_objects_are_utf_8_with_the_same_names(
    model_dir, write_scan, tmp_path, charset, name, elements
):
    elements = {"SpecificCharacterSet": charset, "PatientName": name, **elements}
    with pydicom.config.disable_value_validation():
        write_scan(tmp_path / "scan", head(80), HEIGHTS_MM, **elements)
    _, dicom = predict(model_dir, tmp_path / "scan", tmp_path)
    for path in dicom.iterdir():
        written = pydicom.dcmread(path)
        assert str(written.PatientName) == name
        assert written.SpecificCharacterSet == "ISO_IR 192"
        assert written.StudyDate in ("20230917", "")
        assert written.PatientSex == ""
    assert len(list(dicom.iterdir())) == 2


def test_comments_are_not_taken_over(model_dir, write_scan, tmp_path):
    comments = {
        "PatientComments": "SECRET words",
        "ImageComments": "SECRET",
        "OtherPatientIDs": "9",
    }
    write_scan(tmp_path / "scan", head(80), HEIGHTS_MM, **comments)
    _, dicom = predict(model_dir, tmp_path / "scan", tmp_path)
    for path in dicom.iterdir():
        assert b"SECRET" not in path.read_bytes()
        assert "OtherPatientIDs" not in pydicom.dcmread(path)


@pytest.mark.parametrize("error", [TypeError("Doe^Jane"), KeyError("Doe"), RuntimeError("Doe")])
def test_a_failed_dicom_result_does_not_cost_the_prediction(
    model_dir, write_scan, tmp_path, monkeypatch, error
):
    def fail(*_):
        raise error

    monkeypatch.setattr("ichnet.deployment.dicom_results.build_report", fail)
    write_scan(tmp_path / "scan", head(80), HEIGHTS_MM)
    out, dicom = tmp_path / "out", tmp_path / "dicom"
    arguments = ["predict", "--model", model_dir, "--out", out, "--dicom", dicom, tmp_path / "scan"]
    assert main([str(argument) for argument in arguments]) == EXCLUDED
    assert [row["decision"] for row in rows_of(out / "predictions.csv")] == ["hemorrhage"]
    assert [row["reason"] for row in rows_of(out / "excluded.csv")] == ["no-dicom-result"]
    assert not list(tmp_path.glob("dicom/*"))


def test_the_report_says_absent_where_it_is_absent_and_how_sure_it_is(predicted):
    _, _, sr, result = predicted
    (group,) = highdicom.sr.srread(sr).content.get_volumetric_roi_measurement_groups()
    bleeds = result.decision == "hemorrhage"
    assert group.finding_type.value == ("1386000" if bleeds else "no-hemorrhage")
    said = {e.name.value: e.value.meaning for e in group.get_qualitative_evaluations()}
    assert said == {
        "1386000": "Present" if bleeds else "Absent",
        "uncertain": "Absent",
        "calibrated": "No",
    }
    values = {m.name.value: m.value for m in group.get_measurements()}
    assert (values["uncertain-low"], values["uncertain-high"]) == pytest.approx(
        result.uncertain_band
    )
    texts = [str(item.get("TextValue")) for item in items_of(highdicom.sr.srread(sr))]
    assert "uncertain from 0.4 to 0.6, both included" in texts
    assert "probability not calibrated on validation scans" in texts
    assert "For research use only; not a medical device." in texts


def test_frames_of_one_file_are_refused():
    volume = Volume(
        hu=np.zeros((2, 2, 2), np.int16),
        pixel_spacing_mm=(1.0, 1.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 0], [0, 0, 5]]),
        slice_spacing_mm=np.full(2, 5.0),
        scan_id="s",
        patient_id="p",
        sop_instance_uids=("1.2", "1.2"),
    )
    with pytest.raises(ReadError, match="single-frame"):
        source_slices(volume, [Path("enhanced.dcm")])
