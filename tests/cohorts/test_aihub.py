"""AI-Hub: every slice annotated, every lesion outlined."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from ichnet.cohorts import aihub
from ichnet.ct.errors import ReadError

NO_LABELS = {"EDH": 0, "IPH": 0, "IVH": 0, "SAH": 0, "SDH": 0}
SQUARE = [[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 2.5]]  # columns 1 to 3, rows 1 and 2


@pytest.fixture
def annotate():
    def write(folder, sop, labels=(), **polygons):
        labels = {**NO_LABELS, **dict.fromkeys(polygons, 1), **dict(labels)}
        content = {"sop_instance_uid": sop, "labels": labels, "polygons": polygons}
        folder.mkdir(exist_ok=True, parents=True)
        (folder / f"{sop}.json").write_text(json.dumps(content))

    return write


@pytest.fixture
def cohort(tmp_path, write_series, annotate):
    """scan-1: SDH (6 pixels) in slice 1, SDH and IVH in slice 2; scan-2: none."""
    for name, series, patient in (("scan-1", "1.2.1", "P1"), ("scan-2", "1.2.2", "P2")):
        uids = write_series(
            tmp_path / name / "dicom", series, patient, PatientAge="057Y", PatientSex="F"
        )
        for uid in uids:
            annotate(tmp_path / name / "annotation", uid)
    annotate(tmp_path / "scan-1" / "annotation", "1.2.1.1", SDH=[SQUARE])
    inner = [[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5]]  # one pixel
    annotate(tmp_path / "scan-1" / "annotation", "1.2.1.2", SDH=[SQUARE], IVH=[inner])
    return tmp_path


def test_labels_come_from_the_annotations(cohort):
    entries, exclusions = aihub.list_scans(cohort)
    assert exclusions == []
    first, second = entries
    assert (first.cohort, first.scan_key, first.patient_key) == ("aihub", "scan-1", "P1")
    assert first.scan_labels == (1, 0, 0, 1, 0, 1)
    assert first.slice_labels == {
        "1.2.1.0": (0,) * 6,
        "1.2.1.1": (1, 0, 0, 0, 0, 1),
        "1.2.1.2": (1, 0, 0, 1, 0, 1),
    }
    assert (first.age_years, first.sex) == (57.0, "F")
    assert second.scan_labels == (0,) * 6


def test_a_case_has_a_mask_of_bits_and_its_volume(cohort, key):
    entries, _ = aihub.list_scans(cohort)
    case = aihub.load(entries[0], key)
    assert case.volume.hu[:, 0, 0].tolist() == [0, 1, 2]  # feet first
    assert case.mask is not None
    assert (case.mask.shape, case.mask.dtype) == ((3, 6, 8), np.uint8)
    assert case.mask[0].max() == 0
    sdh = [[0] * 8, [0, 16, 16, 16, 0, 0, 0, 0], [0, 16, 16, 16, 0, 0, 0, 0]]
    assert case.mask[1].tolist() == sdh + [[0] * 8] * 3
    assert case.mask[2, 1].tolist() == [0, 20, 16, 16, 0, 0, 0, 0]
    assert case.slice_labels[2].tolist() == [1, 0, 0, 1, 0, 1]
    # 0.5 mm x 0.5 mm x 5 mm = 1.25 mm3 a pixel; SDH 12 pixels, IVH 1 within them
    np.testing.assert_allclose(case.volume_ml(), [0.015, 0, 0, 0.00125, 0, 0.015])


def test_a_normal_scan_has_an_empty_mask(cohort, key):
    entries, _ = aihub.list_scans(cohort)
    case = aihub.load(entries[1], key)
    assert case.mask is not None
    assert case.mask.max() == 0
    np.testing.assert_array_equal(case.volume_ml(), np.zeros(6))


def test_png_masks_are_read_instead(cohort, key):
    folder = cohort / "scan-2" / "annotation"
    (folder / "1.2.2.1.json").unlink()
    mask = np.zeros((6, 8), np.uint8)
    mask[4, 7] = 1 + 8
    cv2.imwrite(str(folder / "1.2.2.1.png"), mask)
    entries, exclusions = aihub.list_scans(cohort)
    assert exclusions == []
    assert entries[1].scan_labels == (1, 1, 0, 0, 1, 0)
    case = aihub.load(entries[1], key)
    np.testing.assert_array_equal(case.mask[1], mask)
    assert case.slice_labels[:, 0].tolist() == [0, 1, 0]


def excluded(cohort, scan="scan-1"):
    """The only exclusion; the other scan is still there."""
    entries, exclusions = aihub.list_scans(cohort)
    assert [entry.scan_key for entry in entries] == [{"scan-1": "scan-2"}.get(scan, "scan-1")]
    (exclusion,) = exclusions
    return exclusion


def test_a_slice_without_annotation_excludes_its_scan(cohort):
    for uid in ("1.2.1.0", "1.2.1.2"):
        (cohort / "scan-1" / "annotation" / f"{uid}.json").unlink()
    exclusion = excluded(cohort)
    assert (exclusion.path, exclusion.reason) == (cohort / "scan-1", "missing-annotation")
    assert exclusion.detail == "2 of 3 slices have no annotation"


def test_an_annotation_without_slice_excludes_its_scan(cohort):
    (cohort / "scan-1" / "dicom" / "CT000001.dcm").unlink()  # slice 2
    exclusion = excluded(cohort)
    assert exclusion.path.name == "1.2.1.2.json"
    assert exclusion.reason == "missing-file"
    assert exclusion.detail == "annotations without a readable slice: 1 of 3"


def test_a_truncated_slice_excludes_its_scan(cohort, count_reasons):
    path = cohort / "scan-1" / "dicom" / "CT000001.dcm"
    path.write_bytes(path.read_bytes()[:-10])
    entries, exclusions = aihub.list_scans(cohort)
    assert count_reasons(exclusions) == {"truncated": 1, "missing-file": 1}
    assert [entry.scan_key for entry in entries] == ["scan-2"]


def test_a_scout_in_the_folder_is_left_out_and_the_scan_goes_on(cohort, write_slice):
    path = cohort / "scan-1" / "dicom" / "scout.dcm"
    write_slice(path, "1.9", "1.2.9", "P1", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    entries, exclusions = aihub.list_scans(cohort)
    assert [(item.path, item.reason) for item in exclusions] == [(path, "localizer")]
    assert len(entries) == 2


def test_a_wrong_annotation_excludes_its_scan_and_names_the_file(cohort, annotate):
    annotate(cohort / "scan-1" / "annotation", "1.2.1.0", SDH=[SQUARE], labels={"SDH": 0})
    exclusion = excluded(cohort)
    assert exclusion.path == cohort / "scan-1" / "annotation" / "1.2.1.0.json"
    assert exclusion.reason == "bad-annotation"
    assert exclusion.detail == "SDH is labelled 0 but has a polygon"


def test_json_and_png_of_one_slice_are_ambiguous(cohort):
    cv2.imwrite(str(cohort / "scan-1" / "annotation" / "1.2.1.0.png"), np.zeros((6, 8), np.uint8))
    exclusion = excluded(cohort)
    assert exclusion.reason == "bad-annotation"
    assert "both a JSON and a PNG" in exclusion.detail


def test_a_png_of_another_size_excludes_its_scan(cohort):
    (cohort / "scan-1" / "annotation" / "1.2.1.0.json").unlink()
    cv2.imwrite(str(cohort / "scan-1" / "annotation" / "1.2.1.0.png"), np.zeros((8, 6), np.uint8))
    assert excluded(cohort).reason == "bad-annotation"


def test_two_series_in_one_folder_are_refused(cohort, write_slice):
    write_slice(cohort / "scan-1" / "dicom" / "x.dcm", "1.9.1", "1.2.9", "P1")
    exclusion = excluded(cohort)
    assert exclusion.reason == "mixed-series"
    assert exclusion.detail == "slices of 2 series where one is expected"


def test_the_same_series_twice_counts_once(cohort, write_series, annotate):
    for uid in write_series(cohort / "scan-3" / "dicom", "1.2.2", "P2"):
        annotate(cohort / "scan-3" / "annotation", uid)
    entries, exclusions = aihub.list_scans(cohort)
    assert [entry.scan_key for entry in entries] == ["scan-1", "scan-2"]
    assert [(item.path, item.reason) for item in exclusions] == [
        (cohort / "scan-3" / "dicom", "duplicate-scan")
    ]


@pytest.mark.parametrize("missing", ["dicom", "annotation"])
def test_a_scan_folder_without_one_of_the_two_is_excluded(cohort, missing):
    (cohort / "scan-1" / missing).rename(cohort / "scan-1" / "other")
    exclusion = excluded(cohort)
    assert (exclusion.path, exclusion.reason) == (cohort / "scan-1" / missing, "missing-file")


def test_an_empty_dicom_folder_is_excluded(cohort):
    for path in (cohort / "scan-1" / "dicom").iterdir():
        path.unlink()
    assert excluded(cohort).reason == "empty"


def test_without_scans_there_is_an_error(tmp_path):
    with pytest.raises(ReadError, match="no scan folder"):
        aihub.list_scans(tmp_path)
    with pytest.raises(ReadError, match="no such folder"):
        aihub.list_scans(tmp_path / "aihub")


@pytest.mark.parametrize(
    ("age", "years"),
    [("057Y", 57.0), ("006M", 0.5), ("014D", 14 / 365.25), ("", None), ("57", None)],
)
def test_ages_are_in_years(tmp_path, write_series, annotate, age, years):
    for uid in write_series(tmp_path / "s" / "dicom", "1.2.1", PatientAge=age, PatientSex="O"):
        annotate(tmp_path / "s" / "annotation", uid)
    (entry,), _ = aihub.list_scans(tmp_path)
    assert entry.age_years == (None if years is None else pytest.approx(years))
    assert entry.sex == ""
