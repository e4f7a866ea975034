"""Every model of a run at a glance: AUC and its interval, one under the other."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from ichnet.reporting.figures.style import INK, LINE, SOFT_INK, kind_colour, new_figure, style
from ichnet.reporting.measures.estimate import Estimate

Groups = Mapping[str, Mapping[str, Estimate]]
"""The AUC of each model, by heading and by the model's title."""


def draw_overview(groups: Groups) -> Figure:
    """Draw a point and an interval for each model, under headings."""
    count = sum(len(models) for models in groups.values())
    with style():
        figure = new_figure(9.6, 0.7 + 0.23 * (count + 1.35 * len(groups)))
        axes = figure.subplots()
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.axvline(0.5, color=SOFT_INK, lw=0.9, ls=(0, (2, 2)))
        right = blended_transform_factory(axes.transAxes, axes.transData)
        row = 0.0
        ticks: dict[float, str] = {}
        for heading, models in groups.items():
            ticks[row] = heading
            row += 1
            for model, auc in models.items():
                colour = kind_colour(model)
                axes.plot([auc.low, auc.high], [row, row], color=colour, lw=2.2)
                axes.plot(auc.value, row, "o", color=colour, ms=5.5)
                axes.text(1.02, row, str(auc), transform=right, va="center", color=SOFT_INK)
                ticks[row] = model
                row += 1
            row += 0.35
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.tick_params(axis="y", labelcolor=INK)
        for label in axes.get_yticklabels():
            label.set_fontweight("bold" if label.get_text() in groups else "normal")
        axes.set_ylim(row - 0.3, -0.7)
        axes.set_xlabel("AUC with 95 % interval (0.5: no better than chance)", color=SOFT_INK)
        axes.spines["bottom"].set_color(LINE)
    return figure
