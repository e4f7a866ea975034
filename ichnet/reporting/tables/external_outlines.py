"""How well an exported model outlines hemorrhages on real scans."""

from __future__ import annotations

import csv

import numpy as np

from ichnet.reporting.measures.external import (
    BY_PATIENT,
    REPLICATES,
    SEED,
    ExternalAnswers,
    mean,
    patients_of,
    share,
)
from ichnet.reporting.tables.lesions import lesions_table
from ichnet.reporting.tables.table import DASH, Cell, Table, cell
from ichnet.runs.external import answers_folder


def outlines_table(answers: ExternalAnswers) -> Table:
    """Return how well hemorrhages are outlined, by slice and by scan."""
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[str, ...] = ("No outlines to compare: nobody drew, or the model has no map.",)
    if answers.outlined:
        of_scans, measured = _of_scans(answers)
        rows = (_of_slices(answers), of_scans)
        notes = (f"HD95 of the {measured:,} scans in which anything was predicted.",)
    pixels = answers.test.records_matrix
    return Table(
        name="outlines",
        title="Outlines",
        caption=(
            f"{answers.describe()}; those with an outlined hemorrhage, at {pixels} x {pixels} "
            f"pixels, map above {answers.test.pixel_threshold:g}. Means with 95 % intervals "
            f"{BY_PATIENT}. Found: any outlined pixel was predicted; of scans with Wilson's "
            "interval."
        ),
        columns=("", "Outlined", "Dice", "HD95, mm", "Found"),
        rows=rows,
        notes=notes,
    )


def _of_slices(answers: ExternalAnswers) -> tuple[Cell, ...]:
    shown = np.asarray(answers.slices["mask_pixels"], float) > 0
    drawn, predicted, both = (
        np.asarray(answers.slices[f"{name}_pixels"], float)[shown]
        for name in ("mask", "predicted", "overlap")
    )
    patients = patients_of(answers.slices)[shown]
    dice, found = 2 * both / (drawn + predicted), (both > 0).astype(float)
    return "Slices", f"{len(dice):,}", cell(mean(dice, patients)), DASH, cell(mean(found, patients))


def _of_scans(answers: ExternalAnswers) -> tuple[tuple[Cell, ...], int]:
    """Return the row of scans, and the number of scans that have an HD95."""
    path = answers_folder(answers.folder).lesions(answers.test.model) / "scans.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if int(row["lesions"])]
    patients = np.array([row["patient_id"] or row["scan_id"] for row in rows], dtype=object)
    dice, distance_mm = (
        np.array([float(row[name] or "nan") for row in rows]) for name in ("dice", "hausdorff95_mm")
    )
    found = share(int((dice > 0).sum()), len(rows))
    estimates = mean(dice, patients), mean(distance_mm, patients), found
    return ("Scans", f"{len(rows):,}", *map(cell, estimates)), int(np.isfinite(distance_mm).sum())


def external_lesions_table(answers: ExternalAnswers) -> Table:
    """Return which lesions were found, by their volume (see :mod:`.lesions`)."""
    run, test = answers_folder(answers.folder), answers.test
    return lesions_table(run, [test.model], test.pixel_threshold, REPLICATES, SEED)
