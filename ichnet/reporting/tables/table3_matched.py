"""Table 3's models at one sensitivity (see :mod:`ichnet.reporting.measures.matched`)."""

from __future__ import annotations

from collections.abc import Mapping

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.estimate import signed
from ichnet.reporting.measures.matched import Matched
from ichnet.reporting.measures.metrics import load_metrics
from ichnet.reporting.measures.model_predictions import load_predictions
from ichnet.reporting.measures.testsets import TABLE3_SETS
from ichnet.reporting.tables.comparison import REFERENCE as REFERENCE_CELL
from ichnet.reporting.tables.comparison import missing_notes
from ichnet.reporting.tables.table import DASH, Cell, Table, p_value
from ichnet.reporting.tables.table3 import BASELINE_TITLES
from ichnet.runs import BASELINES, RunFolder, baseline_name, ensemble_name, segmenter_name
from ichnet.statistics.multiplicity import holm

CAPTION = (
    "Scan level; {scans}; the test sets of Table 3. Threshold: the highest at which a model is at "
    "least as sensitive as ensemble-basic is at {threshold:g}, chosen on these same scans, so that "
    "specificities compare models but are optimistic for each. Intervals by Clopper and Pearson. "
    "Specificity against ensemble-basic at its own matched threshold, on the same normal scans, by "
    "McNemar's exact test; Holm's correction over the tests of each test set."
)
COLUMNS = (
    "Test set",
    "Model",
    "How",
    "Threshold",
    "Sensitivity",
    "Specificity",
    "Specificity difference",
    "p",
    "p, Holm",
)


def table3_matched(run: RunFolder, config: Config) -> Table:
    """Return ensembles, single segmenters and fixed combinations at matched sensitivity."""
    entries = {
        ensemble_name(name): " + ".join(str(SEGMENTERS.index(m) + 1) for m in members)
        for name, members in config.ensembles.combinations.items()
    }
    entries |= {segmenter_name(name): "alone" for name in SEGMENTERS}
    entries |= {baseline_name(name): BASELINE_TITLES[name] for name in BASELINES}
    predictions = load_predictions(run, list(entries))
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    metrics = load_metrics(run, config)
    for kind in TABLE3_SETS:
        found = metrics.of("scan", kind)
        if found.unmatched:
            reasons.append(f" {kind}: no numbers, {found.unmatched}.")
        rows += _rows(f"{kind} ({found.counts})", entries, found.matched)
    return Table(
        name="table3-matched",
        title="Table 3 at matched sensitivity",
        caption=CAPTION.format(scans=predictions.describe(), threshold=config.evaluation.threshold)
        + "".join(reasons),
        columns=COLUMNS,
        rows=tuple(rows),
        notes=missing_notes(predictions, list(entries)),
        section_column=True,
    )


def _rows(
    heading: str, entries: Mapping[str, str], found: Mapping[str, Matched]
) -> list[tuple[Cell, ...]]:
    """Return a row for each model; the tests of one test set are one family for Holm."""
    tested = {m: one.p for m, one in found.items() if m in entries and one.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))
    rows: list[tuple[Cell, ...]] = []
    for model, how in entries.items():
        if model not in found:
            rows.append((heading, model, how, *[DASH] * 6))
            continue
        one = found[model]
        compared = (
            (REFERENCE_CELL, DASH, DASH)
            if one.p is None
            else (signed(one.difference), p_value(one.p), p_value(adjusted[model]))
        )
        cells = (f"{one.threshold:.3f}", one.sensitivity, one.specificity)
        rows.append((heading, model, how, *cells, *compared))
    return rows
