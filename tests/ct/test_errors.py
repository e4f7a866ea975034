"""What was left out is listed, one line a file."""

from __future__ import annotations

import csv
from pathlib import Path

from ichnet.ct.errors import Exclusion, ReadError, write_exclusions


def test_an_error_names_cause_and_reason_and_the_file_only_when_asked():
    error = ReadError("scans/a.dcm", "truncated", "the file ends in the middle of its header")
    assert str(error) == "the file ends in the middle of its header [truncated]"
    assert error.with_path == f"scans/a.dcm: {error}"
    assert Exclusion.from_error(error) == Exclusion(
        Path("scans/a.dcm"), "truncated", "the file ends in the middle of its header"
    )


def test_exclusions_are_a_table_even_with_odd_names(tmp_path):
    exclusions = [
        Exclusion(Path("a, b.dcm"), "not-ct", 'modality "MR", not CT'),
        Exclusion(Path("line\nbreak.dcm"), "no-pixels", "the file holds no image"),
    ]
    path = tmp_path / "out" / "excluded.csv"
    write_exclusions(iter(exclusions), path)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["file", "reason", "detail"],
            ["a, b.dcm", "not-ct", 'modality "MR", not CT'],
            ["line\nbreak.dcm", "no-pixels", "the file holds no image"],
        ]


def test_no_exclusions_are_a_table_too(tmp_path):
    write_exclusions([], tmp_path / "excluded.csv")
    assert (tmp_path / "excluded.csv").read_text().splitlines() == ["file,reason,detail"]
