"""An exported model's predictions of one record set, and measures of them with intervals.

A patient's slices, and a patient's scans, are not independent: where a patient has several units,
whole patients are drawn by the bootstrap. Where each has one, an AUC has DeLong's interval.
Proportions have Wilson's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.reporting.measures.estimate import Estimate
from ichnet.runs.external import TEST_FILE, ExternalTest, answers_folder, read_test
from ichnet.runs.predictions import (
    Table,
    read_predictions,
    scans_path,
    slices_path,
    subtypes_path,
)
from ichnet.statistics.bootstrap import bootstrap_interval, mean_interval
from ichnet.statistics.calibration import CalibrationLine, calibration_line
from ichnet.statistics.delong import delong_interval
from ichnet.statistics.proportions import proportion_interval
from ichnet.statistics.weighted import Auc
from ichnet.subtypes import SUBTYPES

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

REPLICATES, SEED = 1000, 2023
"""Replicates and seed of every bootstrap of an external evaluation."""

BY_PATIENT = f"by bootstrap ({REPLICATES:,} replicates, patients drawn)"
"""How captions name that bootstrap."""

BINS = 10
"""Number of bins of the reliability table and figure."""

FEW = 10
"""A row with fewer positive or negative units than this gets a note: its intervals are wide."""

SIZES_ML: tuple[tuple[float, float], ...] = ((0, 5), (5, 30), (30, float("inf")))
"""Hemorrhage volume of a scan: above the first number, up to the second."""


@dataclass(frozen=True, eq=False)
class Units:
    """Scans or slices with a known truth, and the model's score of each.

    Attributes:
        truth: whether there is a hemorrhage (or a subtype), bool [units].
        score: float64 [units]: the probability of scans, the score of slices.
        patients: object [units], the patient of each.
    """

    truth: Bools
    score: Floats
    patients: NDArray[np.object_]

    def select(self, keep: Bools) -> Units:
        """Return the units where ``keep`` is true."""
        return Units(self.truth[keep], self.score[keep], self.patients[keep])

    @property
    def positives(self) -> int:
        """The number of positive units."""
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        """The number of negative units."""
        return int((~self.truth).sum())

    @property
    def several_each(self) -> bool:
        """Whether any patient has more than one of the units."""
        return len(set(self.patients.tolist())) < len(self.patients)


@dataclass(frozen=True, eq=False)
class ExternalAnswers:
    """The files that :func:`ichnet.evaluation.exported.evaluate_export` wrote.

    Attributes:
        test: model and records.
        scans: table of the scans whose ANY label is known.
        slices: table of the slices whose ANY label is known.
        subtypes: rows of scans and slices; ``None`` for a model that does not tell subtypes.
        unknown_scans: how many scans of unknown truth were left out.
        folder: ``<out>``.
    """

    test: ExternalTest
    scans: Table
    slices: Table
    subtypes: Table | None
    unknown_scans: int
    folder: Path

    def units(self, unit: str = "scan") -> Units:
        """Return all scans, or all slices of known truth."""
        table = self.scans if unit == "scan" else self.slices
        score = table["probability" if unit == "scan" else "score"]
        return Units(positive(table, "ANY"), np.asarray(score, float), patients_of(table))

    def describe(self) -> str:
        """Return e.g. ``82 scans of 80 patients (36 with, 46 without ICH) of ct_ich``."""
        units = self.units()
        patients = len(set(units.patients.tolist()))
        return (
            f"{len(units.truth):,} scans of {patients:,} patients ({units.positives:,} with, "
            f"{units.negatives:,} without ICH) of {self.test.records}"
        )

    @property
    def outlined(self) -> bool:
        """Whether lesions were measured."""
        return (answers_folder(self.folder).lesions(self.test.model) / "lesions.csv").exists()


def load_answers(out: Path) -> ExternalAnswers:
    """Read the answers of an evaluated export.

    Raises:
        FileNotFoundError: when there are none.
        ValueError: when a file is not a table of predictions; the message names it.
    """
    answers = answers_folder(out)
    if not (answers.root / TEST_FILE).exists():
        raise FileNotFoundError(
            f"{answers.root}: no answers of an exported model (eval/external.py)"
        )
    test = read_test(answers.root)
    folder = answers.predictions(test.model)
    scans = read_predictions(scans_path(folder, test.cohort))
    slices = read_predictions(slices_path(folder, test.cohort))
    of_subtypes = subtypes_path(folder, test.cohort)
    known = _known(scans)
    return ExternalAnswers(
        test=test,
        scans=_rows(scans, known),
        slices=_rows(slices, _known(slices)),
        subtypes=read_predictions(of_subtypes) if of_subtypes.exists() else None,
        unknown_scans=int((~known).sum()),
        folder=out,
    )


def positive(table: Table, label: str) -> Bools:
    """Return where a label is known and 1, bool [rows]."""
    where: Bools = np.asarray(table[label], float) == 1
    return where


def patients_of(table: Table) -> NDArray[np.object_]:
    """Return the patient of each row; a scan without patient counts as a patient of its own."""
    pairs = zip(table["patient_id"], table["scan_id"], strict=True)
    return np.array([patient or scan for patient, scan in pairs], dtype=object)


def groups_of(answers: ExternalAnswers) -> dict[tuple[str, str], Bools]:
    """Return which scans with hemorrhage belong to each row of the table, by section and title.

    A scan with several subtypes is in the row of each. Sizes are known for outlined scans only.
    """
    found = {("All", "Any hemorrhage"): positive(answers.scans, "ANY")}
    found |= {("By subtype", name): positive(answers.scans, name) for name in SUBTYPES}
    volume_ml = np.asarray(answers.scans["volume_ml"], float)
    for low, high in SIZES_ML:
        title = f">{low:g} mL" if high == float("inf") else f"{low:g}–{high:g} mL"
        found["By size", title] = (volume_ml > low) & (volume_ml <= high)
    return found


def auc(units: Units) -> Estimate | None:
    """Return the AUC; ``None`` with fewer than two units of a class."""
    if min(units.positives, units.negatives) < 2:
        return None
    if not units.several_each:
        return Estimate.of(delong_interval(units.truth, units.score))
    return Estimate.of(
        bootstrap_interval(
            Auc(),
            units.truth,
            units.score,
            groups=units.patients,
            replicates=REPLICATES,
            seed=SEED,
        )
    )


def share(successes: int, total: int) -> Estimate | None:
    """Return a proportion with Wilson's interval; ``None`` when ``total`` is 0."""
    return Estimate.of(proportion_interval(successes, total, method="wilson")) if total else None


def mean(values: Floats, patients: NDArray[np.object_]) -> Estimate | None:
    """Return the mean of the known values with a bootstrap interval by patient, or ``None``."""
    known = np.isfinite(values)
    if not known.any():
        return None
    return Estimate.of(mean_interval(values[known], patients[known], REPLICATES, seed=SEED))


@dataclass(frozen=True)
class CalibrationMeasures:
    """How well calibrated the probabilities are; ``None`` where a number is not defined.

    Attributes:
        brier: mean squared difference of truth and probability.
        slope: 1 is ideal; below 1 the probabilities are too extreme.
        intercept: of the same regression; 0 is ideal.
        in_the_large: the intercept with the slope held at 1; above 0 the probabilities are too low.
    """

    brier: Estimate
    slope: Estimate | None
    intercept: Estimate | None
    in_the_large: Estimate | None


def calibration(units: Units) -> CalibrationMeasures:
    """Return calibration measures of scans, with bootstrap by patient within each class.

    Slope and intercepts are missing when one class is, or when the probabilities are all equal or
    separate the classes.
    """
    squares = (units.score - units.truth) ** 2
    brier = Estimate.of(mean_interval(squares, units.patients, REPLICATES, seed=SEED))
    return CalibrationMeasures(
        brier,
        _of_line(units, lambda line: line.slope),
        _of_line(units, lambda line: line.intercept),
        _of_line(units, lambda line: line.in_the_large),
    )


def _of_line(units: Units, number: Callable[[CalibrationLine], float]) -> Estimate | None:
    def statistic(truth: Bools, probability: Floats) -> float:
        try:
            return number(calibration_line(truth, probability))
        except ValueError:  # a replicate in which the slope is infinite
            return float("nan")

    if not np.isfinite(statistic(units.truth, units.score)):
        return None
    return Estimate.of(
        bootstrap_interval(
            statistic,
            units.truth,
            units.score,
            groups=units.patients,
            replicates=REPLICATES,
            seed=SEED,
        )
    )


def _known(table: Table) -> Bools:
    known: Bools = ~np.isnan(np.asarray(table["ANY"], float))
    return known


def _rows(table: Table, keep: Bools) -> Table:
    return {column: values[keep] for column, values in table.items()}
