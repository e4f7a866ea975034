"""eFigures 6 and 7: ROC curves side by side, of networks by arm and of test cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from ichnet.config import Config
from ichnet.reporting.figures.figure2 import Curve, curve_of
from ichnet.reporting.figures.style import (
    PAPER,
    SOFT_INK,
    kind_colour,
    model_line,
    new_figure,
    style,
)
from ichnet.reporting.measures.metrics import SetMetrics, load_metrics
from ichnet.reporting.measures.model_pairs import classifiers
from ichnet.reporting.measures.model_predictions import (
    COHORT_TITLES,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.tables.etable1 import final_comparison_models
from ichnet.reporting.tables.table2 import ARM_TITLES
from ichnet.runs import RunFolder, classifier_name

ARM_DASHES: dict[str, Any] = {
    "rsna-weak": (0, (1, 1)),
    "aihub-weak": (0, (5, 2)),
    "aihub-strong": "solid",
}
"""Line style of each arm, for readers who cannot tell the colours apart."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One square of curves.

    Attributes:
        title: shown above it, with the number of scans.
        curves: by their names in the legend.
        lines: colour and dashes of each.
        reason: why there are no curves; otherwise empty.
    """

    title: str
    curves: Mapping[str, Curve]
    lines: Mapping[str, Mapping[str, Any]]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class RocPanels:
    """A figure of several panels.

    Attributes:
        name: stem of its files.
        title, caption: what it shows and how to read it.
        panels: from left to right, two in a row.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]


def efigure6(run: RunFolder, config: Config) -> RocPanels:
    """Return the ROC curves of each network in its three arms, by scan."""
    arms = config.classifiers.arms
    predictions = load_predictions(run, classifiers(config))
    found = load_metrics(run, config).of("scan")
    panels = []
    for backbone in config.classifiers.backbones:
        names = {ARM_TITLES[arm]: classifier_name(backbone, arm) for arm in arms}
        lines = {
            ARM_TITLES[arm]: {"color": kind_colour(arm), "linestyle": ARM_DASHES[arm]}
            for arm in arms
        }
        panels.append(_panel(backbone, predictions, names, lines, found))
    return RocPanels(
        "efigure6",
        "eFigure 6. ROC curves of weak and strong annotation",
        _caption(predictions, config),
        tuple(panels),
    )


def efigure7(run: RunFolder, config: Config) -> RocPanels:
    """Return the ROC curves of the final ensemble and the strong networks on each test cohort."""
    models = final_comparison_models(config)
    predictions = load_predictions(run, models)
    names, lines = {m: m for m in models}, {m: model_line(m) for m in models}
    metrics = load_metrics(run, config)
    panels = []
    for cohort in predictions.cohorts:
        subset = predictions.select(predictions.truth["cohort"] == cohort)
        found = metrics.of("scan", cohort)
        title = f"{COHORT_TITLES[cohort]}: {found.counts}"
        panels.append(_panel(title, subset, names, lines, found))
    return RocPanels(
        "efigure7",
        "eFigure 7. ROC curves on each external test set",
        _caption(predictions, config),
        tuple(panels),
    )


def draw_panels(figure_of: RocPanels) -> Figure:
    """Draw the panels, two in a row, each with its own legend."""
    count = max(len(figure_of.panels), 1)
    columns = min(count, 2)
    rows = -(-count // columns)
    with style():
        figure = new_figure(5.0 * columns, 4.9 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(figure_of.panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid.flat, figure_of.panels, strict=False):
            _draw(axes, panel)
    return figure


def _panel(
    title: str,
    predictions: ModelPredictions,
    names: Mapping[str, str],
    lines: Mapping[str, Mapping[str, Any]],
    metrics: SetMetrics,
) -> Panel:
    curves = {
        label: curve_of(predictions, model, metrics)
        for label, model in names.items()
        if model in metrics.models
    }
    return Panel(title, curves, lines, metrics.unmeasurable or ("" if curves else "no predictions"))


def _caption(predictions: ModelPredictions, config: Config) -> str:
    absent = "".join(f" {model}: {why}." for model, why in predictions.missing.items())
    return (
        f"Scan level; {predictions.describe()}. Legend: AUC with DeLong's 95 % interval. Points: "
        f"the decision at probability {config.evaluation.threshold:g}.{absent}"
    )


def _draw(axes: Any, panel: Panel) -> None:
    axes.plot([0, 1], [0, 1], color=SOFT_INK, lw=0.9, ls=(0, (2, 2)))
    for label, curve in panel.curves.items():
        line = panel.lines[label]
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            lw=1.7,
            label=f"{label}  {curve.auc}",
            **line,
        )
        axes.plot(*curve.operating_point, "o", ms=5, color=line["color"], mec=PAPER, mew=1.0)
    axes.set_aspect("equal")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_title(panel.title)
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("Sensitivity")
    if panel.curves:
        axes.legend(loc="lower right", fontsize=6.8, handlelength=2.6)
    else:
        axes.text(0.5, 0.5, panel.reason, ha="center", color=SOFT_INK)
