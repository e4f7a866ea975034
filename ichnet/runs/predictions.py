"""Predictions as CSV: what every table, figure and page is computed from.

Two files for a model and a cohort: ``<cohort>.scans.csv`` has one row a scan,
``<cohort>.slices.csv`` one row a slice. An empty cell is an unknown. Identities are pseudonyms.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.files import write_whole
from ichnet.subtypes import LABELS, SUBTYPES

SCAN_COLUMNS: tuple[str, ...] = (
    "cohort",
    "scan_id",
    "patient_id",
    *LABELS,  # truth: 1, 0 or empty
    "volume_ml",  # true hemorrhage volume, empty where nobody drew
    "votes",  # readers that saw a hemorrhage, as "110"; empty without readers
    "score",  # the model's raw scan score in [0, 1]
    "probability",  # the calibrated score, on which decisions are made
    "predicted_volume_ml",  # empty for classifiers
)

SLICE_COLUMNS: tuple[str, ...] = (
    "cohort",
    "scan_id",
    "patient_id",
    "slice_index",
    *LABELS,
    "score",  # the model's own, not calibrated (segmenters: mean of the highest pixels)
    "mask_pixels",  # true lesion pixels at the records' matrix, empty where nobody drew
    "predicted_pixels",  # pixels of the predicted mask, empty for classifiers
    "overlap_pixels",  # pixels in both
)

SUBTYPE_COLUMNS: tuple[str, ...] = (
    "cohort",
    "scan_id",
    "patient_id",
    "slice_index",  # empty in the row of the whole scan
    *SUBTYPES,  # truth
    *(f"score_{name}" for name in SUBTYPES),  # of a slice; of a scan pooled
    *(f"probability_{name}" for name in SUBTYPES),  # calibrated, empty where there is no curve
)
"""Of models that tell subtypes: ``<cohort>.subtypes.csv``."""

TEXT_COLUMNS = frozenset({"cohort", "scan_id", "patient_id", "votes"})

Table = dict[str, NDArray[np.object_] | NDArray[np.float64]]
"""Columns of equal length: text columns as objects, all others float64 with NaN for unknown."""


def scans_path(folder: Path, cohort: str) -> Path:
    """Return the path of a model's scan predictions of one cohort."""
    return folder / f"{cohort}.scans.csv"


def slices_path(folder: Path, cohort: str) -> Path:
    """Return the path of a model's slice predictions of one cohort."""
    return folder / f"{cohort}.slices.csv"


def subtypes_path(folder: Path, cohort: str) -> Path:
    """Return the path of a model's subtype predictions of one cohort, by scan and by slice."""
    return folder / f"{cohort}.subtypes.csv"


def write_predictions(
    rows: Iterable[Mapping[str, object]], columns: tuple[str, ...], path: Path
) -> None:
    """Write rows whole. ``None``, NaN and absent keys become empty cells.

    Raises:
        ValueError: when a row holds a key that is no column.
    """
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _cell(value) for key, value in row.items()})


def read_predictions(path: Path) -> Table:
    """Read a predictions file into columns.

    Raises:
        ValueError: when the header is none of the three, a row has too few or too many cells, or
            a number is not a number; the message names the file.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        header = tuple(reader.fieldnames or ())
        if header not in (SCAN_COLUMNS, SLICE_COLUMNS, SUBTYPE_COLUMNS):
            raise ValueError(f"{path}: not a predictions file (columns {', '.join(header)})")
        rows = list(reader)
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"{path}: row {line} does not have {len(header)} cells")
    table: Table = {}
    for column in header:
        cells = [row[column] for row in rows]
        if column in TEXT_COLUMNS:
            table[column] = np.array(cells, dtype=object)
            continue
        try:
            table[column] = np.array([float(cell) if cell else np.nan for cell in cells], float)
        except ValueError as error:
            raise ValueError(f"{path}: column {column}: {error}") from error
    return table


def concatenate(tables: Iterable[Table]) -> Table:
    """Stack tables of the same columns, e.g. the two external cohorts."""
    parts = list(tables)
    return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def _cell(value: object) -> object:
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.9g}"
    return value
