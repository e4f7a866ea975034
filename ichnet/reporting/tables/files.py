"""The files a table is written to: CSV to compute with, Markdown, HTML and LaTeX to read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ichnet.files import write_whole
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.latex import to_latex
from ichnet.reporting.tables.table import DASH, Table, to_html, to_markdown

FORMATS = {"md": to_markdown, "html": to_html, "tex": to_latex}


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write a table as CSV, Markdown, HTML and LaTeX, each of them whole.

    In the CSV an estimate is three columns of full precision (``AUC``, ``AUC low``, ``AUC high``),
    so that nobody has to parse text to compute with it.

    Returns:
        The four paths.
    """
    paths = [folder / f"{table.name}.csv"]
    with write_whole(paths[0], newline="") as handle:
        csv.writer(handle).writerows(csv_rows(table))
    for suffix, render in FORMATS.items():
        paths.append(folder / f"{table.name}.{suffix}")
        with write_whole(paths[-1]) as handle:
            handle.write(render(table))
    return paths


def csv_rows(table: Table) -> Iterator[list[str]]:
    """Yield the heading and the rows of the CSV file."""
    columns = range(len(table.columns))
    spread = [any(isinstance(row[i], Estimate) for row in table.rows) for i in columns]
    heading: list[str] = []
    for name, three in zip(table.columns, spread, strict=True):
        heading += [name, f"{name} low", f"{name} high"] if three else [name]
    yield heading
    for row in table.rows:
        cells: list[str] = []
        for cell, three in zip(row, spread, strict=True):
            if isinstance(cell, Estimate):
                cells += [f"{number:.9g}" for number in (cell.value, cell.low, cell.high)]
            else:
                text = "" if cell == DASH else cell
                cells += [text, "", ""] if three else [text]
        yield cells
