"""Rows of the tables that compare models: each model's performance, and against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ichnet.reporting.measures.metrics import SetMetrics
from ichnet.reporting.measures.model_predictions import ModelPredictions, Unit
from ichnet.reporting.measures.performance import Comparison, Performance
from ichnet.reporting.tables.table import DASH, Cell, p_value
from ichnet.statistics.multiplicity import holm

SCAN_COLUMNS: tuple[str, ...] = (
    "AUC",
    "AUC, bootstrap",
    "Sensitivity",
    "Specificity",
    "AUC difference",
    "SE",
    "p",
    "p, Holm",
)
SLICE_COLUMNS: tuple[str, ...] = ("AUC", "Sensitivity", "Specificity", "AUC difference")

REFERENCE = "reference"


@dataclass(frozen=True)
class Line:
    """One row to be made.

    Attributes:
        heads: the row's first cells.
        model: the model whose performance is shown.
        reference: the model it is tested against; ``None`` for the reference itself.
    """

    heads: tuple[str, ...]
    model: str
    reference: str | None


def comparison_columns(unit: Unit) -> tuple[str, ...]:
    """Return the headings that follow a row's heads."""
    return SCAN_COLUMNS if unit == "scan" else SLICE_COLUMNS


def comparison_rows(
    metrics: SetMetrics, unit: Unit, lines: Sequence[Line], exact: bool = False
) -> list[tuple[Cell, ...]]:
    """Return a row for each line; the tests of all lines together are one family for Holm.

    Slices of a patient are not independent, as DeLong's test takes them to be: at slice level
    the difference has an interval from a bootstrap by patient, and no p value.

    Args:
        metrics: of the test set.
        unit: whether ``metrics`` are of scans or of slices.
        lines: the rows to make. Models without predictions get dashes.
        exact: give proportions Clopper and Pearson's intervals rather than the bootstrap's.
    """
    width = len(comparison_columns(unit))
    compared = {
        line: metrics.comparisons[pair]
        for line in lines
        if line.reference and (pair := (line.model, line.reference)) in metrics.comparisons
    }
    tested = {line: result.p for line, result in compared.items() if result.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        cells: list[Cell] = [DASH] * width
        if line.model in metrics.models:
            cells = _performance_cells(metrics.models[line.model], unit, exact)
            cells += _comparison_cells(line, compared.get(line), adjusted.get(line))
            cells = cells[:width]  # slices have neither SE nor p
        rows.append((*line.heads, *cells))
    return rows


def missing_notes(predictions: ModelPredictions, models: Sequence[str]) -> tuple[str, ...]:
    """Return the predictions' notes, and one for each of ``models`` that has none."""
    absent = [f"{m}: {predictions.missing[m]}." for m in models if m in predictions.missing]
    return (*predictions.notes, *absent)


def _performance_cells(performance: Performance, unit: Unit, exact: bool) -> list[Cell]:
    proportions: list[Cell] = (
        [performance.sensitivity_exact, performance.specificity_exact]
        if exact
        else [performance.sensitivity, performance.specificity]
    )
    if unit == "slice":
        return [performance.auc_bootstrap, *proportions]
    return [performance.auc, performance.auc_bootstrap, *proportions]


def _comparison_cells(
    line: Line, comparison: Comparison | None, adjusted: float | None
) -> list[Cell]:
    if comparison is None:
        return [REFERENCE if line.reference is None else DASH, DASH, DASH, DASH]
    if comparison.p is None or comparison.standard_error is None or adjusted is None:
        return [comparison.difference, DASH, DASH, DASH]
    return [
        comparison.difference,
        f"{comparison.standard_error:.4f}",
        p_value(comparison.p),
        p_value(adjusted),
    ]
