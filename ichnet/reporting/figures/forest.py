"""The contrasts as a forest: each difference with its interval, by family."""

from __future__ import annotations

from matplotlib.figure import Figure

from ichnet.reporting.figures.style import BLUE, INK, LINE, SOFT_INK, new_figure, style
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.contrasts import COLUMNS, UNDERTRAINED
from ichnet.reporting.tables.table import Table

FAMILY, QUESTION, DIFFERENCE, ANSWER = (
    COLUMNS.index(name) for name in ("Family", "Question", "AUC difference", "Answer")
)


def draw_forest(table: Table) -> Figure:
    """Draw each measured contrast of a table: a dot and its 95 % interval.

    What is answered is dark, what is not shown pale, what is left out open. Without any measured
    contrast the figure says so.
    """
    rows = [row for row in table.rows if isinstance(row[DIFFERENCE], Estimate)]
    with style():
        figure = new_figure(8.6, 1.0 + 0.26 * max(len(rows), 1))
        axes = figure.subplots()
        axes.axvline(0, color=LINE, lw=1.2)
        for place, row in enumerate(rows):
            value, answer = row[DIFFERENCE], row[ANSWER]
            assert isinstance(value, Estimate)
            left_out = answer == UNDERTRAINED
            colour = SOFT_INK if left_out else BLUE if answer != "not shown" else INK
            axes.plot([value.low, value.high], [place, place], color=colour, lw=1.4)
            face = "white" if left_out else colour
            axes.plot(value.value, place, "o", ms=5, color=colour, mfc=face)
        axes.set_yticks(range(len(rows)), [str(row[QUESTION]) for row in rows], fontsize=7)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("difference of AUC by scan, 95 % interval over scans and trainings")
        if not rows:
            axes.text(0.5, 0.5, "no contrast was measured", transform=axes.transAxes, ha="center")
    return figure
