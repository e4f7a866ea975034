"""The questions that a configuration asks before the run, answered by its predictions.

Each contrast is a difference of two AUCs on the same scans, with one interval over the test scans
and over the trainings there are (:mod:`ichnet.statistics.crossed`), corrected by Holm's method for
the number of contrasts of its family. Contrasts of a classifier that has not learned enough are
measured and left out of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ichnet.config import Config, ContrastConfig
from ichnet.reporting.measures.estimate import Estimate, signed
from ichnet.reporting.measures.learned import undertrained
from ichnet.reporting.measures.model_predictions import ModelPredictions
from ichnet.reporting.measures.performance import unmeasurable
from ichnet.reporting.measures.testsets import units_by_set
from ichnet.reporting.measures.trainings import load_trainings, scores_of
from ichnet.reporting.tables.table import DASH, Cell, Table, p_value
from ichnet.runs import RunFolder
from ichnet.statistics.crossed import CrossedDifference, crossed_auc_difference
from ichnet.statistics.multiplicity import holm

CAPTION = (
    "Scan level; {scans}. Written down before the run. AUC of the first model minus that of the "
    "second, both on the scans of the test set with hemorrhage and on all normal ones: the mean "
    "over the trainings, with one 95 % interval over scans and trainings (Obuchowski and "
    "Rockette's analysis, trainings as readers); two-sided p, and Holm's correction within each "
    "family. With one training the interval is DeLong's and holds the scans only. An answer other "
    "than “not shown” needs a corrected p below 0.05; a classifier counts as trained from an AUC "
    "of {slices:g} on validation slices, and an interval above {scans_auc:g} on test scans."
)
COLUMNS = (
    "Family",
    "Question",
    "Answer",
    "AUC difference",
    "p",
    "p, Holm",
    "By training",
    "Model",
    "Against",
    "Scans",
)
EVERY = "*"
"""In a model's name: each network, of whose differences the mean is taken."""


@dataclass(frozen=True)
class ContrastResult:
    """One contrast's result.

    Attributes:
        contrast: the question.
        scans: e.g. ``32 ICH, 38 normal``.
        found: over scans and trainings; ``None`` when it could not be measured.
        left_out: why it takes no part in the answers; empty when it does.
        without: networks left out of a mean over networks, and why.
    """

    contrast: ContrastConfig
    scans: str
    found: CrossedDifference | None
    left_out: str = ""
    without: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it belongs to its family's tests."""
        return self.found is not None and not self.left_out


def contrasts_table(run: RunFolder, config: Config) -> Table:
    """Return every contrast of the configuration, over the trainings there are."""
    return answers_table(run, config, config.contrasts, "contrasts", "Contrasts")


def external_table(run: RunFolder, config: Config, record_set: str) -> Table:
    """Return the contrasts of an experiment on another record set, e.g. of real CT."""
    title = f"Contrasts on {record_set}"
    return answers_table(run, config, config.contrasts, "contrasts", title, record_set)


def answers_table(
    run: RunFolder,
    config: Config,
    contrasts: Sequence[ContrastConfig],
    name: str,
    title: str,
    external: str | None = None,
) -> Table:
    """Return contrasts as a table, each with its answer.

    Args:
        run: of the experiment.
        config: its configuration.
        contrasts: the questions.
        name: of the table's files.
        title: of the table.
        external: name of another record set to answer them on. Which classifiers have learned
            enough is decided on the experiment's own test scans all the same.
    """
    names = [model for c in contrasts for pair in pairs_of(c, config) for model in pair]
    own_tests = load_trainings(run, config, names)
    trainings = load_trainings(run, config, names, external) if external else own_tests
    why = {
        model: reason
        for model in dict.fromkeys(names)
        if (reason := undertrained(model, run, config, own_tests))
    }
    results = [measure_contrast(one, config, trainings, why) for one in contrasts]
    adjusted = adjusted_p(results)
    own = trainings[config.seed]
    notes = [f"{model}: {reason}." for model, reason in own.missing.items()]
    notes += [f"{model} is undertrained: {reason}." for model, reason in why.items()]
    for result in results:
        for network, reason in result.without.items():
            notes.append(f"{result.contrast.question} Without {network}: {reason}.")
    return Table(
        name=name,
        title=title,
        caption=CAPTION.format(
            scans=own.describe(),
            slices=config.claims.validation_slice_auc,
            scans_auc=config.claims.scan_auc,
        ),
        columns=COLUMNS,
        rows=tuple(_row(*one) for one in zip(results, adjusted, strict=True)),
        notes=tuple(notes),
        section_column=True,
    )


def pairs_of(contrast: ContrastConfig, config: Config) -> list[tuple[str, str]]:
    """Return the pairs of models of a contrast: one, or one for each network."""
    if EVERY not in contrast.model + contrast.against:
        return [(contrast.model, contrast.against)]
    return [
        (contrast.model.replace(EVERY, backbone), contrast.against.replace(EVERY, backbone))
        for backbone in config.classifiers.backbones
    ]


def measure_contrast(
    contrast: ContrastConfig,
    config: Config,
    trainings: Mapping[int, ModelPredictions],
    why: Mapping[str, str],
) -> ContrastResult:
    """Measure one contrast over the trainings in which all its models were tested.

    Args:
        contrast: the question.
        config: the experiment.
        trainings: predictions by seed.
        why: undertrained models, and the reason.
    """
    pairs = pairs_of(contrast, config)
    without = {}
    if len(pairs) > 1:  # a mean is taken over the networks that have learned
        without = {first: why.get(first, "") or why.get(other, "") for first, other in pairs}
        without = {network: reason for network, reason in without.items() if reason}
        pairs = [pair for pair in pairs if pair[0] not in without] or pairs  # or all, left out
    models = [model for pair in pairs for model in pair]
    sets = (units_by_set(one, config)[contrast.test_set] for one in trainings.values())
    units = [one for one in sets if set(models) <= one.by_model.keys()]
    if not units or unmeasurable(units[0]):
        return ContrastResult(contrast, DASH, None)
    first, second = (scores_of(units, side) for side in zip(*pairs, strict=True))
    with_ich = int(units[0].ich.sum())
    return ContrastResult(
        contrast,
        f"{with_ich:,} ICH, {len(units[0]) - with_ich:,} normal",
        crossed_auc_difference(units[0].ich, first, second),
        next((why[model] for model in models if model in why), ""),
        without,
    )


def adjusted_p(results: Sequence[ContrastResult]) -> list[float | None]:
    """Return each contrast's p, corrected within its family; ``None`` where it takes no part."""
    adjusted: list[float | None] = [None] * len(results)
    for family in {one.contrast.family for one in results}:
        places = [
            place
            for place, one in enumerate(results)
            if one.counts and one.contrast.family == family
        ]
        p = [found.p for place in places if (found := results[place].found)]
        for place, value in zip(places, holm(p) if p else (), strict=True):
            adjusted[place] = float(value)
    return adjusted


def verdict(difference: float, adjusted_p: float) -> str:
    """Return the answer in words: ``yes``, ``no, the opposite`` or ``not shown``."""
    if adjusted_p >= 0.05:
        return "not shown"
    return "yes" if difference > 0 else "no, the opposite"


UNDERTRAINED = "left out: undertrained"


def _row(result: ContrastResult, adjusted: float | None) -> tuple[Cell, ...]:
    contrast, found = result.contrast, result.found
    what = (contrast.family, contrast.question)
    on = (contrast.model, contrast.against, result.scans)
    if found is None:
        return (*what, *[DASH] * 5, *on)
    return (
        *what,
        UNDERTRAINED if adjusted is None else verdict(found.value, adjusted),
        Estimate(found.value, found.low, found.high, signed=True),
        p_value(found.p),
        DASH if adjusted is None else p_value(adjusted),
        ", ".join(signed(one) for one in found.of_training),
        *on,
    )
