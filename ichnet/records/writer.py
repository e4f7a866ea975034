"""Writes a record set: streaming, sharded, whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.config import ImageConfig
from ichnet.ct.errors import Exclusion, write_exclusions
from ichnet.ct.resample import mask_to_matrix, to_matrix
from ichnet.files import write_whole
from ichnet.records.example import SCHEMA_VERSION, SliceRecord
from ichnet.records.record_set import SCAN_COLUMNS, SLICE_COLUMNS, write_table
from ichnet.records.tfrecord import TFRecordFile
from ichnet.subtypes import LABELS

SLICES_PER_SHARD = 256
"""32 MiB at 256 x 256 without masks: large enough for sequential reading, and small enough that
workers share the work evenly: one shard is the least that each can do."""


class RecordSetWriter:
    """Collects cases into a folder; to be used on a folder that is renamed when all went well.

    Args:
        folder: receives the files.
        image: matrix and field of view.
    """

    def __init__(self, folder: Path, image: ImageConfig) -> None:
        self.folder = folder
        self.image = image
        self.scans: list[dict[str, Any]] = []
        self.slices: list[dict[str, Any]] = []
        self._shards: Counter[str] = Counter()
        self._filled: Counter[str] = Counter()
        self._open: dict[str, TFRecordFile] = {}
        folder.mkdir(parents=True)

    def __enter__(self) -> RecordSetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer in self._open.values():
            writer.close()

    def add(self, case: Case, split: str, wanted: Sequence[int] | None = None) -> None:
        """Write a case's slices, all of them or those of the wanted indices."""
        count = 0
        for record in encode_case(case, self.image, wanted):
            self._writer(split).write(record.serialize())
            self._filled[split] += 1
            self.slices.append(slice_row(record, split))
            count += 1
        self.scans.append(scan_row(case, split, count))

    def finish(self, exclusions: Sequence[Exclusion], info: dict[str, Any]) -> None:
        """Name the shards by their number and write the tables; ``info.json`` is the last."""
        for writer in self._open.values():
            writer.close()
        self._open.clear()
        for split, count in self._shards.items():
            for index in range(count):
                name = f"{split}-{index:05d}-of-{count:05d}.tfrecord"
                (self.folder / _unnumbered(split, index)).rename(self.folder / name)
        write_table(self.scans, SCAN_COLUMNS, self.folder / "scans.csv")
        write_table(self.slices, SLICE_COLUMNS, self.folder / "slices.csv")
        write_exclusions(exclusions, self.folder / "excluded.csv")
        with write_whole(self.folder / "info.json") as handle:
            json.dump({"schema": SCHEMA_VERSION, **info}, handle, indent=2)

    def _writer(self, split: str) -> TFRecordFile:
        """Return the split's open shard, a new one when the last is full."""
        if self._filled[split] % SLICES_PER_SHARD == 0:
            if split in self._open:
                self._open[split].close()
            path = self.folder / _unnumbered(split, self._shards[split])
            self._open[split] = TFRecordFile(path)
            self._shards[split] += 1
        return self._open[split]


def encode_case(
    case: Case, image: ImageConfig, wanted: Sequence[int] | None = None
) -> Iterator[SliceRecord]:
    """Yield a case's slices on the networks' grid, all or those of the wanted indices."""
    volume = case.volume
    indices = range(len(volume.hu)) if wanted is None else sorted(wanted)
    geometry = (volume.pixel_spacing_mm, image.matrix, image.field_of_view_mm)
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
    """Return which slices the wanted instance UIDs are; ``None``, all of them, stays ``None``."""
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


def _unnumbered(split: str, index: int) -> str:
    return f"{split}-{index:05d}.tfrecord"
