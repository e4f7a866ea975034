"""Table 3's models at one sensitivity, where a threshold of 0.5 cannot favour any of them.

At a fixed threshold a model that answers "hemorrhage" more often has the higher sensitivity and
the lower specificity, whether or not it sees more. Here every model gets, on each test set, the
highest threshold at which it finds as many hemorrhages as the reference does at the configured
one, and specificities are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.comparison import REFERENCE as REFERENCE_CELL
from ichnet.reporting.comparison import missing_notes
from ichnet.reporting.composite import Composite, load_composite
from ichnet.reporting.performance import unmeasurable
from ichnet.reporting.table3 import BASELINE_TITLES, REFERENCE, test_sets
from ichnet.reporting.tables import DASH, Cell, Estimate, Table, p_value, signed
from ichnet.runs import BASELINES, RunFolder, baseline_name, ensemble_name, segmenter_name
from ichnet.statistics.multiplicity import holm
from ichnet.statistics.operating_points import matched_sensitivity_threshold, operating_point
from ichnet.statistics.proportions import mcnemar_test, proportion_interval

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


@dataclass(frozen=True)
class Matched:
    """A model at the matched threshold.

    Attributes:
        threshold: on its probability.
        sensitivity, specificity: with exact intervals.
        difference: its specificity minus the reference's.
        p: McNemar's, over the normal scans; ``None`` for the reference.
    """

    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    difference: float
    p: float | None


def table3_matched(run: RunFolder, config: Config) -> Table:
    """Return ensembles, single segmenters and fixed combinations at matched sensitivity."""
    entries = {
        ensemble_name(name): " + ".join(str(SEGMENTERS.index(m) + 1) for m in members)
        for name, members in config.ensembles.combinations.items()
    }
    entries |= {segmenter_name(name): "alone" for name in SEGMENTERS}
    entries |= {baseline_name(name): BASELINE_TITLES[name] for name in BASELINES}
    composite = load_composite(run, list(entries))
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    for kind, chosen in test_sets(composite, config.selection.small_lesion_ml).items():
        subset = composite.select(chosen | ~composite.ich)
        positives = int(subset.ich.sum())
        heading = f"{kind} ({positives:,} ICH, {len(subset) - positives:,} normal)"
        reason = _impossible(subset, config.evaluation.threshold)
        if reason:
            reasons.append(f" {kind}: no numbers, {reason}.")
        found = {} if reason else match_models(subset, entries, config.evaluation.threshold)
        rows += _rows(heading, entries, found)
    return Table(
        name="table3-matched",
        title="Table 3 at matched sensitivity",
        caption=CAPTION.format(scans=composite.describe(), threshold=config.evaluation.threshold)
        + "".join(reasons),
        columns=COLUMNS,
        rows=tuple(rows),
        notes=missing_notes(composite, list(entries)),
        section_column=True,
    )


def match_models(
    composite: Composite, models: Sequence[str] | Mapping[str, str], threshold: float
) -> dict[str, Matched]:
    """Return every model that has predictions at the reference's sensitivity at ``threshold``.

    Raises:
        ValueError: when the reference finds no hemorrhage at all there.
    """
    ich, reference = composite.ich, ensemble_name(REFERENCE)
    sensitivity = operating_point(ich, composite.probability[reference], threshold).sensitivity
    thresholds = {
        model: matched_sensitivity_threshold(ich, composite.probability[model], sensitivity)
        for model in models
        if model in composite.probability
    }
    normal = {
        model: composite.probability[model][~ich] < matched for model, matched in thresholds.items()
    }
    own = normal[reference]
    found = {}
    for model, matched in thresholds.items():
        point = operating_point(ich, composite.probability[model], matched)
        gained, lost = int((normal[model] & ~own).sum()), int((own & ~normal[model]).sum())
        found[model] = Matched(
            threshold=matched,
            sensitivity=_exact(point.true_positives, int(ich.sum())),
            specificity=_exact(point.true_negatives, int((~ich).sum())),
            difference=(gained - lost) / len(own),
            p=None if model == reference else mcnemar_test(gained, lost),
        )
    return found


def _impossible(subset: Composite, threshold: float) -> str:
    """Return why nothing can be matched, or nothing."""
    reference = ensemble_name(REFERENCE)
    if reason := unmeasurable(subset):
        return reason
    if reference not in subset.probability:
        return f"{reference} has no predictions"
    if not operating_point(subset.ich, subset.probability[reference], threshold).true_positives:
        return f"{reference} finds no hemorrhage at {threshold:g}"
    return ""


def _rows(
    heading: str, entries: Mapping[str, str], found: Mapping[str, Matched]
) -> list[tuple[Cell, ...]]:
    """Return a row for each model; the tests of one test set are one family for Holm."""
    tested = {model: one.p for model, one in found.items() if one.p is not None}
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


def _exact(successes: int, total: int) -> Estimate:
    interval = proportion_interval(successes, total)
    return Estimate(interval.value, interval.low, interval.high)
