"""The predictions of several models on the same test scans or slices, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ichnet.reporting.measures.calibrations import refusals
from ichnet.runs import TEST_COHORTS, RunFolder, ensemble_name
from ichnet.runs.predictions import (
    TEXT_COLUMNS,
    Table,
    concatenate,
    read_predictions,
    scans_path,
    slices_path,
)
from ichnet.subtypes import LABELS, SUBTYPES

Unit = Literal["scan", "slice"]
Column = NDArray[np.object_] | NDArray[np.float64]

TRUTH_COLUMNS: dict[Unit, tuple[str, ...]] = {
    "scan": ("cohort", "scan_id", "patient_id", *LABELS, "volume_ml", "votes"),
    "slice": ("cohort", "scan_id", "patient_id", "slice_index", *LABELS, "mask_pixels"),
}
"""Columns that must be the same in every model's predictions."""

PREDICTED: dict[Unit, str] = {"scan": "probability", "slice": "score"}
"""The column of the prediction: the calibrated probability of scans, the score of slices."""

FINAL_MODEL = ensemble_name("all")
"""The paper's final weighted ensemble."""

COHORT_TITLES: dict[str, str] = {
    "rsna": "RSNA 2019",
    "aihub": "AI-Hub",
    "dumc": "DUMC",
    "cq500": "Qure.ai CQ500",
}


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """The units (scans or slices) of the test cohorts: their truth, and models' predictions.

    Attributes:
        unit: whether a unit is a scan or a slice.
        cohorts: the cohorts the units come from.
        truth: columns of :data:`TRUTH_COLUMNS`, float64 with NaN for unknown, or text.
        by_model: each model's predictions by its name, float64 [units]: calibrated probabilities of
            scans, scores of slices.
        missing: models without predictions, and why.
        notes: what was left out, for the tables' notes.
    """

    unit: Unit
    cohorts: tuple[str, ...]
    truth: Table
    by_model: dict[str, NDArray[np.float64]]
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.truth["scan_id"])

    @property
    def ich(self) -> NDArray[np.bool_]:
        """True where there is a hemorrhage, bool [units]."""
        return self.positive("ANY")

    @property
    def patients(self) -> NDArray[np.object_]:
        """Patient of each unit, unique over cohorts; without a patient id each scan is its own."""
        columns = (self.truth[name] for name in ("cohort", "patient_id", "scan_id"))
        units = zip(*columns, strict=True)
        return np.array([f"{c}/{p or scan}" for c, p, scan in units], dtype=object)

    def positive(self, label: str) -> NDArray[np.bool_]:
        """Return where a label is known and positive, bool [units]."""
        where: NDArray[np.bool_] = np.asarray(self.truth[label], float) == 1
        return where

    def small(self, limit_ml: float) -> NDArray[np.bool_]:
        """Return where 0 < hemorrhage volume of the scan <= ``limit_ml``, bool [scans]."""
        volume = np.asarray(self.truth["volume_ml"], float)
        where: NDArray[np.bool_] = (volume > 0) & (volume <= limit_ml)
        return where

    def select(self, keep: NDArray[np.bool_]) -> ModelPredictions:
        """Return the units where ``keep`` is true."""
        return replace(
            self,
            truth={column: values[keep] for column, values in self.truth.items()},
            by_model={model: values[keep] for model, values in self.by_model.items()},
        )

    def describe(self) -> str:
        """Return e.g. ``70 scans (32 with, 38 without ICH) of DUMC and Qure.ai CQ500``."""
        with_ich = int(self.ich.sum())
        cohorts = " and ".join(COHORT_TITLES.get(name, name) for name in self.cohorts)
        return (
            f"{len(self):,} {self.unit}s ({with_ich:,} with, {len(self) - with_ich:,} without "
            f"ICH) of {cohorts or 'no cohort'}"
        )


def load_predictions(
    run: RunFolder,
    models: Iterable[str],
    unit: Unit = "scan",
    cohorts: Sequence[str] = TEST_COHORTS,
) -> ModelPredictions:
    """Read what each model predicted on the test cohorts, joined unit by unit.

    A cohort that no model of the run was tested on is left out; a model that lacks one of the
    others is missing, since it could not be compared on the same units. Units whose ANY label is
    unknown are left out. ``notes`` and ``missing`` say so. The units are therefore the same
    whichever models are asked for. Of scans the notes also name models that were not calibrated.

    Raises:
        ValueError: when two models were tested on different units or hold different truth, or
            a prediction is unknown (the message names both files); when a calibration file cannot
            be read.
    """
    files = {model: _files(run, model, unit, cohorts) for model in dict.fromkeys(models)}
    tested = tuple(
        name for name in cohorts if any(run.root.glob(f"predictions/*/{name}.{unit}s.csv"))
    )
    missing = _missing(files, tested or cohorts)
    paths = {
        model: [found[name] for name in tested]
        for model, found in files.items()
        if model not in missing
    }
    truth, by_model = _join(paths, unit)
    notes = [
        f"{COHORT_TITLES.get(name, name)}: no {unit} predictions, left out."
        for name in cohorts
        if name not in tested
    ]
    if unit == "scan":
        notes += refusals(run, by_model)
    return _without_unknown(ModelPredictions(unit, tested, truth, by_model, missing, tuple(notes)))


def exclusive_subtypes(truth: Mapping[str, Column]) -> NDArray[np.object_]:
    """Return each unit's subtype, object [units]: a subtype alone, ``mixed``, or ``none``.

    ``none`` stands for a hemorrhage without any positive subtype; units without hemorrhage get
    an empty string.
    """
    labels = np.stack([np.asarray(truth[name], float) == 1 for name in SUBTYPES], axis=1)
    count = labels.sum(axis=1)
    single = np.array(SUBTYPES, dtype=object)[labels.argmax(axis=1)]
    kinds = np.where(count == 1, single, np.where(count > 1, "mixed", "none"))
    result: NDArray[np.object_] = np.where(np.asarray(truth["ANY"], float) == 1, kinds, "")
    return result


def _files(run: RunFolder, model: str, unit: Unit, cohorts: Sequence[str]) -> dict[str, Path]:
    locate = scans_path if unit == "scan" else slices_path
    paths = {name: locate(run.predictions(model), name) for name in cohorts}
    return {name: path for name, path in paths.items() if path.exists()}


def _missing(files: Mapping[str, Mapping[str, Path]], cohorts: Sequence[str]) -> dict[str, str]:
    """Return the models without predictions of some cohort, and the reason."""
    absent = {model: [name for name in cohorts if name not in files[model]] for model in files}
    return {
        model: f"no predictions for {', '.join(names)}" for model, names in absent.items() if names
    }


def _join(
    paths: Mapping[str, Sequence[Path]], unit: Unit
) -> tuple[Table, dict[str, NDArray[np.float64]]]:
    """Return the truth that all models hold, and what each predicted, in one order of units."""
    truth, first = _no_units(unit), None
    by_model: dict[str, NDArray[np.float64]] = {}
    for model, own in paths.items():
        table = _sorted(concatenate(read_predictions(path) for path in own), unit)
        if first is None:
            first, truth = own[0], {column: table[column] for column in TRUTH_COLUMNS[unit]}
        _require_same_truth(truth, table, first, own[0])
        by_model[model] = _known(table, PREDICTED[unit], own[0])
    return truth, by_model


def _no_units(unit: Unit) -> Table:
    return {
        column: np.empty(0, dtype=object if column in TEXT_COLUMNS else np.float64)
        for column in TRUTH_COLUMNS[unit]
    }


def _sorted(table: Table, unit: Unit) -> Table:
    keys = [table["scan_id"].astype(str), table["cohort"].astype(str)]
    if unit == "slice":
        keys.insert(0, table["slice_index"])
    order = np.lexsort(keys)
    return {column: values[order] for column, values in table.items()}


def _require_same_truth(truth: Table, table: Table, first: Path, path: Path) -> None:
    for column, expected in truth.items():
        values = table[column]
        if len(values) != len(expected):
            raise ValueError(
                f"{path.parent} and {first.parent} cover {len(values)} and {len(expected)} "
                f"units: predict again with the same records, they cannot be compared"
            )
        same = values == expected
        if values.dtype != object:
            same |= np.isnan(values.astype(float)) & np.isnan(expected.astype(float))
        if not np.all(same):
            scan = table["scan_id"][np.argmin(same)]
            raise ValueError(
                f"{path.parent} and {first.parent} disagree on {column} (first at scan {scan}): "
                f"predict again with the same records, they cannot be compared"
            )


def _known(table: Table, column: str, path: Path) -> NDArray[np.float64]:
    values = np.asarray(table[column], float)
    if np.isnan(values).any():
        scan = table["scan_id"][np.argmax(np.isnan(values))]
        raise ValueError(f"{path.parent}: scan {scan} has no {column}")
    return values


def _without_unknown(predictions: ModelPredictions) -> ModelPredictions:
    known = ~np.isnan(np.asarray(predictions.truth["ANY"], float))
    kept = predictions.select(known)
    notes = list(predictions.notes)
    for name in predictions.cohorts:
        here = predictions.truth["cohort"] == name
        if unknown := int((~known & here).sum()):
            notes.append(
                f"{COHORT_TITLES.get(name, name)}: truth unknown for {unknown:,} of "
                f"{int(here.sum()):,} {predictions.unit}s, left out."
            )
    present = tuple(name for name in predictions.cohorts if name in kept.truth["cohort"])
    return replace(kept, cohorts=present, notes=tuple(notes))
