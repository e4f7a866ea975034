"""How well the final ensemble tells which hemorrhage it is, by scan, on the test cohorts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.tables.table import DASH, Cell, Table
from ichnet.runs import TEST_COHORTS, RunFolder
from ichnet.runs.predictions import concatenate, read_predictions, subtypes_path
from ichnet.statistics.checks import FloatArray
from ichnet.statistics.delong import delong_interval
from ichnet.statistics.proportions import proportion_interval
from ichnet.subtypes import SUBTYPES

COLUMNS = ("Subtype", "Scans with, without", "AUC", "Named when there", "Named when not there")
FEWEST = 2
"""An interval needs this many scans with a subtype, and this many without."""


def subtypes_table(run: RunFolder, config: Config) -> Table:
    """Return one row for each subtype; no rows when there are no subtype predictions."""
    folder = run.predictions(FINAL_MODEL)
    files = [subtypes_path(folder, cohort) for cohort in TEST_COHORTS]
    tested = [read_predictions(path) for path in files if path.exists()]
    threshold = config.evaluation.threshold
    rows = []
    for name in SUBTYPES if tested else ():
        table = concatenate(tested)
        truth = np.asarray(table[name], float)
        probability = np.asarray(table[f"probability_{name}"], float)
        of_scan = np.isnan(np.asarray(table["slice_index"], float))
        known = of_scan & ~np.isnan(truth)
        rows.append((name, *_figures(truth[known] == 1, probability[known], threshold)))
    predictions = load_predictions(run, [FINAL_MODEL])
    return Table(
        name="subtypes",
        title="Which hemorrhage",
        caption=(
            f"{FINAL_MODEL}, {predictions.describe()}: the calibrated probability of each subtype "
            "in the scan, against all other scans, with hemorrhage or not. AUC with DeLong's 95 % "
            f"interval; a subtype is named from a probability of {threshold:g}, with Wilson's "
            "interval. A scan can have several subtypes. Few scans have the rare ones. A subtype "
            "of which validation showed too little has no probability."
        ),
        columns=COLUMNS,
        rows=tuple(rows),
        notes=predictions.notes,
    )


def _figures(
    truth: NDArray[np.bool_], probability: FloatArray, threshold: float
) -> tuple[Cell, ...]:
    """Return counts, AUC, and how often the subtype is named among scans with and without it."""
    with_it, without = int(truth.sum()), int((~truth).sum())
    counts = f"{with_it:,}, {without:,}"
    if min(with_it, without) < FEWEST or np.isnan(probability).any():
        return (counts, DASH, DASH, DASH)
    auc = delong_interval(truth, probability)
    named = probability >= threshold
    return (
        counts,
        Estimate(auc.value, auc.low, auc.high),
        _share(int(named[truth].sum()), with_it),
        _share(int(named[~truth].sum()), without),
    )


def _share(count: int, of: int) -> Estimate:
    interval = proportion_interval(count, of, method="wilson")
    return Estimate(count / of, interval.low, interval.high)
