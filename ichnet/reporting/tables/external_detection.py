"""Which real scans and slices an exported model detects: all, by subtype, by size."""

from __future__ import annotations

import numpy as np

from ichnet.reporting.measures.external import (
    BY_PATIENT,
    FEW,
    ExternalAnswers,
    Units,
    auc,
    groups_of,
    patients_of,
    positive,
    share,
)
from ichnet.reporting.tables.table import DASH, Cell, Table, cell
from ichnet.statistics.operating_points import operating_point
from ichnet.statistics.pooling import POOLINGS
from ichnet.subtypes import SUBTYPES


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
                cell(auc(one)),
                cell(share(point.true_positives, one.positives)),
                cell(share(point.true_negatives, one.negatives)) if section == "All" else DASH,
            )
        )
        few[title] = one.positives, one.negatives
    intervals = BY_PATIENT if units.several_each else "by DeLong's method"
    return Table(
        name="detection",
        title="Detection, by scan",
        caption=(
            f"{answers.describe()}. Each row against all scans without hemorrhage. AUC of the "
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
        rows.append((title, f"{one.positives:,}", f"{patients:,}", cell(auc(one))))
    return Table(
        name="slices",
        title="Detection, by slice",
        caption=(
            f"{len(units.truth):,} slices whose label is known, of {answers.describe()}. Each row "
            f"against the {units.negatives:,} slices without hemorrhage. AUC of the slice score, "
            f"before calibration, with 95 % interval {BY_PATIENT}."
        ),
        columns=("Slices", "With ICH", "Of patients", "AUC"),
        rows=tuple(rows),
        notes=()
        if units.positives
        else ("No slice with hemorrhage is known: the cohort labels scans.",),
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
                cell(auc(scans)),
                f"{slices.positives:,} of {len(slices.truth):,}",
                cell(auc(slices)),
            )
        )
    return Table(
        name="subtypes",
        title="Which hemorrhage",
        caption=(
            f"{answers.describe()}. Each subtype's score against all units that are known not "
            "to have it, other hemorrhages among them; 95 % intervals by DeLong's method, or where "
            f"patients have several units {BY_PATIENT}."
        ),
        columns=("Subtype", "Scans with it", "AUC by scan", "Slices with it", "AUC by slice"),
        rows=tuple(rows),
        notes=_few(few) if rows else (f"{answers.test.model} does not tell subtypes.",),
    )


def _subtype_units(answers: ExternalAnswers, name: str, by_slice: bool) -> Units:
    table = answers.subtypes
    assert table is not None
    truth = np.asarray(table[name], float)
    of_slice = ~np.isnan(np.asarray(table["slice_index"], float))
    keep = ~np.isnan(truth) & (of_slice == by_slice)
    score = np.asarray(table[f"score_{name}"], float)
    return Units(truth == 1, score, patients_of(table)).select(keep)


def _few(counts: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    """Return notes on the rows that have few scans, or none."""
    rare = [f"{title} {with_it}" for title, (with_it, _) in counts.items() if with_it < FEW]
    normal = min(without for _, without in counts.values())
    notes = []
    if rare:
        notes.append(f"Fewer than {FEW} scans, which show very little: {', '.join(rare)}.")
    if normal < FEW:
        notes.append(f"Scans without: {normal}, so that specificity and AUC show very little.")
    return tuple(notes)


def _unknown(answers: ExternalAnswers) -> tuple[str, ...]:
    count = answers.unknown_scans
    return (f"{count:,} scans of unknown truth are left out.",) if count else ()


def _no_sizes(answers: ExternalAnswers) -> tuple[str, ...]:
    if np.isfinite(np.asarray(answers.scans["volume_ml"], float)).any():
        return ()
    return ("No sizes: nobody outlined these scans.",)
