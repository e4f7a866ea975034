"""One CSV beside DICOM folders."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ichnet.cohorts import dumc
from ichnet.ct.errors import ReadError
from ichnet.ct.pseudonym import pseudonym

HEADER = "scan_id,patient_id,path,ich"
FULL = f"{HEADER},EDH,IPH,IVH,SAH,SDH,age,sex,mask"


@pytest.fixture
def cohort(tmp_path, write_csv, write_series):
    """Two series of three slices, ``a`` (1.1) and ``b`` (1.2), and a table of the given lines."""
    write_series(tmp_path / "dicom" / "a", "1.1", patient="anonymous")
    write_series(tmp_path / "dicom" / "b", "1.2", patient="anonymous")

    def write(header: str, *rows: str):
        write_csv(tmp_path / "scans.csv", header, *rows)
        return tmp_path

    return write


@pytest.fixture
def draw(tmp_path):
    def write(name: str, bits: int, shape=(6, 8)):
        mask = np.zeros(shape, np.uint8)
        mask[2, 3] = bits
        path = tmp_path / "masks" / name
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), mask)

    return write


def test_the_four_required_columns_are_enough(cohort, key):
    entries, exclusions = dumc.list_scans(cohort(HEADER, "S1,P1,dicom/a,1", "S2,P2,dicom/b,0"))
    assert exclusions == []
    first, second = entries
    assert (first.cohort, first.scan_key, first.patient_key) == ("dumc", "S1", "P1")
    assert first.scan_labels == (1, -1, -1, -1, -1, -1)
    assert second.scan_labels == (0,) * 6
    assert (first.age_years, first.sex, first.slice_labels) == (None, "", {})
    case = dumc.load(first, key)
    assert case.slice_labels.tolist() == [[-1] * 6] * 3
    assert case.mask is None
    normal = dumc.load(second, key)
    assert normal.slice_labels.tolist() == [[0] * 6] * 3
    assert normal.mask is None  # nobody drew, in a table without masks


def test_optional_columns_are_read(cohort, key):
    rows = ("S1,P1,dicom/a,1,0,1,0,0,0,65.7,f,", "S2,P2,dicom/b,0,,,,,,,M,")
    (first, second), exclusions = dumc.list_scans(cohort(FULL, *rows))
    assert exclusions == []
    assert first.scan_labels == (1, 0, 1, 0, 0, 0)
    assert (first.age_years, first.sex) == (65.7, "F")
    assert (second.age_years, second.sex) == (None, "M")
    # without a mask: what the scan does not have is 0 in each slice
    case = dumc.load(first, key)
    assert case.slice_labels.tolist() == [[-1, 0, -1, 0, 0, 0]] * 3
    assert case.mask is None


def test_the_table_names_the_patient(cohort, key):
    entries, _ = dumc.list_scans(cohort(HEADER, "S1,P1,dicom/a,1", "S2,P2,dicom/b,0"))
    volume = dumc.load(entries[0], key).volume
    assert volume.patient_id == pseudonym(key, "patient", "P1")
    assert volume.scan_id == pseudonym(key, "scan", "1.1\x001.1.0\0anonymous")


def test_masks_label_the_slices(cohort, key, draw):
    draw("1.1.1.png", 2)
    draw("1.1.2.png", 2 + 4)
    header = f"{HEADER},mask"
    (first, second), exclusions = dumc.list_scans(
        cohort(header, "S1,P1,dicom/a,1,masks", "S2,P2,dicom/b,0,")
    )
    assert exclusions == []
    assert first.scan_labels == (1, 0, 1, 1, 0, 0)
    case = dumc.load(first, key)
    # the first slice has no PNG: nothing is there
    assert case.slice_labels.tolist() == [[0] * 6, [1, 0, 1, 0, 0, 0], [1, 0, 1, 1, 0, 0]]
    assert case.mask is not None
    assert case.mask[:, 2, 3].tolist() == [0, 2, 6]
    assert np.count_nonzero(case.mask) == 2
    # in a table with masks, a scan without hemorrhage has an empty one
    normal = dumc.load(second, key)
    assert normal.mask is not None
    assert normal.mask.max() == 0
    assert normal.slice_labels.tolist() == [[0] * 6] * 3


def test_paths_may_be_absolute_and_the_table_may_have_another_name(tmp_path, cohort):
    root = cohort(HEADER, f"S1,P1,{tmp_path}/dicom/a,1")
    table = root / "mine" / "my.csv"
    table.parent.mkdir()
    (root / "scans.csv").rename(table)
    assert len(dumc.list_scans(table)[0]) == 1
    table.write_text(f"{HEADER}\nS1,P1,../dicom/a,1")
    assert len(dumc.list_scans(table)[0]) == 1


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        ("S1,P1,dicom/a,yes,,,,,,,,", "bad-annotation", "line 2: ich is 'yes', not 0 or 1"),
        (",P1,dicom/a,1,,,,,,,,", "bad-annotation", "line 2: scan_id is empty"),
        ("S1,,dicom/a,1,,,,,,,,", "bad-annotation", "line 2: patient_id is empty"),
        ("S1,P1,,1,,,,,,,,", "bad-annotation", "line 2: path is empty"),
        ("S1,P1,dicom/a,1,1,0,0,0,,,,", "bad-annotation", "line 2: SDH is '', not 0 or 1"),
        ("S1,P1,dicom/a,0,1,0,0,0,0,,,", "bad-annotation", "line 2: ich is 0 but a subtype is 1"),
        ("S1,P1,dicom/a,1,,,,,,old,,", "bad-annotation", "line 2: age is 'old', not years"),
        ("S1,P1,dicom/a,1,,,,,,nan,,", "bad-annotation", "line 2: age is 'nan', not years"),
        ("S1,P1,dicom/a,1,,,,,,-3,,", "bad-annotation", "line 2: age is '-3', not years"),
        ("S1,P1,dicom/a,1,,,,,,,X,", "bad-annotation", "line 2: sex is 'X', not F, M or empty"),
        ("S1,P1,dicom/a,1", "bad-annotation", "line 2: 4 cells under 12 columns"),
        ("S1,P1,dicom/none,1,,,,,,,,", "missing-file", "there is no such folder"),
        ("S1,P1,dicom,1,,,,,,,,", "mixed-series", "slices of 2 series where one is expected"),
        ("S1,P1,empty,1,,,,,,,,", "empty", "no axial CT slice in it"),
        ("S1,P1,dicom/a,1,,,,,,,,none", "missing-file", "there is no such folder"),
        ("S1,P1,dicom/a,1,,,,,,,,empty", "bad-annotation", "line 2: ich is 1, but in the mask"),
    ],
)
def test_a_faulty_row_is_left_out_and_the_next_goes_on(cohort, row, reason, detail):
    root = cohort(FULL, row, "S2,P2,dicom/b,0,,,,,,,,")
    (root / "empty").mkdir()
    entries, exclusions = dumc.list_scans(root)
    assert [entry.scan_key for entry in entries] == ["S2"]
    assert [item.reason for item in exclusions] == [reason]
    assert exclusions[0].detail.startswith(detail)


@pytest.mark.parametrize(
    ("row", "bits", "detail"),
    [
        ("S1,P1,dicom/a,0,,,,,,,,masks", 2, "line 2: ich is 0, but in the mask it is 1"),
        ("S1,P1,dicom/a,1,0,0,0,0,0,,,masks", 2, "line 2: IPH is 0, but in the mask it is 1"),
        ("S1,P1,dicom/a,1,0,1,0,0,1,,,masks", 2, "line 2: SDH is 1, but in the mask it is 0"),
        ("S1,P1,dicom/a,1,,,,,,,,masks", 64, "a pixel of 64: bits of the five subtypes"),
    ],
)
def test_a_table_that_contradicts_its_mask_is_left_out(cohort, draw, row, bits, detail):
    draw("1.1.1.png", bits)
    entries, exclusions = dumc.list_scans(cohort(FULL, row))
    assert entries == []
    assert [item.reason for item in exclusions] == ["bad-annotation"]
    assert exclusions[0].detail.startswith(detail)


def test_a_mask_without_its_slice_excludes_the_scan(cohort, draw):
    draw("1.1.1.png", 2)
    draw("1.1.7.png", 2)
    entries, exclusions = dumc.list_scans(cohort(f"{HEADER},mask", "S1,P1,dicom/a,1,masks"))
    assert entries == []
    assert [(item.path.name, item.reason) for item in exclusions] == [("1.1.7.png", "missing-file")]
    assert exclusions[0].detail == "masks without a readable slice: 1 of 2"


def test_scans_listed_twice_count_once(cohort):
    entries, exclusions = dumc.list_scans(
        cohort(HEADER, "S1,P1,dicom/a,1", "S1,P2,dicom/b,0", "S3,P3,dicom/a,0")
    )
    assert [entry.scan_key for entry in entries] == ["S1"]
    assert [item.reason for item in exclusions] == ["duplicate-scan"] * 2


def test_files_that_are_no_slices_are_listed(cohort, count_reasons):
    root = cohort(HEADER, "S1,P1,dicom/a,1")
    (root / "dicom" / "a" / "preview.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (root / "dicom" / "a" / ".hidden").write_bytes(b"x")
    entries, exclusions = dumc.list_scans(root)
    assert len(entries) == 1
    assert count_reasons(exclusions) == {"not-dicom": 1}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "scan_id,patient,path,ich",
            "no column patient_id; the header is scan_id,patient,path,ich",
        ),
        (f"{HEADER},EDH,SDH", "no column IPH, IVH, SAH beside the other subtypes"),
    ],
)
def test_a_missing_column_is_an_error_that_names_file_and_column(cohort, header, message):
    root = cohort(header, "S1,P1,dicom/a,1" + ",0" * header.count("DH"))
    with pytest.raises(ReadError, match=message) as caught:
        dumc.list_scans(root)
    assert (caught.value.path, caught.value.reason) == (root / "scans.csv", "bad-annotation")


def test_a_missing_or_empty_table_is_an_error(tmp_path, write_csv):
    with pytest.raises(ReadError, match="there is no such label table"):
        dumc.list_scans(tmp_path)
    with pytest.raises(ReadError, match="a header without rows"):
        dumc.list_scans(write_csv(tmp_path / "scans.csv", HEADER))


def test_a_scan_with_a_gap_is_left_out(cohort, write_series, tmp_path):
    """What its labels say may have been seen on the slice that is missing."""
    write_series(tmp_path / "dicom" / "a", "1.1", patient="anonymous", slices=8)
    (tmp_path / "dicom" / "a" / "CT000004.dcm").unlink()
    root = cohort(HEADER, "S1,P1,dicom/a,1", "S2,P2,dicom/b,0")
    entries, exclusions = dumc.list_scans(root)
    assert [entry.scan_key for entry in entries] == ["S2"]
    assert {one.reason for one in exclusions} == {"incomplete-series"}
