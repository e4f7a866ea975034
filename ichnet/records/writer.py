"""Turns a case into the records of its slices and the rows of the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.config import ImageConfig
from ichnet.ct.resample import mask_to_matrix, to_matrix
from ichnet.records.example import SliceRecord
from ichnet.subtypes import LABELS

SLICES_PER_SHARD = 256
"""32 MiB at 256 x 256 without masks: large enough for sequential reading, and small enough that
workers share the work evenly: one shard is the least that each can do."""


def encode_case(
    case: Case, image: ImageConfig, wanted: Sequence[int] | None = None
) -> Iterator[SliceRecord]:
    """Yield a case's slices, resampled to the networks' grid; all, or the wanted indices."""
    volume = case.volume
    indices = range(len(volume.hu)) if wanted is None else sorted(wanted)
    geometry = (volume.pixel_spacing_mm, image.matrix, image.field_of_view_mm, volume.centre_mm)
    volume_ml = case.volume_ml()
    for index in indices:
        hu = to_matrix(volume.hu[index], *geometry)
        mask = None if case.mask is None else mask_to_matrix(case.mask[index], *geometry)
        yield SliceRecord(
            hu=np.rint(hu).astype(np.int16),
            mask=mask,
            labels=case.slice_labels[index],
            scan_labels=case.scan_labels,
            scan_id=volume.scan_id,
            patient_id=volume.patient_id,
            slice_index=index,
            pixel_spacing_mm=image.field_of_view_mm / image.matrix,
            slice_spacing_mm=float(volume.slice_spacing_mm[index]),
            volume_ml=volume_ml,
        )


def indices(case: Case, keys: Collection[str] | None) -> list[int] | None:
    """Return the indices of slices with the wanted instance UIDs; ``None`` (all) stays ``None``."""
    if keys is None:
        return None
    return [i for i, uid in enumerate(case.volume.sop_instance_uids) if uid in keys]


def slice_row(record: SliceRecord, split: str) -> dict[str, Any]:
    """Return a record's row of ``slices.csv``."""
    return {
        "scan_id": record.scan_id,
        "split": split,
        "slice_index": record.slice_index,
        **_label_cells(record.labels),
    }


def scan_row(case: Case, split: str, slices: int) -> dict[str, Any]:
    """Return a scan's row of ``scans.csv``; ``slices`` is the number of its records."""
    volume_ml = zip(LABELS, case.volume_ml(), strict=True)
    return {
        "cohort": case.cohort,
        "scan_id": case.volume.scan_id,
        "patient_id": case.volume.patient_id,
        "split": split,
        "slices": slices,
        **_label_cells(case.scan_labels),
        **{
            f"volume_ml_{label}": "" if np.isnan(value) else f"{value:.6g}"
            for label, value in volume_ml
        },
        "age_years": "" if case.age_years is None else f"{case.age_years:g}",
        "sex": case.sex,
        "votes": "".join(map(str, case.votes)),
    }


def _label_cells(labels: np.ndarray[Any, np.dtype[np.int8]]) -> dict[str, Any]:
    cells = ("" if label == UNKNOWN else int(label) for label in labels)
    return dict(zip(LABELS, cells, strict=True))
