"""eTable 1: the final ensemble against the strongly trained classifiers, on each test set."""

from __future__ import annotations

from collections.abc import Iterator

from ichnet.config import Config
from ichnet.reporting.measures.metrics import load_metrics
from ichnet.reporting.measures.model_pairs import CONTRAST, classifiers
from ichnet.reporting.measures.model_predictions import (
    COHORT_TITLES,
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.measures.testsets import ALL
from ichnet.reporting.tables.comparison import (
    Line,
    comparison_columns,
    comparison_rows,
    missing_notes,
)
from ichnet.reporting.tables.table import Cell, Table
from ichnet.runs import RunFolder

CAPTION = (
    "Scan level; {scans}. AUC with DeLong's 95 % interval and with a bootstrap interval; "
    "sensitivity and specificity at {threshold:g} with bootstrap intervals ({replicates} "
    "replicates within each class). AUC differences, standard errors (SE) and two-sided p by "
    "DeLong's test against {final}; Holm's correction over the tests of each test set."
)


def final_comparison_models(config: Config) -> list[str]:
    """Return the final ensemble and the strong classifiers it is compared with."""
    return [FINAL_MODEL, *classifiers(config, CONTRAST[1:])]


def etable1(run: RunFolder, config: Config) -> Table:
    """Return eTable 1: the predictions of the test cohorts, then each of them."""
    models = final_comparison_models(config)
    predictions = load_predictions(run, models)
    lines = [(m, None if m == FINAL_MODEL else FINAL_MODEL) for m in models]
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    metrics = load_metrics(run, config)
    for title, test_set in _test_sets(predictions):
        found = metrics.of("scan", test_set)
        heading = f"{title} ({found.counts})"
        rows += comparison_rows(
            found, "scan", [Line((heading, model), model, other) for model, other in lines]
        )
        if found.unmeasurable:
            reasons.append(f" {title}: no numbers, {found.unmeasurable}.")
    return Table(
        name="etable1",
        title="eTable 1. The final ensemble and the strongly trained classifiers",
        caption=CAPTION.format(
            scans=predictions.describe(),
            threshold=config.evaluation.threshold,
            replicates=config.evaluation.bootstrap_replicates,
            final=FINAL_MODEL,
        )
        + "".join(reasons),
        columns=("Test set", "Model", *comparison_columns("scan")),
        rows=tuple(rows),
        notes=missing_notes(predictions, models),
        section_column=True,
    )


def _test_sets(predictions: ModelPredictions) -> Iterator[tuple[str, str]]:
    """Yield each test set's title and name."""
    yield "Composite", ALL
    if len(predictions.cohorts) > 1:
        for cohort in predictions.cohorts:
            yield COHORT_TITLES[cohort], cohort
