"""Loss by epoch of every trained model, as small multiples."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ichnet.reporting.figures.style import BLUE, SOFT_INK, VERMILION, new_figure, style
from ichnet.runs import RunFolder
from ichnet.runs.training_log import read_log, validation_loss

PANELS_A_ROW = 4
PLOTTED = ("epoch", "loss", "val_loss")


def read_logs(run: RunFolder) -> dict[str, dict[str, list[float]]]:
    """Return what is drawn of each model with a finished epoch, by name.

    Returns:
        ``epoch``, ``loss``, ``val_loss``, and ``kept_by``: the validation loss that decides which
        epoch is kept (:func:`ichnet.runs.training_log.validation_loss`).

    Raises:
        ValueError: when a log lacks a column or holds something that is no number.
    """
    paths = sorted(run.root.glob("models/*/log.csv"))
    logs = {path.parent.name: _read_log(path) for path in paths}
    return {model: log for model, log in logs.items() if log["epoch"]}


def draw_training_curves(logs: dict[str, dict[str, list[float]]]) -> Figure:
    """Draw a panel for each model: training loss, validation loss and the epoch kept."""
    rows = math.ceil(len(logs) / PANELS_A_ROW)
    with style():
        figure = new_figure(9.6, 0.4 + 1.7 * rows)
        grid = figure.subplots(rows, PANELS_A_ROW, squeeze=False)
        for axes in grid.flat[len(logs) :]:
            axes.set_axis_off()
        for axes, (model, log) in zip(grid.flat, logs.items(), strict=False):
            axes.plot(log["epoch"], log["loss"], color=BLUE, label="training")
            axes.plot(log["epoch"], log["val_loss"], color=VERMILION, ls="--", label="validation")
            best = min(range(len(log["val_loss"])), key=log["kept_by"].__getitem__)
            kept = log["epoch"][best], log["val_loss"][best]
            axes.plot(*kept, "o", ms=5, mfc="none", color=VERMILION, label="epoch kept")
            axes.set_title(model, fontsize=7.5)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(labelsize=7)
        figure.supxlabel("epoch", fontsize=8, color=SOFT_INK)
        figure.supylabel("loss", fontsize=8, color=SOFT_INK)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3, fontsize=8)
    return figure


def _read_log(path: Path) -> dict[str, list[float]]:
    try:
        rows = read_log(path)
        columns = {name: [row[name] for row in rows] for name in PLOTTED}
        return {**columns, "kept_by": [validation_loss(row) for row in rows]}
    except KeyError as error:
        raise ValueError(f"{path}: lacks the column {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
