"""A model's predictions of subtypes, as rows of ``<cohort>.subtypes.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.evaluation.slices import SlicePrediction, by_scan
from ichnet.records.record_set import RecordSet
from ichnet.statistics.scan_score import ScanCalibration
from ichnet.subtypes import SUBTYPES


def subtype_rows(
    slices: Sequence[SlicePrediction], record_set: RecordSet, calibration: ScanCalibration
) -> Iterator[dict[str, object]]:
    """Yield a row for each scan, followed by one for each of its slices."""
    row_of = {row["scan_id"]: row for row in record_set.scans}
    unknown = np.full((1, len(SUBTYPES)), np.nan)
    for scan_id, own in by_scan(slices).items():
        row = row_of[scan_id]
        identity = {name: row[name] for name in ("cohort", "scan_id", "patient_id")}
        scores = np.array([one.subtype_scores for one in own], np.float64)
        spacing_mm = [one.spacing_mm for one in own]
        pooled = calibration.subtype_scores(scores, spacing_mm)
        curves = calibration.subtypes
        of_scan = unknown[0] if curves is None else curves.of_scan(pooled)
        of_slices = np.repeat(unknown, len(own), 0) if curves is None else curves.of_slices(scores)
        truth = {name: row[name] for name in SUBTYPES}
        yield {**identity, **truth, **_columns(pooled, of_scan)}
        for one, score, probability in zip(own, scores, of_slices, strict=True):
            known = zip(SUBTYPES, one.labels[1:], strict=True)
            truth_of_slice = {name: None if label < 0 else label for name, label in known}
            found = _columns(score, probability)
            yield {**identity, "slice_index": one.slice_index, **truth_of_slice, **found}


def _columns(score: NDArray[np.float64], probability: NDArray[np.float64]) -> dict[str, float]:
    named = list(zip(SUBTYPES, score, probability, strict=True))
    return {f"score_{name}": value for name, value, _ in named} | {
        f"probability_{name}": value for name, _, value in named
    }
