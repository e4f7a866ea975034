"""Label tables: errors name the file, the line and the cause."""

from __future__ import annotations

import pytest

from ichnet.cohorts.tables import read_rows
from ichnet.ct.errors import ReadError


def test_byte_order_mark_crlf_blanks_and_a_missing_final_break_are_read(tmp_path, write_csv):
    table = write_csv(tmp_path / "t.csv", "a, b", "1 ,x", "", '2,"y, z"', end="\r\n", bom=True)
    rows, exclusions = read_rows(table, ["b", "a"])
    assert [row.cells for row in rows] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y, z"}]
    assert [row.line for row in rows] == [2, 4]
    assert exclusions == []


def test_a_line_of_another_length_is_left_out_and_listed(tmp_path, write_csv):
    table = write_csv(tmp_path / "t.csv", "a,b", "1", "1,2", "1,2,3")
    rows, exclusions = read_rows(table, ["a"])
    assert [row.line for row in rows] == [3]
    assert [exclusion.detail for exclusion in exclusions] == [
        "line 2: 1 cells under 2 columns",
        "line 4: 3 cells under 2 columns",
    ]
    assert {exclusion.reason for exclusion in exclusions} == {"bad-annotation"}


@pytest.mark.parametrize(
    ("content", "reason", "message"),
    [
        (None, "missing-file", "no such label table"),
        (b"", "bad-annotation", "no column ich, path; the header is empty"),
        (b"path;ich\n", "bad-annotation", "no column ich, path; the header is path;ich"),
        (b"ich,path,ich\n", "bad-annotation", "a column appears twice"),
        (b"ich,path\n\xff\xfe,1\n", "bad-annotation", "not a CSV table in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error(tmp_path, content, reason, message):
    table = tmp_path / "scans.csv"
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(ReadError, match=message) as caught:
        read_rows(table, ["ich", "path"])
    assert (caught.value.path, caught.value.reason) == (table, reason)


@pytest.mark.parametrize("value", ["", "2", "yes", "1.0"])
def test_a_cell_that_is_neither_0_nor_1_is_an_error(tmp_path, write_csv, value):
    rows, _ = read_rows(write_csv(tmp_path / "t.csv", "a,b", f"{value},1"), ["a"])
    assert rows[0].zero_or_one("b") == 1
    with pytest.raises(ReadError, match=f"line 2: a is '{value}', not 0 or 1"):
        rows[0].zero_or_one("a")


def test_an_empty_cell_is_an_error_where_text_is_needed(tmp_path, write_csv):
    rows, _ = read_rows(write_csv(tmp_path / "t.csv", "a,b", " ,1"), ["a"])
    with pytest.raises(ReadError, match="line 2: a is empty"):
        rows[0].text("a")
