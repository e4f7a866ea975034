"""Table: how well the models' probabilities are calibrated."""

from __future__ import annotations

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.estimate import signed
from ichnet.reporting.measures.metrics import load_metrics
from ichnet.reporting.measures.model_pairs import classifiers
from ichnet.reporting.measures.model_predictions import load_predictions
from ichnet.reporting.measures.performance import CALIBRATION_BINS as BINS
from ichnet.reporting.measures.performance import Performance
from ichnet.reporting.tables.table import DASH, Table
from ichnet.runs import RunFolder, ensemble_name, segmenter_name

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
    predictions = load_predictions(run, models)
    metrics = load_metrics(run, config).of("scan")
    reason = metrics.unmeasurable
    rows = [_row(model, metrics.models[model]) for model in models if model in metrics.models]
    prevalence = predictions.ich.mean() if len(predictions) else float("nan")
    return Table(
        name="calibration",
        title="Calibration on the external test sets",
        caption=(
            f"Scan level; {predictions.describe()}. Probabilities after calibration on validation "
            f"scans of another cohort. Expected calibration error over {BINS} bins of equal width; "
            f"slope 1 and calibration in the large 0 are right. Always saying the share of "
            f"hemorrhages would have a Brier score of {prevalence * (1 - prevalence):.3f}."
        ),
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            *predictions.notes,
            *(f"{model}: {why}." for model, why in predictions.missing.items()),
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
