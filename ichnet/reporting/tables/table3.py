"""Table 3: five weighted ensembles on all hemorrhages and on the difficult kinds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.metrics import load_metrics
from ichnet.reporting.measures.model_pairs import REFERENCE
from ichnet.reporting.measures.model_predictions import (
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.measures.testsets import TABLE3_SETS
from ichnet.reporting.tables.comparison import (
    Line,
    comparison_columns,
    comparison_rows,
    missing_notes,
)
from ichnet.reporting.tables.table import Cell, Table
from ichnet.runs import (
    BASELINES,
    THRESHOLD,
    RunFolder,
    baseline_name,
    ensemble_name,
    segmenter_name,
)

BASELINE_TITLES: dict[str, str] = {
    "mean": "mean of five",
    "maximum": "maximum of five",
    "nnls": "non-negative least squares",
}

CAPTION = (
    "Scan level; {scans}. Each test set holds its hemorrhages and all normal scans. SDH and SAH: "
    "scans with that subtype, alone or among others; small: total hemorrhage volume above 0 and "
    "up to {small:g} mL. Models: 1 all lesions, 2 pre-trained on subtypes, 3 SDH, 4 SAH, 5 small "
    "lesions. AUC with DeLong's 95 % interval and with a bootstrap interval ({replicates} "
    "replicates within each class); sensitivity and specificity at {threshold:g} with Clopper and "
    "Pearson's. AUC differences, standard errors (SE) and two-sided p by DeLong's test against "
    "ensemble-basic; Holm's correction over the tests of each test set."
)


def table3(run: RunFolder, config: Config) -> Table:
    """Return Table 3."""
    entries = {
        ensemble_name(name): (name, " + ".join(str(SEGMENTERS.index(m) + 1) for m in members))
        for name, members in config.ensembles.combinations.items()
    }
    return _by_test_set(
        run,
        config,
        entries,
        name="table3",
        title="Table 3. Weighted ensembles on all hemorrhages, SDH, SAH and small lesions",
        columns=("Ensemble", "Models"),
    )


def baselines_table(run: RunFolder, config: Config) -> Table:
    """Return the same for what the ensembles must beat: each segmenter, and fixed combinations."""
    entries = {
        REFERENCE: (REFERENCE, "weights by input"),
        **{segmenter_name(name): (segmenter_name(name), "alone") for name in SEGMENTERS},
        **{baseline_name(name): (baseline_name(name), BASELINE_TITLES[name]) for name in BASELINES},
        THRESHOLD: (THRESHOLD, "bright tissue within the skull"),
        FINAL_MODEL: (FINAL_MODEL, "weights by input"),
    }
    return _by_test_set(
        run,
        config,
        entries,
        name="baselines",
        title="Single segmenters and fixed combinations on the test sets of Table 3",
        columns=("Model", "How"),
    )


def _by_test_set(
    run: RunFolder,
    config: Config,
    entries: Mapping[str, tuple[str, ...]],
    name: str,
    title: str,
    columns: tuple[str, ...],
) -> Table:
    """Return a table of models, each with its heads, on each of Table 3's test sets."""
    predictions = load_predictions(run, list(entries))
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    metrics = load_metrics(run, config)
    for kind in TABLE3_SETS:
        found = metrics.of("scan", kind)
        lines = [
            Line(
                (f"{kind} ({found.counts})", *heads),
                model,
                None if model == REFERENCE else REFERENCE,
            )
            for model, heads in entries.items()
        ]
        rows += comparison_rows(found, "scan", lines, exact=True)
        if found.unmeasurable:
            reasons.append(f" {kind}: no numbers, {found.unmeasurable}.")
    return Table(
        name=name,
        title=title,
        caption=CAPTION.format(
            scans=predictions.describe(),
            small=config.selection.small_lesion_ml,
            replicates=config.evaluation.bootstrap_replicates,
            threshold=config.evaluation.threshold,
        )
        + "".join(reasons),
        columns=("Test set", *columns, *comparison_columns("scan")),
        rows=tuple(rows),
        notes=(*missing_notes(predictions, list(entries)), *_unknown_notes(predictions)),
        section_column=True,
    )


def _unknown_notes(predictions: ModelPredictions) -> list[str]:
    """Return for how many scans with ICH nobody knows whether a test set should hold them."""
    columns = {"SDH": "SDH", "SAH": "SAH", "Small": "volume_ml"}
    with_ich = predictions.select(predictions.ich)
    counts = {
        title: int(np.isnan(np.asarray(with_ich.truth[column], float)).sum())
        for title, column in columns.items()
    }
    return [
        f"{title}: {'volume' if title == 'Small' else 'subtype'} unknown for {count:,} of "
        f"{len(with_ich):,} scans with ICH, which are not in it."
        for title, count in counts.items()
        if count
    ]
