"""Reliability diagrams: the share of hemorrhages among scans of about one probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ichnet.config import Config
from ichnet.reporting.figures.style import BLUE, SOFT_INK, new_figure, style
from ichnet.reporting.measures.model_pairs import CONTRAST, classifiers
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.measures.performance import CALIBRATION_BINS as BINS
from ichnet.reporting.measures.performance import unmeasurable
from ichnet.runs import RunFolder
from ichnet.statistics.calibration import Reliability, reliability
from ichnet.statistics.proportions import proportion_interval


def reliability_diagrams(run: RunFolder, config: Config) -> tuple[Mapping[str, Reliability], str]:
    """Return the reliability of the final ensemble and of the best classifier arm, with a caption.

    Bins hold equal numbers of scans, so that all points have the same weight.
    """
    models = [
        *classifiers(config, CONTRAST[1:]),
        FINAL_MODEL,
    ]
    predictions = load_predictions(run, models)
    found = (
        {}
        if unmeasurable(predictions)
        else {
            model: reliability(predictions.ich, predictions.by_model[model], BINS, "quantile")
            for model in models
            if model in predictions.by_model
        }
    )
    caption = (
        f"Scan level; {predictions.describe()}. Mean probability and share of hemorrhages, with "
        f"Wilson's 95 % interval, in up to {BINS} bins of equal numbers of scans; on the diagonal "
        "a probability means what it says."
    )
    return found, caption


def draw_reliability(found: Mapping[str, Reliability]) -> Figure:
    """Draw a square for each model."""
    count = max(len(found), 1)
    with style():
        figure = new_figure(2.4 * count, 3.3)
        grid = figure.subplots(1, count, squeeze=False, sharey=True)
        for axes, (model, result) in zip(grid.flat, found.items(), strict=False):
            _draw(axes, model, result)
        grid[0, 0].set_ylabel("Share of hemorrhages")
    return figure


def _draw(axes: Any, model: str, result: Reliability) -> None:
    axes.plot([0, 1], [0, 1], color=SOFT_INK, lw=0.9, ls=(0, (2, 2)))
    shares = [
        proportion_interval(round(float(share * units)), int(units), method="wilson")
        for share, units in zip(result.observed, result.units, strict=True)
    ]
    reach = np.array([[one.value - one.low, one.high - one.value] for one in shares]).T
    bars = {"elinewidth": 0.8, "ms": 4, "lw": 1.2, "color": BLUE}
    axes.errorbar(result.predicted, result.observed, np.maximum(reach, 0), fmt="o-", **bars)
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1])
    axes.set_xlabel("Mean probability")
    axes.set_title(model, fontsize=7.5)
