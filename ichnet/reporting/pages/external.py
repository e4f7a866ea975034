"""The page of an exported model on real scans, its files, and its headline figures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

import ichnet
from ichnet.files import write_whole
from ichnet.reporting.figures.external import external_figures, roc_curves
from ichnet.reporting.figures.figure2 import write_curves
from ichnet.reporting.figures.style import inline_svg, write_figure
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.external import load_answers
from ichnet.reporting.pages.html import page_environment
from ichnet.reporting.tables.external import external_tables
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table import Cell, Table, to_html

PAGE = "index.html"


def write_external(out: Path) -> dict[str, Any]:
    """Write tables, figures and page of an evaluated export; return its headline figures.

    Args:
        out: with ``answers/``; gets ``tables/``, ``figures/`` and ``index.html``.

    Raises:
        FileNotFoundError: when there are no answers.
        ValueError: when no scan has a known truth.
    """
    answers = load_answers(out)
    if not len(answers.scans["scan_id"]):
        raise ValueError(f"{out}: the truth of no scan of {answers.test.records} is known")
    tables = external_tables(answers)
    for table in tables:
        write_table(table, out / "tables")
    pictures = []
    for name, (figure, caption) in external_figures(answers).items():
        svg = inline_svg(figure, name, caption)  # before the caption is written into the figure
        pictures.append({"name": name, "caption": caption, "svg": Markup(svg)})
        write_figure(figure, out / "figures", name, caption)
    curves = {title: curve for (_, title), curve in roc_curves(answers).items()}
    write_curves(curves, out / "figures" / "roc.csv", "scans")
    page = (
        page_environment()
        .get_template("external.html")
        .render(
            test=answers.test,
            subject=answers.describe(),
            made=datetime.now(UTC),
            version=ichnet.__version__,
            tables=[Markup(to_html(table)) for table in tables],  # escaped there
            figures=pictures,
        )
    )
    with write_whole(out / PAGE) as handle:
        handle.write(page)
    units = answers.units()
    return {
        "model": answers.test.model,
        "records": answers.test.records,
        "scans": len(units.truth),
        "with_ich": units.positives,
        "threshold": answers.test.threshold,
        **headline({table.name: table for table in tables}),
        "page": str(out / PAGE),
    }


def headline(tables: dict[str, Table]) -> dict[str, Any]:
    """Return the headline figures, each ``[value, low, high]``, or ``None`` where there is none."""
    cells: dict[str, tuple[str, int, str]] = {
        "scan_auc": ("detection", 0, "AUC"),
        "sensitivity": ("detection", 0, "Sensitivity"),
        "specificity": ("detection", 0, "Specificity"),
        "slice_auc": ("slices", 0, "AUC"),
        "brier": ("calibration", 0, "Brier score"),
        "calibration_slope": ("calibration", 0, "Slope"),
        "calibration_intercept": ("calibration", 0, "Intercept"),
        "dice_by_slice": ("outlines", 0, "Dice"),
        "found_slices": ("outlines", 0, "Found"),
        "dice_by_scan": ("outlines", 1, "Dice"),
        "hausdorff95_mm": ("outlines", 1, "HD95, mm"),
    }
    found: dict[str, Any] = {
        key: _number(tables[name], row, column) for key, (name, row, column) in cells.items()
    }
    subtypes = tables["subtypes"]
    found["subtype_auc"] = {
        str(row[0]): _number(subtypes, index, "AUC by scan")
        for index, row in enumerate(subtypes.rows)
    }
    return found


def _number(table: Table, row: int, column: str) -> list[float] | None:
    """Return an estimate of a table, rounded; ``None`` where it has none."""
    if row >= len(table.rows):
        return None
    cell: Cell = table.rows[row][table.columns.index(column)]
    if not isinstance(cell, Estimate):
        return None
    return [round(number, 4) for number in (cell.value, cell.low, cell.high)]
