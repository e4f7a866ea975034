"""A table for readers: its cells, and its rendering as Markdown and HTML."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ichnet.reporting.measures.estimate import Estimate

DASH = "–"
"""Shown in a cell that has no value; the table's notes say why."""


Cell = str | Estimate


@dataclass(frozen=True)
class Table:
    """Rows of text and estimates under one title.

    Attributes:
        name: stem of the files, e.g. ``table2-scans``.
        title: what a reader calls it, e.g. ``Table 2. Weak against strong annotation``.
        caption: how to read it: n, slice level or scan level, which intervals and tests.
        columns: headings.
        rows: one cell for each column.
        notes: what is missing and why.
        section_column: whether the first column names sections of the table.
    """

    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    section_column: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"{self.name}: {len(row)} cells under {len(self.columns)} columns: {row}"
                )


def to_markdown(table: Table) -> str:
    """Return the table as GitHub's Markdown, with title, caption and notes."""
    lines = [f"### {_plain(table.title)}", "", _plain(table.caption), ""]
    lines += [_markdown_row(table.columns), _markdown_row(["---"] * len(table.columns))]
    lines += [_markdown_row([str(cell) for cell in row]) for row in table.rows]
    lines += ["", *(f"- {_plain(note)}" for note in table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def to_html(table: Table) -> str:
    """Return the table as an HTML ``figure``; every string is escaped.

    A section column becomes headings across the table, one for each run of equal cells.
    """
    columns = table.columns[1:] if table.section_column else table.columns
    heading = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join(_html_sections(table) if table.section_column else _html_rows(table.rows))
    title, caption = html.escape(table.title), html.escape(table.caption)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return (
        f'<figure class="table" id="{html.escape(table.name)}">\n'
        f"<figcaption><strong>{title}</strong> <span>{caption}</span></figcaption>\n"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table>\n'
        f"<thead><tr>{heading}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
        + (f'<ul class="notes">{notes}</ul>\n' if notes else "")
        + "</figure>\n"
    )


def cell(value: Estimate | None) -> Cell:
    """Return an estimate, or a dash where there is none."""
    return DASH if value is None else value


def count_share(count: int, total: int) -> str:
    """Return e.g. ``327 (54.5%)``; a dash for the share of nothing."""
    return f"{count:,} ({count / total:.1%})" if total else f"{count:,} ({DASH})"


def p_value(p: float) -> str:
    """Return e.g. ``0.038``, ``0.0004`` or ``<0.0001``."""
    if p < 0.0001:
        return "<0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}"


def _plain(text: str) -> str:
    """Return text on one line that Markdown does not take for HTML."""
    return html.escape(" ".join(text.split()), quote=False)


def _markdown_row(cells: Sequence[str]) -> str:
    clean = (_plain(cell).replace("|", "\\|") for cell in cells)  # a bar would end the cell
    return f"| {' | '.join(clean)} |"


def _html_sections(table: Table) -> Iterator[str]:
    """Yield the rows of a table with a section column: a heading, then its rows without it."""
    for section, rows in itertools.groupby(table.rows, key=lambda row: row[0]):
        width = len(table.columns) - 1
        yield f'<tr class="section"><th scope="rowgroup" colspan="{width}">'
        yield f"{_html_cell(section)}</th></tr>\n"
        yield from _html_rows([row[1:] for row in rows])


def _html_rows(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    for row in rows:
        first, *others = [_html_cell(cell) for cell in row]
        data = "".join(f"<td>{cell}</td>" for cell in others)
        yield f'<tr><th scope="row">{first}</th>{data}</tr>\n'


def _html_cell(cell: Cell) -> str:
    """Return a cell; an estimate's interval is set apart, to stand below it."""
    if not isinstance(cell, Estimate):
        return html.escape(cell)
    value, interval = str(cell).split(" ", 1)
    return f"{value} <small>{interval}</small>"
