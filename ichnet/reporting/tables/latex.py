r"""A table for a manuscript: LaTeX with the rules of ``\usepackage{booktabs}``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from ichnet.reporting.tables.table import Cell, Table

SPECIAL: dict[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "×": r"$\times$",
    "κ": r"$\kappa$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
"""Replacements of characters that LaTeX would read as commands, or that its fonts lack."""

_PATTERN = re.compile("|".join(map(re.escape, SPECIAL)))


def to_latex(table: Table) -> str:
    """Return a ``table`` environment with title, caption, rows and notes; all text is escaped."""
    columns = table.columns[1:] if table.section_column else table.columns
    layout = "l" + "r" * (len(columns) - 1)
    body = _sections(table) if table.section_column else _rows(table.rows)
    notes = " ".join(latex_text(note) for note in table.notes)
    lines = [
        r"\begin{table}",
        rf"\caption{{\textbf{{{latex_text(table.title)}.}} {latex_text(table.caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9]+', '-', table.name)}}}",
        r"\centering\small",
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        _row(columns),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *([rf"\par\smallskip\footnotesize {notes}"] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex_text(text: str) -> str:
    """Return text on one line that LaTeX prints as it stands."""
    return _PATTERN.sub(lambda match: SPECIAL[match.group()], " ".join(text.split()))


def _sections(table: Table) -> Iterator[str]:
    """Yield the rows of a table with a section column: a heading, then its rows without it."""
    width = len(table.columns) - 1
    for number, (section, rows) in enumerate(itertools.groupby(table.rows, lambda row: row[0])):
        if number:
            yield r"\addlinespace"
        yield rf"\multicolumn{{{width}}}{{l}}{{\textit{{{latex_text(str(section))}}}}} \\"
        yield from _rows([row[1:] for row in rows])


def _rows(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    for row in rows:
        yield _row([str(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return " & ".join(latex_text(cell) for cell in cells) + r" \\"
