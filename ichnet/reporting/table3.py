"""Table 3: five weighted ensembles on all hemorrhages and on the difficult kinds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.comparison import Line, comparison_columns, comparison_rows, missing_notes
from ichnet.reporting.composite import Composite, load_composite
from ichnet.reporting.performance import unmeasurable
from ichnet.reporting.tables import Cell, Table
from ichnet.runs import RunFolder, ensemble_name

REFERENCE = "basic"
"""The combination that the paper tests the others against."""

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
    combinations = config.ensembles.combinations
    composite = load_composite(run, [ensemble_name(name) for name in combinations])
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    for title, chosen in test_sets(composite, config.selection.small_lesion_ml).items():
        subset = composite.select(chosen | ~composite.ich)
        positives = int(subset.ich.sum())
        heading = f"{title} ({positives:,} ICH, {len(subset) - positives:,} normal)"
        lines = [
            Line(
                (heading, name, " + ".join(str(SEGMENTERS.index(m) + 1) for m in members)),
                ensemble_name(name),
                None if name == REFERENCE else ensemble_name(REFERENCE),
            )
            for name, members in combinations.items()
        ]
        rows += comparison_rows(subset, lines, config, exact=True)
        if reason := unmeasurable(subset):
            reasons.append(f" {title}: no numbers, {reason}.")
    return Table(
        name="table3",
        title="Table 3. Weighted ensembles on all hemorrhages, SDH, SAH and small lesions",
        caption=CAPTION.format(
            scans=composite.describe(),
            small=config.selection.small_lesion_ml,
            replicates=config.evaluation.bootstrap_replicates,
            threshold=config.evaluation.threshold,
        )
        + "".join(reasons),
        columns=("Test set", "Ensemble", "Models", *comparison_columns(composite)),
        rows=tuple(rows),
        notes=(
            *missing_notes(composite, [ensemble_name(name) for name in combinations]),
            *_unknown_notes(composite),
        ),
        section_column=True,
    )


def test_sets(composite: Composite, small_lesion_ml: float) -> dict[str, NDArray[np.bool_]]:
    """Return which scans with ICH each of Table 3's test sets holds, bool [scans]."""
    ich = composite.ich
    return {
        "All": ich,
        "SDH": ich & composite.positive("SDH"),
        "SAH": ich & composite.positive("SAH"),
        "Small": ich & composite.small(small_lesion_ml),
    }


def _unknown_notes(composite: Composite) -> list[str]:
    """Return for how many scans with ICH nobody knows whether a test set should hold them."""
    columns = {"SDH": "SDH", "SAH": "SAH", "Small": "volume_ml"}
    with_ich = composite.select(composite.ich)
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
