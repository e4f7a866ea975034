"""Whether the models' probabilities mean what they say: a table, and a reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.composite import FINAL_MODEL, load_composite
from ichnet.reporting.metrics import load_metrics
from ichnet.reporting.performance import CALIBRATION_BINS as BINS
from ichnet.reporting.performance import Performance, unmeasurable
from ichnet.reporting.plan import CONTRAST, classifiers
from ichnet.reporting.style import BLUE, SOFT_INK, new_figure, style
from ichnet.reporting.tables import DASH, Table, signed
from ichnet.runs import RunFolder, ensemble_name, segmenter_name
from ichnet.statistics.calibration import Reliability, reliability

COLUMNS = (
    "Model",
    "Brier score",
    "Expected calibration error",
    "Slope",
    "Calibration in the large",
)


def calibration_table(run: RunFolder, config: Config) -> Table:
    """Return one row a model: Brier score, expected calibration error, slope, intercept."""
    models = [
        *classifiers(config),
        *(segmenter_name(name) for name in SEGMENTERS),
        *(ensemble_name(name) for name in config.ensembles.combinations),
    ]
    composite = load_composite(run, models)
    metrics = load_metrics(run, config).of("scan")
    reason = metrics.unmeasurable
    rows = [_row(model, metrics.models[model]) for model in models if model in metrics.models]
    prevalence = composite.ich.mean() if len(composite) else float("nan")
    return Table(
        name="calibration",
        title="Calibration on the external test sets",
        caption=(
            f"Scan level; {composite.describe()}. Probabilities after calibration on validation "
            f"scans of another cohort. Expected calibration error over {BINS} bins of equal width; "
            f"slope 1 and calibration in the large 0 are right. Always saying the share of "
            f"hemorrhages would have a Brier score of {prevalence * (1 - prevalence):.3f}."
        ),
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            *composite.notes,
            *(f"{model}: {why}." for model, why in composite.missing.items()),
            *((f"Nothing to measure: {reason}.",) if reason else ()),
        ),
    )


def _row(model: str, measured: Performance) -> tuple[str, ...]:
    slope, in_the_large = measured.calibration_slope, measured.calibration_in_the_large
    return (
        model,
        f"{measured.brier:.3f}",
        f"{measured.expected_calibration_error:.3f}",
        DASH if slope is None else f"{slope:.2f}",
        DASH if in_the_large is None else signed(in_the_large, 2),
    )


def reliability_diagrams(run: RunFolder, config: Config) -> tuple[Mapping[str, Reliability], str]:
    """Return the final ensemble's reliability and its best classifier arm's, with a caption.

    Bins hold equal numbers of scans, so that each point is worth the same.
    """
    models = [
        *classifiers(config, CONTRAST[1:]),
        FINAL_MODEL,
    ]
    composite = load_composite(run, models)
    found = (
        {}
        if unmeasurable(composite)
        else {
            model: reliability(composite.ich, composite.probability[model], BINS, "quantile")
            for model in models
            if model in composite.probability
        }
    )
    caption = (
        f"Scan level; {composite.describe()}. Mean probability and share of hemorrhages in up to "
        f"{BINS} bins of equal numbers of scans; on the diagonal a probability means what it says."
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
    axes.plot(result.predicted, result.observed, "o-", ms=4, lw=1.2, color=BLUE)
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1])
    axes.set_xlabel("Mean probability")
    axes.set_title(model, fontsize=7.5)
