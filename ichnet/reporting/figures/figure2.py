"""Figure 2: ROC curves of the strongly trained classifiers and the final ensemble."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.files import write_whole
from ichnet.reporting.figures.style import PAPER, SOFT_INK, model_line, new_figure, style
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.metrics import SetMetrics, load_metrics
from ichnet.reporting.measures.model_predictions import (
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.tables.etable1 import final_comparison_models
from ichnet.runs import RunFolder
from ichnet.statistics.roc import roc_curve

FIGURE2_TITLE = "Figure 2. Receiver operating characteristic"


@dataclass(frozen=True, eq=False)
class Curve:
    """One model's ROC curve.

    Attributes:
        false_positive_rate, true_positive_rate, threshold: float64 [points].
        auc: with DeLong's interval.
        operating_point: false and true positive rate at the decision threshold.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    threshold: NDArray[np.float64]
    auc: Estimate
    operating_point: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Figure2:
    """The curves by model, in the order of drawing, and the caption."""

    curves: dict[str, Curve]
    caption: str


def figure2(run: RunFolder, config: Config) -> Figure2:
    """Return the curves on the test cohorts; no curves when they hold only one class."""
    models = final_comparison_models(config)
    predictions = load_predictions(run, models)
    found = load_metrics(run, config).of("scan")
    reason = found.unmeasurable
    curves = {m: curve_of(predictions, m, found) for m in models if m in found.models}
    absent = [f" {model}: {why}." for model, why in predictions.missing.items()]
    caption = (
        f"Scan level; {predictions.describe()}. Legend: AUC with DeLong's 95 % interval. Points: "
        f"the decision at probability {config.evaluation.threshold:g}."
        + (f" No curves: {reason}." if reason else "")
        + "".join(absent)
    )
    return Figure2(curves, caption)


def draw_figure2(result: Figure2) -> Figure:
    """Draw the curves on a square, the final ensemble on top."""
    with style():
        figure = new_figure(9.6, 5.2)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=SOFT_INK, lw=0.9, ls=(0, (2, 2)))
        for model in reversed(result.curves):
            curve, line = result.curves[model], model_line(model)
            width = 2.4 if model == FINAL_MODEL else 1.5
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, lw=width, **line)
            axes.plot(*curve.operating_point, "o", ms=6, color=line["color"], mec=PAPER, mew=1.2)
        # in the table's order, whatever was drawn first
        for model, curve in result.curves.items():
            axes.plot([], [], lw=1.8, label=f"{model}  {curve.auc}", **model_line(model))
        axes.set_aspect("equal")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("Sensitivity")
        if result.curves:
            figure.legend(loc="outside right center", handlelength=2.8, labelspacing=1.1)
        else:
            axes.text(0.5, 0.5, "no curves", ha="center", color=SOFT_INK)
    return figure


def curve_of(predictions: ModelPredictions, model: str, metrics: SetMetrics) -> Curve:
    """Return a model's ROC curve, with AUC and operating point taken from its metrics."""
    measured = metrics.models[model]
    point = measured.decisions
    return Curve(
        *roc_curve(predictions.ich, predictions.by_model[model]),
        measured.auc,
        (1 - point.specificity, point.sensitivity),
    )


def write_curves(curves: Mapping[str, Curve], path: Path, name: str = "model") -> Path:
    """Write every point of every curve: ``model, false_positive_rate, ..., threshold``.

    ``name`` is what the first column is called, that of the curves' keys.

    A curve's first point calls nothing positive; its threshold is infinite.
    """
    with write_whole(path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([name, "false_positive_rate", "true_positive_rate", "threshold"])
        for key, curve in curves.items():
            points = (curve.false_positive_rate, curve.true_positive_rate, curve.threshold)
            for point in zip(*points, strict=True):
                writer.writerow([key, *(f"{number:.9g}" for number in point)])
    return path
