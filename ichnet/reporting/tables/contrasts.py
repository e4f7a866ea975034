"""The questions that a configuration asks before the run, answered by its predictions.

Each contrast is a difference of two AUCs on the same scans, tested by DeLong's method and
corrected by Holm's for the number of contrasts. Repeats of the experiment with other seeds show
how much of a difference is due to the seed: DeLong's interval is about the two models at hand, and
not about the models that another seed would have given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ichnet.config import Config, ContrastConfig
from ichnet.reporting.measures.estimate import Estimate, signed
from ichnet.reporting.measures.metrics import Metrics, load_metrics
from ichnet.reporting.measures.model_predictions import ModelPredictions, load_predictions
from ichnet.reporting.measures.performance import compare, unmeasurable
from ichnet.reporting.measures.testsets import units_by_set
from ichnet.reporting.tables.table import DASH, Cell, Table, p_value
from ichnet.runs import RunFolder
from ichnet.statistics.multiplicity import holm

CAPTION = (
    "Scan level; {scans}. Written down before the run. AUC of the first model minus that of the "
    "second, both on the scans of the test set with hemorrhage and on all normal ones; DeLong's "
    "95 % interval and two-sided p, Holm's correction over the {count} contrasts.{repeats} An "
    "answer other than “not shown” needs a corrected p below 0.05."
)
REPEATS = (
    " Other seeds: the same difference when everything is trained again on the same data; its "
    "spread is what the interval does not hold."
)


@dataclass(frozen=True)
class ContrastResult:
    """One contrast's result.

    Attributes:
        contrast: the question.
        scans: e.g. ``32 ICH, 38 normal``.
        difference, p: of the run itself; ``None`` when it could not be measured.
        repeats: the difference for each other seed, ``None`` where models were not repeated.
    """

    contrast: ContrastConfig
    scans: str
    difference: Estimate | None
    p: float | None
    repeats: tuple[float | None, ...]


def contrasts_table(run: RunFolder, config: Config) -> Table:
    """Return every contrast of the configuration with its difference, p and repeats."""
    seeds = config.repeats.seeds
    names = [name for c in config.contrasts for name in (c.model, c.against)]
    predictions = load_predictions(run, names)
    metrics = load_metrics(run, config)
    repeats = [
        load_predictions(RunFolder(run.root / "repeats" / str(seed)), names) for seed in seeds
    ]
    results = [
        measure_contrast(contrast, metrics, repeats, config) for contrast in config.contrasts
    ]
    tested = [one.p for one in results if one.p is not None]
    adjusted = iter(holm(tested).tolist() if tested else [])
    rows = [_row(one, next(adjusted) if one.p is not None else None) for one in results]
    return Table(
        name="contrasts",
        title="Contrasts",
        caption=CAPTION.format(
            scans=predictions.describe(),
            count=len(tested),
            repeats=REPEATS if seeds else "",
        ),
        columns=(
            "Question",
            "Model",
            "Against",
            "Scans",
            "AUC difference",
            "p",
            "p, Holm",
            *(f"Seed {seed}" for seed in seeds),
            "Answer",
        ),
        rows=tuple(rows),
        notes=tuple(f"{model}: {why}." for model, why in predictions.missing.items()),
    )


def measure_contrast(
    contrast: ContrastConfig, metrics: Metrics, repeats: Sequence[ModelPredictions], config: Config
) -> ContrastResult:
    """Look up one contrast in a run's metrics, and measure it on the repeats."""
    found = metrics.of("scan", contrast.test_set)
    first = found.comparisons.get((contrast.model, contrast.against))
    return ContrastResult(
        contrast=contrast,
        scans=found.counts,
        difference=None if first is None else first.difference,
        p=None if first is None else first.p,
        repeats=tuple(_difference(contrast, repeat, config) for repeat in repeats),
    )


def _difference(
    contrast: ContrastConfig, predictions: ModelPredictions, config: Config
) -> float | None:
    units = units_by_set(predictions, config)[contrast.test_set]
    known = {contrast.model, contrast.against} <= units.by_model.keys()
    if not known or unmeasurable(units):
        return None
    return compare(units, contrast.model, contrast.against, config).difference.value


def verdict(difference: float, adjusted_p: float) -> str:
    """Return the answer in words: ``yes``, ``no, the opposite`` or ``not shown``."""
    if adjusted_p >= 0.05:
        return "not shown"
    return "yes" if difference > 0 else "no, the opposite"


def _row(result: ContrastResult, adjusted_p: float | None) -> tuple[Cell, ...]:
    contrast = result.contrast
    heads = (contrast.question, contrast.model, contrast.against, result.scans)
    repeats = [DASH if value is None else signed(value) for value in result.repeats]
    if result.difference is None or result.p is None or adjusted_p is None:
        return (*heads, DASH, DASH, DASH, *repeats, DASH)
    return (
        *heads,
        result.difference,
        p_value(result.p),
        p_value(adjusted_p),
        *repeats,
        verdict(result.difference.value, adjusted_p),
    )
