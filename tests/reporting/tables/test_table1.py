from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.reporting.tables.table1 import table1

HEADER = "cohort,scan_id,patient_id,split,slices,ANY,EDH,IPH,IVH,SAH,SDH,age_years,sex,votes"


def write_listing(records: Path, record_set: str, rows: list[str]) -> None:
    path = records / record_set / "scans.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def test_cells(tmp_path: Path) -> None:
    write_listing(
        tmp_path,
        "dumc",
        [
            "dumc,s1,p1,test,9,1,0,1,0,0,0,60,F,",
            "dumc,s2,p1,test,9,1,0,1,0,0,1,70,F,",
            "dumc,s3,p2,test,9,1,,,,,,80,M,",
            "dumc,s4,p3,test,9,0,0,0,0,0,0,,,",
            "dumc,s5,p4,test,9,-1,-1,-1,-1,-1,-1,,,",
        ],
    )

    table = table1(tmp_path)

    dumc = {str(row[0]): row[3] for row in table.rows}
    assert dumc == {
        "Scans": "5",
        "Patients": "4",
        "Age, years": "70.0 ± 10.0 (n = 3)",
        "Female": "2 (66.7%) of 3",
        "Normal": "1 (20.0%)",
        "ICH": "3 (60.0%)",
        "IPH only": "1 (33.3%)",
        "IVH only": "0 (0.0%)",
        "EDH only": "0 (0.0%)",
        "SDH only": "0 (0.0%)",
        "SAH only": "0 (0.0%)",
        "Mixed": "1 (33.3%)",
        "No subtype stated": "1 (33.3%)",
    }
    assert table.caption.startswith("Scan level; 5 scans as held")


def test_missing_record_sets_are_dashes_and_notes(tmp_path: Path) -> None:
    table = table1(tmp_path / "records")

    assert {cell for row in table.rows for cell in row[1:]} == {"–"}
    assert table.notes[0] == "AI-Hub: no record set records/aihub-scans."
    assert len(table.notes) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scan_id,ANY\ns1,1\n", r"dumc/scans.csv: lacks the columns EDH, IPH, .*patient_id, sex"),
        (HEADER + "\ndumc,s1,p1,test,9,yes,0,0,0,0,0,,,\n", "dumc/scans.csv: .*'yes'"),
    ],
)
def test_listings_that_cannot_be_read_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "dumc" / "scans.csv"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=message):
        table1(tmp_path)
