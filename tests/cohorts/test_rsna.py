"""RSNA 2019: a flat folder, six label rows a slice."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.cohorts import rsna
from ichnet.ct.errors import ReadError
from ichnet.ct.pseudonym import pseudonym

TYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")


def label_rows(sop: str, *present: str) -> list[str]:
    """Six rows in Kaggle's order."""
    positive = {*present, "any"} if present else set()
    return [f"{sop}_{kind},{int(kind in positive)}" for kind in TYPES]


@pytest.fixture
def cohort(tmp_path, write_csv, write_slice):
    """Two scans of two slices: ID_s1 with SDH and IPH, ID_s2 without hemorrhage."""
    folder = tmp_path / "stage_2_train"
    for sop, series, patient, z_mm in (
        ("ID_a", "ID_s1", "ID_p1", 5),
        ("ID_b", "ID_s1", "ID_p1", 0),
        ("ID_c", "ID_s2", "ID_p2", 0),
        ("ID_d", "ID_s2", "ID_p2", 5),
    ):
        write_slice(folder / f"{sop}.dcm", sop, series, patient, z_mm, hu=z_mm)
    rows = [
        *label_rows("ID_a", "subdural"),
        *label_rows("ID_b", "subdural", "intraparenchymal"),
        *label_rows("ID_c"),
        *label_rows("ID_d"),
    ]

    def write(*more: str, keep=lambda row: True):
        write_csv(tmp_path / "stage_2_train.csv", "ID,Label", *filter(keep, rows), *more)
        return tmp_path

    return write


def test_scans_are_found_by_series_and_labelled_by_their_slices(cohort):
    entries, exclusions = rsna.list_scans(cohort())
    assert exclusions == []
    first, second = entries
    assert (first.cohort, first.scan_key, first.patient_key) == ("rsna", "ID_s1", "ID_p1")
    # ANY, EDH, IPH, IVH, SAH, SDH
    assert first.scan_labels == (1, 0, 1, 0, 0, 1)
    assert first.slice_labels == {"ID_a": (1, 0, 0, 0, 0, 1), "ID_b": (1, 0, 1, 0, 0, 1)}
    assert [path.name for path in first.files] == ["ID_b.dcm", "ID_a.dcm"]  # feet first
    assert second.scan_labels == (0,) * 6
    assert second.patient_key == "ID_p2"


def test_a_case_has_labels_in_the_order_of_its_slices_and_no_mask(cohort, key):
    entries, _ = rsna.list_scans(cohort())
    case = rsna.load(entries[0], key)
    assert case.volume.hu[:, 0, 0].tolist() == [0, 5]
    assert case.slice_labels.tolist() == [[1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 1]]
    assert case.scan_labels.tolist() == [1, 0, 1, 0, 0, 1]
    assert case.mask is None
    assert np.isnan(case.volume_ml()).all()
    assert case.volume.scan_id == pseudonym(key, "scan", "ID_s1\0ID_s1.0\0ID_p1")
    assert case.volume.patient_id == pseudonym(key, "patient", "ID_p1")


@pytest.mark.parametrize("folder", ["stage_2_train_images", "."])
def test_images_may_lie_in_another_folder(cohort, folder):
    root = cohort()
    for path in list((root / "stage_2_train").iterdir()):
        (root / folder).mkdir(exist_ok=True)
        path.rename(root / folder / path.name)
    (root / "stage_2_train").rmdir()
    entries, exclusions = rsna.list_scans(root)
    assert (len(entries), exclusions) == (2, [])


@pytest.mark.parametrize("name", ["ID_a\n.dcm", "ID_a.dcm\n", "ID_\na.DCM", "ID_a .dcm"])
def test_line_breaks_in_file_names_do_not_matter(cohort, key, name):
    root = cohort()
    (root / "stage_2_train" / "ID_a.dcm").rename(root / "stage_2_train" / name)
    entries, exclusions = rsna.list_scans(root)
    assert exclusions == []
    assert rsna.load(entries[0], key).slice_labels[:, 2].tolist() == [1, 0]


def test_duplicate_rows_that_agree_and_empty_lines_are_fine(cohort):
    entries, exclusions = rsna.list_scans(cohort("ID_a_subdural,1", "", "ID_c_any,0", ""))
    assert (len(entries), exclusions) == (2, [])


@pytest.mark.parametrize(
    ("more", "dropped", "cause"),
    [
        (["ID_b_epidural,1"], None, "two rows give the slice contradicting labels"),
        ([], "ID_b_epidural,0", "does not have all six labels"),
        (["ID_b_any,0"], "ID_b_any,1", "'any' contradicts those of the subtypes"),
    ],
)
def test_slices_of_faulty_labels_are_left_out_and_their_scan_goes_on(
    cohort, write_slice, more, dropped, cause
):
    root = cohort(*more, *label_rows("ID_e", "subdural"), keep=lambda row: row != dropped)
    folder = root / "stage_2_train"
    write_slice(folder / "ID_e.dcm", "ID_e", "ID_s1", "ID_p1", 10)
    entries, exclusions = rsna.list_scans(root)
    assert [(item.path, item.reason) for item in exclusions] == [
        (folder / "ID_b.dcm", "bad-annotation")
    ]
    assert cause in exclusions[0].detail
    # without ID_b, no slice of the scan has IPH
    assert entries[0].scan_labels == (1, 0, 0, 0, 0, 1)
    assert set(entries[0].slice_labels) == {"ID_a", "ID_e"}


def test_any_without_a_subtype_is_a_contradiction(cohort, count_reasons):
    root = cohort("ID_c_any,1", keep=lambda row: row != "ID_c_any,0")
    _, exclusions = rsna.list_scans(root)
    # its scan is left with one slice
    assert count_reasons(exclusions) == {"bad-annotation": 1, "single-slice": 1}


@pytest.mark.parametrize("row", ["ID_a_fracture,1", "ID_a_any,2", "ID_a_any", "any,1,", "x"])
def test_rows_that_are_no_label_are_listed_by_line(cohort, row):
    root = cohort(row)
    entries, exclusions = rsna.list_scans(root)
    assert [(item.path.name, item.reason, item.detail) for item in exclusions] == [
        ("stage_2_train.csv", "bad-annotation", "line 26: not ID_<slice>_<type>,<0 or 1>")
    ]
    assert len(entries) == 2


def test_a_slice_without_labels_is_unknown_and_labels_without_a_file_count(cohort, write_slice):
    root = cohort(*label_rows("ID_lost", "epidural"))
    folder = root / "stage_2_train"
    write_slice(folder / "ID_new.dcm", "ID_new", "ID_s1", "ID_p1", 10)
    entries, exclusions = rsna.list_scans(root)
    assert [(item.path.name, item.reason) for item in exclusions] == [
        ("ID_lost.dcm", "missing-file")
    ]
    assert entries[0].slice_labels["ID_new"] == (-1,) * 6
    assert entries[0].scan_labels == (1, -1, 1, -1, -1, 1)  # ID_new may show the others
    assert [path.name for path in entries[0].files] == ["ID_b.dcm", "ID_a.dcm", "ID_new.dcm"]


def test_a_series_without_a_single_label_is_left_out(cohort, write_slice):
    root = cohort()
    for name, z_mm in (("ID_x", 0), ("ID_y", 5)):
        write_slice(root / "stage_2_train" / f"{name}.dcm", name, "ID_s3", "ID_p3", z_mm)
    entries, exclusions = rsna.list_scans(root)
    lines = [line for item in exclusions for line in item.by_file()]
    assert {(line.path.name, line.reason) for line in lines} == {
        ("ID_x.dcm", "unlabelled"),
        ("ID_y.dcm", "unlabelled"),
    }
    assert [entry.scan_key for entry in entries] == ["ID_s1", "ID_s2"]


def test_a_truncated_file_is_left_out_once(cohort, count_reasons):
    root = cohort()
    path = root / "stage_2_train" / "ID_a.dcm"
    path.write_bytes(path.read_bytes()[:-10])
    entries, exclusions = rsna.list_scans(root)
    assert count_reasons(exclusions) == {"truncated": 1, "single-slice": 1}
    assert [entry.scan_key for entry in entries] == ["ID_s2"]


def test_two_slices_of_one_identity_cannot_be_told_apart(cohort, write_slice, count_reasons):
    root = cohort(*label_rows("ID_e"))
    write_slice(root / "stage_2_train" / "ID_e.dcm", "ID_a", "ID_s1", "ID_p1", 10)
    entries, exclusions = rsna.list_scans(root)
    assert count_reasons(exclusions) == {"bad-header": 1}
    assert [entry.scan_key for entry in entries] == ["ID_s2"]


def test_without_a_label_table_or_images_there_is_an_error(tmp_path, cohort):
    with pytest.raises(ReadError, match="there is no such label table") as error:
        rsna.list_scans(tmp_path)
    assert error.value.path == tmp_path / "stage_2_train.csv"
    root = cohort()
    for path in (root / "stage_2_train").iterdir():
        path.unlink()
    with pytest.raises(ReadError, match="no DICOM file"):
        rsna.list_scans(root)


def test_another_header_is_an_error(cohort, write_csv):
    root = cohort()
    write_csv(root / "stage_2_train.csv", "filename,label", "ID_a.dcm,1")
    with pytest.raises(ReadError, match="no column ID, Label; the header is filename,label"):
        rsna.list_scans(root)
