"""Table of what a planned experiment can find: scans, trainings, power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ichnet.reporting.tables.table import DASH, Table
from ichnet.statistics.power import crossed_difference_positives, crossed_difference_power

MOST_TRAININGS = 10

CAPTION = (
    "Power of a two-sided test at {alpha:g}, before correction, of the analysis over scans and "
    "trainings; {normal:,} normal scans, {trainings} trainings. Assumed are the lower AUC, the "
    "correlation of the two AUCs, and the standard deviation of the true difference between "
    "trainings (for a mean over networks that of the mean). Needed are the scans with the finding "
    "that reach a power of {power:g} with as many trainings, and the trainings that reach it with "
    "as many scans."
)


@dataclass(frozen=True)
class Assumption:
    """What is expected of a family of contrasts.

    Attributes:
        family: its name.
        auc: of the model that is worse.
        correlation: of the AUCs of two models on the same scans.
        training_sd: standard deviation of the true difference between trainings.
        test_sets: on which it is asked.
    """

    family: str
    auc: float
    correlation: float
    training_sd: float
    test_sets: tuple[str, ...]


DIFFERENCES: dict[str, float] = {"All": 0.03, "SDH": 0.05, "SAH": 0.05, "Small": 0.05}
"""The difference of AUCs that is to be found, by test set."""

ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption("outlines", 0.85, 0.8, 0.01, tuple(DIFFERENCES)),
    Assumption("specialists", 0.90, 0.9, 0.01, tuple(DIFFERENCES)),
)
"""Cautious: arms that begin with the same weights correlate with 0.84, ensembles with 0.98."""


def power_table(
    scans: Mapping[str, int],
    normal: int,
    trainings: int,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Table:
    """Return the power of each assumption on each of its test sets.

    Args:
        scans: with hemorrhage, by test set.
        normal: scans without.
        trainings: of each model.
        power: the one that is aimed at.
        alpha: two-sided level.
    """
    rows = []
    for one in ASSUMPTIONS:
        for test_set in one.test_sets:
            count, difference = scans.get(test_set, 0), DIFFERENCES[test_set]
            aucs = (one.auc, one.auc + difference)
            reached = partial(
                crossed_difference_power,
                *aucs,
                count,
                normal,
                training_sd=one.training_sd,
                correlation=one.correlation,
                alpha=alpha,
            )
            needed = crossed_difference_positives(
                *aucs, normal, trainings, one.training_sd, one.correlation, power, alpha
            )
            enough = (n for n in range(2, MOST_TRAININGS + 1) if reached(trainings=n) >= power)
            rows.append(
                (
                    one.family,
                    test_set,
                    f"{count:,}",
                    f"{difference:g}",
                    f"{one.auc:g}",
                    f"{one.correlation:g}",
                    f"{one.training_sd:g}",
                    f"{reached(trainings=trainings):.2f}",
                    DASH if needed is None else f"{needed:,}",
                    str(next(enough, f"over {MOST_TRAININGS}")),
                )
            )
    return Table(
        name="power",
        title="What the plan can find",
        caption=CAPTION.format(alpha=alpha, normal=normal, trainings=trainings, power=power),
        columns=(
            "Contrasts",
            "Test set",
            "Scans with ICH",
            "Difference",
            "Lower AUC",
            "Correlation",
            "SD of trainings",
            "Power",
            "Scans needed",
            "Trainings needed",
        ),
        rows=tuple(rows),
        section_column=True,
    )
