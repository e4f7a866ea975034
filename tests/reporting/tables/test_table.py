from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ichnet.reporting.measures.estimate import Estimate, signed
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table import DASH, Table, count_share, p_value, to_html, to_markdown

TABLE = Table(
    name="t",
    title="Title",
    caption="Scan level; n = 4.",
    columns=("Model", "AUC", "p"),
    rows=(("a", Estimate(0.95149, 0.9371, 0.96449), "0.038"), ("b", DASH, DASH)),
    notes=("b: no predictions for dumc.",),
)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.951, 0.937, 0.964), "0.951 (0.937–0.964)"),
        (Estimate(1.0, 0.9996, 1.0), "1.000 (1.000–1.000)"),
        (Estimate(-0.013, -0.03, 0.004, signed=True), "−0.013 (−0.030 to +0.004)"),
    ],
)
def test_estimate_is_written_with_its_interval(estimate: Estimate, text: str) -> None:
    assert str(estimate) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0379, "0.038"),
        (0.00042, "0.0004"),
        (0.00009, "<0.0001"),
        (1.0, "1.000"),
        (0.001, "0.001"),
    ],
)
def test_p_value(p: float, text: str) -> None:
    assert p_value(p) == text


def test_a_difference_that_rounds_to_zero_has_no_minus() -> None:
    assert signed(-0.0001) == "+0.000"


def test_count_and_share() -> None:
    assert count_share(7013, 53045) == "7,013 (13.2%)"
    assert count_share(0, 0) == "0 (–)"


def test_csv_holds_numbers_in_full_and_dashes_as_empty_cells(tmp_path: Path) -> None:
    paths = write_table(TABLE, tmp_path)

    assert [path.name for path in paths] == ["t.csv", "t.md", "t.html", "t.tex"]
    with paths[0].open(encoding="utf-8", newline="") as handle:
        assert list(csv.reader(handle)) == [
            ["Model", "AUC", "AUC low", "AUC high", "p"],
            ["a", "0.95149", "0.9371", "0.96449", "0.038"],
            ["b", "", "", "", ""],
        ]


def test_markdown() -> None:
    assert to_markdown(TABLE).splitlines() == [
        "### Title",
        "",
        "Scan level; n = 4.",
        "",
        "| Model | AUC | p |",
        "| --- | --- | --- |",
        "| a | 0.951 (0.937–0.964) | 0.038 |",
        "| b | – | – |",
        "",
        "- b: no predictions for dumc.",
    ]


def test_markdown_cells_cannot_break_the_table() -> None:
    table = Table("t", "T", "C", ("a", "b"), (("x|y", "line\nbreak <b>"),))

    assert "| x\\|y | line break &lt;b&gt; |" in to_markdown(table)


def test_html_escapes_every_string() -> None:
    evil = '<script>"&'
    table = Table("t", evil, evil, (evil,), ((evil,),), (evil,))

    page = to_html(table)

    assert "<script" not in page
    assert page.count("&lt;script&gt;&quot;&amp;") == 6  # title also as the region's name


def test_html_shows_a_section_as_a_heading_above_its_rows() -> None:
    table = Table(
        "t",
        "T",
        "C",
        ("s", "v", "w"),
        (("x", "1", "2"), ("x", "3", "4"), ("y", "5", "6")),
        (),
        True,
    )

    page = to_html(table)

    assert '<thead><tr><th scope="col">v</th><th scope="col">w</th></tr></thead>' in page
    assert [line for line in page.splitlines() if line.startswith("<tr")] == [
        '<tr class="section"><th scope="rowgroup" colspan="2">x</th></tr>',
        '<tr><th scope="row">1</th><td>2</td></tr>',
        '<tr><th scope="row">3</th><td>4</td></tr>',
        '<tr class="section"><th scope="rowgroup" colspan="2">y</th></tr>',
        '<tr><th scope="row">5</th><td>6</td></tr>',
    ]


def test_html_sets_an_interval_apart() -> None:
    table = Table("t", "T", "C", ("m", "v"), (("a", Estimate(0.5, 0.25, 0.75)),))

    assert "<td>0.500 <small>(0.250–0.750)</small></td>" in to_html(table)


def test_a_row_must_fill_its_columns() -> None:
    with pytest.raises(ValueError, match="t: 1 cells under 2 columns"):
        Table("t", "T", "C", ("a", "b"), (("x",),))
