"""Tables in LaTeX: escaped, ruled, sections as headings."""

from __future__ import annotations

import pytest

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.latex import latex_text, to_latex
from ichnet.reporting.tables.table import Table


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("95 % of a_b & c", r"95 \% of a\_b \& c"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("−0.1 (0.2–0.3), p <0.001", r"$-$0.1 (0.2--0.3), p \textless{}0.001"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_is_printed_as_it_stands(text: str, wanted: str) -> None:
    assert latex_text(text) == wanted


def test_a_table_has_title_rules_rows_and_notes() -> None:
    table = Table(
        name="table_1",
        title="Title",
        caption="n = 4",
        columns=("Model", "AUC"),
        rows=(("a_1", Estimate(0.5, 0.25, 0.75)),),
        notes=("b: missing",),
    )
    assert to_latex(table).splitlines() == [
        r"\begin{table}",
        r"\caption{\textbf{Title.} n = 4}",
        r"\label{tab:table-1}",
        r"\centering\small",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Model & AUC \\",
        r"\midrule",
        r"a\_1 & 0.500 (0.250--0.750) \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip\footnotesize b: missing",
        r"\end{table}",
    ]


def test_a_section_column_becomes_headings() -> None:
    table = Table(
        "t",
        "T",
        "c",
        ("Set", "Model", "p"),
        (("All", "a", "1"), ("All", "b", "2"), ("SDH", "a", "3")),
        section_column=True,
    )
    lines = to_latex(table).splitlines()
    start = lines.index(r"\midrule") + 1
    assert lines[start : lines.index(r"\bottomrule")] == [
        r"\multicolumn{2}{l}{\textit{All}} \\",
        r"a & 1 \\",
        r"b & 2 \\",
        r"\addlinespace",
        r"\multicolumn{2}{l}{\textit{SDH}} \\",
        r"a & 3 \\",
    ]
