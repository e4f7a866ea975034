"""The tables of an exported model on real scans: detection, calibration, subtypes, outlines."""

from __future__ import annotations

import csv

import numpy as np

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.external import (
    FEW,
    REPLICATES,
    SEED,
    ExternalAnswers,
    Units,
    auc,
    calibration,
    groups_of,
    mean,
    patients_of,
    positive,
    share,
)
from ichnet.reporting.tables.lesions import lesions_table
from ichnet.reporting.tables.table import DASH, Cell, Table
from ichnet.runs.external import answers_folder
from ichnet.statistics.calibration import reliability
from ichnet.statistics.operating_points import operating_point
from ichnet.statistics.pooling import POOLINGS
from ichnet.subtypes import SUBTYPES

PATIENTS = f"by bootstrap ({REPLICATES:,} replicates, patients drawn)"
BINS = 10


def external_tables(answers: ExternalAnswers) -> tuple[Table, ...]:
    """Return all tables; one that has nothing to show says why."""
    return (
        detection_table(answers),
        slices_table(answers),
        calibration_table(answers),
        reliability_table(answers),
        subtypes_table(answers),
        outlines_table(answers),
        *([_lesions(answers)] if answers.outlined else []),
    )


def describe(answers: ExternalAnswers) -> str:
    """Return e.g. ``82 scans of 82 patients (36 with, 46 without ICH) of ct_ich``."""
    units = answers.units()
    patients = len(set(units.patients.tolist()))
    return (
        f"{len(units.truth):,} scans of {patients:,} patients ({units.positives:,} with, "
        f"{units.negatives:,} without ICH) of {answers.test.records}"
    )


def detection_table(answers: ExternalAnswers) -> Table:
    """Return AUC, sensitivity and specificity of scans: all, by subtype, by size."""
    units, threshold = answers.units(), answers.test.threshold
    rows = []
    few: dict[str, tuple[int, int]] = {}
    for (section, title), chosen in groups_of(answers).items():
        one = units.select(chosen | ~units.truth)
        point = operating_point(one.truth, one.score, threshold)
        rows.append(
            (
                section,
                title,
                f"{one.positives:,}",
                _cell(auc(one)),
                _cell(share(point.true_positives, one.positives)),
                _cell(share(point.true_negatives, one.negatives)) if section == "All" else DASH,
            )
        )
        few[title] = one.positives, one.negatives
    intervals = PATIENTS if units.several_each else "by DeLong's method"
    return Table(
        name="detection",
        title="Detection, by scan",
        caption=(
            f"{describe(answers)}. Each row against all scans without hemorrhage. AUC of the "
            f"calibrated probability with 95 % interval {intervals}; sensitivity and specificity "
            f"at the model's threshold, {threshold:g}, with Wilson's. The score of a scan is the "
            f"{POOLINGS[answers.test.pooling]}."
        ),
        columns=("", "Scans", "With ICH", "AUC", "Sensitivity", "Specificity"),
        rows=tuple(rows),
        notes=(*_unknown(answers), *_few(few), *_no_sizes(answers)),
        section_column=True,
    )


def slices_table(answers: ExternalAnswers) -> Table:
    """Return the AUC of slice scores: all, by subtype."""
    units = answers.units("slice")
    rows: list[tuple[Cell, ...]] = []
    for title, label in (("Any hemorrhage", "ANY"), *((name, name) for name in SUBTYPES)):
        one = units.select(positive(answers.slices, label) | ~units.truth)
        patients = len(set(one.patients[one.truth].tolist()))
        rows.append((title, f"{one.positives:,}", f"{patients:,}", _cell(auc(one))))
    return Table(
        name="slices",
        title="Detection, by slice",
        caption=(
            f"{len(units.truth):,} slices whose label is known, of {describe(answers)}. Each row "
            f"against the {units.negatives:,} slices without hemorrhage. AUC of the slice score, "
            f"before calibration, with 95 % interval {PATIENTS}."
        ),
        columns=("Slices", "With ICH", "Of patients", "AUC"),
        rows=tuple(rows),
        notes=()
        if units.positives
        else ("No slice with hemorrhage is known: the cohort labels scans.",),
    )


def calibration_table(answers: ExternalAnswers) -> Table:
    """Return Brier score, slope and intercepts of the scans' probabilities."""
    units = answers.units()
    found = calibration(units)
    prevalence = float(units.truth.mean())
    notes = []
    if not answers.test.calibrated:
        notes.append("The model is not calibrated: its probability is not one that was fitted.")
    if found.slope is None:
        notes.append(
            "No slope: a class is missing, or the probabilities are equal or separate the classes."
        )
    return Table(
        name="calibration",
        title="Calibration, by scan",
        caption=(
            f"{describe(answers)}. Slope 1 and intercepts 0 are right: a slope below 1 says that "
            "the probabilities are too extreme, calibration in the large above 0 that they are too "
            f"low. 95 % intervals {PATIENTS}. Always saying the share of hemorrhages would have a "
            f"Brier score of {prevalence * (1 - prevalence):.3f}."
        ),
        columns=("Model", "Brier score", "Slope", "Intercept", "Calibration in the large"),
        rows=(
            (
                answers.test.model,
                found.brier,
                *map(_cell, (found.slope, found.intercept, found.in_the_large)),
            ),
        ),
        notes=tuple(notes),
    )


def reliability_table(answers: ExternalAnswers) -> Table:
    """Return the points of the reliability figure."""
    units = answers.units()
    bins = reliability(units.truth, units.score, BINS, "quantile")
    rows = []
    for count, predicted, observed in zip(bins.units, bins.predicted, bins.observed, strict=True):
        with_ich = round(float(observed * count))
        found = share(with_ich, int(count))
        rows.append((f"{predicted:.3f}", f"{count:,}", f"{with_ich:,}", _cell(found)))
    return Table(
        name="reliability",
        title="Reliability",
        caption=(
            f"{describe(answers)}, in up to {BINS} bins of equal numbers of scans. Share of "
            "hemorrhages with Wilson's 95 % interval."
        ),
        columns=("Mean probability", "Scans", "With ICH", "Share"),
        rows=tuple(rows),
    )


def subtypes_table(answers: ExternalAnswers) -> Table:
    """Return the AUC of each subtype's own score, by scan and by slice."""
    rows = []
    few: dict[str, tuple[int, int]] = {}
    for name in SUBTYPES if answers.subtypes is not None else ():
        scans, slices = _subtype_units(answers, name, False), _subtype_units(answers, name, True)
        few[name] = scans.positives, scans.negatives
        rows.append(
            (
                name,
                f"{scans.positives:,} of {len(scans.truth):,}",
                _cell(auc(scans)),
                f"{slices.positives:,} of {len(slices.truth):,}",
                _cell(auc(slices)),
            )
        )
    return Table(
        name="subtypes",
        title="Which hemorrhage",
        caption=(
            f"{describe(answers)}. Each subtype's own score against all units that are known not "
            "to have it, other hemorrhages among them; 95 % intervals by DeLong's method, or where "
            f"patients have several units {PATIENTS}."
        ),
        columns=("Subtype", "Scans with it", "AUC by scan", "Slices with it", "AUC by slice"),
        rows=tuple(rows),
        notes=_few(few) if rows else (f"{answers.test.model} does not tell subtypes.",),
    )


def outlines_table(answers: ExternalAnswers) -> Table:
    """Return how well hemorrhages are outlined, by slice and by scan."""
    rows: list[tuple[Cell, ...]] = []
    if answers.outlined:
        slices = answers.slices
        drawn, predicted, both = (
            np.asarray(slices[f"{name}_pixels"], float) for name in ("mask", "predicted", "overlap")
        )
        shown = drawn > 0
        found = int((both[shown] > 0).sum())
        dice = 2 * both[shown] / (drawn[shown] + predicted[shown])
        of_slices = mean(dice, patients_of(slices)[shown])
        rows.append(
            ("Slices", f"{shown.sum():,}", _cell(of_slices), DASH, _cell(share(found, len(dice))))
        )
        rows.append(("Scans", *_outlined_scans(answers)))
    return Table(
        name="outlines",
        title="Outlines",
        caption=(
            f"{describe(answers)}; those with an outlined hemorrhage, at "
            f"{answers.test.records_matrix} x {answers.test.records_matrix} pixels, map above "
            f"{answers.test.pixel_threshold:g}. Mean Dice and mean HD95 with 95 % intervals "
            f"{PATIENTS}; HD95 where anything was predicted. Found: any outlined pixel was "
            "predicted, with Wilson's interval."
        ),
        columns=("", "Outlined", "Dice", "HD95, mm", "Found"),
        rows=tuple(rows),
        notes=() if rows else ("No outlines to compare: nobody drew, or the model has no map.",),
    )


def _outlined_scans(answers: ExternalAnswers) -> tuple[Cell, ...]:
    path = answers_folder(answers.folder).lesions(answers.test.model) / "scans.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if int(row["lesions"])]
    patients = np.array([row["patient_id"] or row["scan_id"] for row in rows], dtype=object)
    dice, distance_mm = (
        np.array([float(row[name] or "nan") for row in rows]) for name in ("dice", "hausdorff95_mm")
    )
    found = share(int((dice > 0).sum()), len(rows))
    return f"{len(rows):,}", *map(_cell, (mean(dice, patients), mean(distance_mm, patients), found))


def _lesions(answers: ExternalAnswers) -> Table:
    run, test = answers_folder(answers.folder), answers.test
    return lesions_table(run, [test.model], test.pixel_threshold, REPLICATES, SEED)


def _subtype_units(answers: ExternalAnswers, name: str, by_slice: bool) -> Units:
    table = answers.subtypes
    assert table is not None
    truth = np.asarray(table[name], float)
    of_slice = ~np.isnan(np.asarray(table["slice_index"], float))
    keep = ~np.isnan(truth) & (of_slice == by_slice)
    score = np.asarray(table[f"score_{name}"], float)
    return Units(truth == 1, score, patients_of(table)).select(keep)


def _cell(value: Estimate | None) -> Cell:
    return DASH if value is None else value


def _few(counts: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    """Say which rows rest on few scans, or on none."""
    rare = [f"{title} {with_it}" for title, (with_it, _) in counts.items() if with_it < FEW]
    notes = (
        [f"Few scans (fewer than {FEW}), which show very little: {', '.join(rare)}."]
        if rare
        else []
    )
    normal = min((without for _, without in counts.values()), default=FEW)
    if normal < FEW:
        notes.append(f"Only {normal} scans without: a specificity and an AUC show very little.")
    return tuple(notes)


def _unknown(answers: ExternalAnswers) -> tuple[str, ...]:
    count = answers.unknown_scans
    return (f"{count:,} scans of unknown truth are left out.",) if count else ()


def _no_sizes(answers: ExternalAnswers) -> tuple[str, ...]:
    if np.isfinite(np.asarray(answers.scans["volume_ml"], float)).any():
        return ()
    return ("No sizes: nobody outlined these scans.",)
