"""Table 1: baseline characteristics of the cohorts, from the record sets' listings."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.reporting.measures.model_predictions import COHORT_TITLES, exclusive_subtypes
from ichnet.reporting.tables.table import DASH, Table, count_share
from ichnet.runs import AIHUB_SCANS
from ichnet.subtypes import LABELS

COLUMNS: dict[str, str] = {
    AIHUB_SCANS: "aihub",
    "rsna": "rsna",
    "dumc": "dumc",
    "cq500": "cq500",
}
"""The record set that stands for each cohort, in the paper's order: two to train, two to test."""

CAPTION = (
    "Scan level; {total:,} scans as held in the record sets, that is after "
    "selection and exclusion. Training: AI-Hub and RSNA; test: DUMC and Qure.ai CQ500. "
    "Percentages of subtypes refer to scans with ICH; a scan with one subtype is counted there, "
    "with several under mixed. Age: mean ± standard deviation."
)

KINDS: dict[str, str] = {
    "IPH": "IPH only",
    "IVH": "IVH only",
    "EDH": "EDH only",
    "SDH": "SDH only",
    "SAH": "SAH only",
    "mixed": "Mixed",
    "none": "No subtype stated",
}


@dataclass(frozen=True, eq=False)
class Baseline:
    """The columns of a cohort's scans that Table 1 needs; NaN and empty text mean unknown."""

    labels: dict[str, NDArray[np.float64]]
    patients: tuple[str, ...]
    age_years: NDArray[np.float64]
    sex: tuple[str, ...]


def table1(records: Path) -> Table:
    """Return Table 1 for the record sets in a folder.

    Args:
        records: holds ``<record set>/scans.csv``; sets that are missing show dashes.

    Raises:
        ValueError: when a listing lacks a column or holds something that is no number.
    """
    cohorts = {
        name: read_baseline(path)
        for name in COLUMNS
        if (path := records / name / "scans.csv").exists()
    }
    absent = [name for name in COLUMNS if name not in cohorts]
    notes = [
        f"{COHORT_TITLES[COLUMNS[name]]}: no record set {records.name}/{name}." for name in absent
    ]
    described = {name: _describe(baseline) for name, baseline in cohorts.items()}
    rows = [
        (title, *(described[name][i] if name in described else DASH for name in COLUMNS))
        for i, title in enumerate(_row_titles())
    ]
    total = sum(len(baseline.patients) for baseline in cohorts.values())
    return Table(
        name="table1",
        title="Table 1. Baseline characteristics of the datasets",
        caption=CAPTION.format(total=total),
        columns=("", *(COHORT_TITLES[cohort] for cohort in COLUMNS.values())),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def read_baseline(path: Path) -> Baseline:
    """Read a record set's ``scans.csv``.

    Raises:
        ValueError: names the file and what is wrong with it.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        rows = list(reader)
    needed = {"patient_id", "age_years", "sex", *LABELS}
    if lacking := needed - set(reader.fieldnames or ()):
        raise ValueError(f"{path}: lacks the columns {', '.join(sorted(lacking))}")
    try:
        labels = {name: _numbers([row[name] for row in rows]) for name in LABELS}
        age_years = _numbers([row["age_years"] for row in rows])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Baseline(
        labels, tuple(r["patient_id"] for r in rows), age_years, tuple(r["sex"] for r in rows)
    )


def _numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    """Return cells as float64; empty ones, and -1 as a label's "unknown", become NaN."""
    values = np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    return np.where(values < 0, np.nan, values)


def _row_titles() -> list[str]:
    return [
        "Scans",
        "Patients",
        "Age, years",
        "Female",
        "Normal",
        "ICH",
        *KINDS.values(),
    ]


def _describe(baseline: Baseline) -> list[str]:
    """Return a cohort's column of the table."""
    ich = baseline.labels["ANY"]
    scans, with_ich, normal = len(ich), int((ich == 1).sum()), int((ich == 0).sum())
    kinds = exclusive_subtypes(baseline.labels)
    return [
        f"{scans:,}",
        f"{len(set(baseline.patients)):,}",
        _describe_age(baseline.age_years),
        _describe_sex(baseline.sex),
        count_share(normal, scans),
        count_share(with_ich, scans),
        *(count_share(int((kinds == kind).sum()), with_ich) for kind in KINDS),
    ]


def _describe_age(age_years: NDArray[np.float64]) -> str:
    known = age_years[~np.isnan(age_years)]
    if len(known) < 2:
        return DASH
    of_whom = "" if len(known) == len(age_years) else f" (n = {len(known):,})"
    return f"{known.mean():.1f} ± {known.std(ddof=1):.1f}{of_whom}"


def _describe_sex(sex: Sequence[str]) -> str:
    known = [value for value in sex if value]
    if not known:
        return DASH
    of_whom = "" if len(known) == len(sex) else f" of {len(known):,}"
    return f"{count_share(known.count('F'), len(known))}{of_whom}"
