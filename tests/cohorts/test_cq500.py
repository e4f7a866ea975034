"""CQ500: three readers, several series a study."""

from __future__ import annotations

import pytest

from ichnet.cohorts import cq500
from ichnet.ct.errors import ReadError

FINDINGS = (
    *("ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "BleedLocation-Left", "BleedLocation-Right"),
    *("ChronicBleed", "Fracture", "CalvarialFracture", "OtherFracture", "MassEffect"),
    "MidlineShift",
)
HEADER = ",".join(["name", "Category", *(f"R{r}:{f}" for r in (1, 2, 3) for f in FINDINGS)])


def reads(name: str, *opinions: str) -> str:
    """One row; each reader's opinion is the findings that are present, by blanks."""
    cells = [str(int(f in opinion.split())) for opinion in opinions for f in FINDINGS]
    return ",".join([name, "B1", *cells])


@pytest.fixture
def cohort(tmp_path, write_csv, write_series):
    """Studies 1 and 12, each with one plain series at 5 mm."""
    for number, series in ((1, "1.1"), (12, "1.12")):
        study = tmp_path / f"CQ500CT{number} CQ500CT{number}" / "Unknown Study"
        write_series(study / "CT Plain", series, patient=f"CQ500-CT-{number}")

    def write(*rows: str):
        write_csv(tmp_path / "reads.csv", HEADER, *rows)
        return tmp_path

    return write


NONE = reads("CQ500-CT-12", "", "", "")


def study(root, number=1):
    return root / f"CQ500CT{number} CQ500CT{number}" / "Unknown Study"


@pytest.mark.parametrize(
    ("opinions", "labels", "votes"),
    [
        # ANY, EDH, IPH, IVH, SAH, SDH
        (("ICH SDH", "ICH SDH IPH", "ICH IPH"), (1, 0, 1, 0, 0, 1), (1, 1, 1)),
        (("ICH EDH", "", "ICH EDH"), (1, 1, 0, 0, 0, 0), (1, 0, 1)),
        (("ICH SAH", "", ""), (0, 0, 0, 0, 0, 0), (1, 0, 0)),
        (("", "", ""), (0, 0, 0, 0, 0, 0), (0, 0, 0)),
        # hemorrhage by majority, but no two agree on which
        (("ICH SAH", "ICH IVH", ""), (1, 0, 0, 0, 0, 0), (1, 1, 0)),
        # a subtype without hemorrhage does not count
        (("IVH", "IVH", ""), (0, 0, 0, 0, 0, 0), (0, 0, 0)),
    ],
)
def test_two_of_three_readers_decide(cohort, key, opinions, labels, votes):
    entries, exclusions = cq500.list_scans(cohort(reads("CQ500-CT-1", *opinions), NONE))
    assert exclusions == []
    entry = entries[0]
    assert (entry.cohort, entry.scan_key, entry.patient_key) == (
        "cq500",
        "CQ500-CT-1",
        "CQ500-CT-1",
    )
    assert entry.scan_labels == labels
    assert entry.votes == votes
    case = cq500.load(entry, key)
    assert case.scan_labels.tolist() == list(labels)
    assert case.votes == votes
    assert case.mask is None
    assert case.slice_labels.tolist() == [[-label for label in labels]] * 3


def test_studies_come_in_the_order_of_their_numbers(cohort):
    entries, _ = cq500.list_scans(cohort(NONE, reads("CQ500-CT-1", "", "", "")))
    assert [entry.scan_key for entry in entries] == ["CQ500-CT-1", "CQ500-CT-12"]


@pytest.mark.parametrize("name", ["CQ500-CT-1", "CQ500CT1", "CQ500-CT-1 CQ500-CT-1"])
def test_folders_are_found_by_either_name(cohort, name):
    root = cohort(reads("CQ500-CT-1", "", "", ""), NONE)
    (root / "CQ500CT1 CQ500CT1").rename(root / name)
    entries, exclusions = cq500.list_scans(root)
    assert (len(entries), exclusions) == (2, [])


def test_rows_and_folders_without_each_other_count(cohort):
    root = cohort(reads("CQ500-CT-2", "", "", ""), NONE)
    (root / "CQ500CT3 CQ500CT4").mkdir()
    (root / "cq500ct12").mkdir()
    entries, exclusions = cq500.list_scans(root)
    assert [entry.scan_key for entry in entries] == ["CQ500-CT-12"]
    assert sorted((item.path.name, item.reason) for item in exclusions) == [
        ("CQ500CT1 CQ500CT1", "unlabelled"),
        ("CQ500CT3 CQ500CT4", "unlabelled"),
        ("cq500ct12", "duplicate-scan"),
        ("reads.csv", "missing-file"),
    ]


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (reads("CQ500-1", "", "", ""), "bad-annotation", "line 2: name is not CQ500-CT-<n>"),
        (NONE, "duplicate-scan", "line 3: a second row of its study"),
        (NONE.rsplit(",", 1)[0], "bad-annotation", "line 2: 43 cells under 44 columns"),
    ],
)
def test_faulty_rows_are_listed(cohort, row, reason, detail):
    entries, exclusions = cq500.list_scans(cohort(row, NONE))
    assert [entry.scan_key for entry in entries] == ["CQ500-CT-12"]
    # the folder of study 1 has no row
    assert sorted(item.reason for item in exclusions) == sorted(["unlabelled", reason])
    assert detail in {item.detail for item in exclusions}


def test_an_opinion_that_is_not_0_or_1_leaves_the_study_out(cohort):
    row = reads("CQ500-CT-1", "", "", "").replace(",0", ",", 1)
    entries, exclusions = cq500.list_scans(cohort(row, NONE))
    assert len(entries) == 1
    assert [(item.reason, item.detail) for item in exclusions] == [
        ("bad-annotation", "line 2: R1:ICH is '', not 0 or 1")
    ]


def test_a_missing_column_or_table_is_an_error(cohort, tmp_path, write_csv):
    with pytest.raises(ReadError, match="there is no such label table"):
        cq500.list_scans(tmp_path)
    root = cohort()
    write_csv(root / "reads.csv", HEADER.replace("R2:SAH", "R2:SAB"))
    with pytest.raises(ReadError, match="no column R2:SAH; the header is name,Category,R1:ICH"):
        cq500.list_scans(root)


THIN = {"name": "CT Thin Plain", "slices": 17, "gap_mm": 0.625}
FIVE = {"name": "CT 5mm", "slices": 3, "gap_mm": 5.0}
BONE = {"name": "CT BONE", "slices": 3, "gap_mm": 5.0}
POST = {"name": "CT POST CONTRAST", "slices": 3, "gap_mm": 5.0}


PLAIN_NAMES = (
    *("CT 55mm Plain-2", "CT Plain 3mm", "CT 3.753.75mm Plain", "CT BRAIN PLAIN", "CT I To S"),
    *("CT 5 MM PRE CONTRAST", "CT 2.55mm-3", "CT HELICAL", "CT 1.25mm std"),
)


@pytest.mark.parametrize(
    ("series", "chosen"),
    [
        ([THIN, FIVE], "CT 5mm"),
        ([THIN, BONE], "CT Thin Plain"),
        ([BONE], "CT BONE"),
        ([THIN, POST], "CT Thin Plain"),
        ([POST, {**FIVE, "name": "CT PRE CONTRAST 5MM STD"}], "CT PRE CONTRAST 5MM STD"),
        ([THIN, {**FIVE, "name": "CT 4cc sec 150cc D3D on"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT 55mm Contrast"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT ORAL IV-2"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT C+"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT HRCT"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT PNS"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT 3D CT HEADORBIT"}], "CT Thin Plain"),
        # names of series that are taken, in a study where they are nearest to 5 mm
        *[([THIN, {**FIVE, "name": name}], name) for name in PLAIN_NAMES],
        ([THIN, {**FIVE, "ContrastBolusAgent": "agent"}], "CT Thin Plain"),
        ([THIN, {**FIVE, "name": "CT Plain", "ContrastBolusAgent": "agent"}], "CT Plain"),
        ([THIN, {**FIVE, "ConvolutionKernel": "BONEPLUS"}], "CT Thin Plain"),
        # spans 5 mm of the other's 12: a part of the head
        ([{**FIVE, "slices": 2}, {**THIN, "slices": 20}], "CT Thin Plain"),
        # equally near to 5 mm: more slices, then by name
        ([{**FIVE, "gap_mm": 6.0}, {**FIVE, "name": "B", "gap_mm": 4.0, "slices": 4}], "B"),
        ([{**FIVE, "name": "B"}, {**FIVE, "name": "A"}], "A"),
    ],
)
def test_one_series_a_study_is_taken(cohort, write_series, series, chosen):
    root = cohort(reads("CQ500-CT-1", "", "", ""), NONE)
    (study(root) / "CT Plain").rename(root / ".away")
    for index, settings in enumerate(series):
        settings = dict(settings)
        write_series(study(root) / settings.pop("name"), f"1.2.{index}", **settings)
    entries, exclusions = cq500.list_scans(root)
    assert [path.parent.name for path in entries[0].files[:1]] == [chosen]
    assert {(item.path.name, item.reason) for item in exclusions} == {
        (settings["name"], "other-series") for settings in series if settings["name"] != chosen
    }


def test_a_study_without_a_plain_series_is_left_out(cohort):
    root = cohort(reads("CQ500-CT-1", "", "", ""), NONE)
    (study(root) / "CT Plain").rename(study(root) / "CT ANGIO")
    entries, exclusions = cq500.list_scans(root)
    assert len(entries) == 1
    assert [(item.path, item.reason) for item in exclusions] == [
        (root / "CQ500CT1 CQ500CT1", "no-plain-series")
    ]


def test_a_series_that_makes_no_volume_is_no_candidate(cohort, write_series, count_reasons):
    root = cohort(reads("CQ500-CT-1", "", "", ""), NONE)
    write_series(study(root) / "CT 5mm single", "1.3", slices=1)
    entries, exclusions = cq500.list_scans(root)
    assert len(entries) == 2
    assert count_reasons(exclusions) == {"single-slice": 1}
    for path in (study(root) / "CT Plain").iterdir():
        path.write_bytes(b"no image")
    entries, exclusions = cq500.list_scans(root)
    assert len(entries) == 1
    assert count_reasons(exclusions) == {"single-slice": 1, "not-dicom": 3, "empty": 1}


def test_a_series_with_a_gap_is_no_candidate(cohort, write_series, count_reasons):
    root = cohort(reads("CQ500-CT-1", "", "", ""), NONE)
    write_series(study(root) / "CT 5mm", "1.3", slices=8)
    (study(root) / "CT 5mm" / "CT000004.dcm").unlink()
    entries, exclusions = cq500.list_scans(root)
    assert len(entries) == 2
    assert count_reasons(exclusions) == {"incomplete-series": 1}
