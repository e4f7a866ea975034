"""A folder of records and its tables; reading the tables needs no TensorFlow.

::

    records/<set>/<split>-00000-of-00004.tfrecord
    records/<set>/scans.csv      one row a scan, see SCAN_COLUMNS
    records/<set>/slices.csv     one row a record, see SLICE_COLUMNS
    records/<set>/excluded.csv   what was found and left out, and why
    records/<set>/info.json      how the set was made, bytes of each shard; the set is whole
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnet.cohorts.splits import require_disjoint
from ichnet.config import ConfigError
from ichnet.files import write_whole
from ichnet.subtypes import LABELS

SCAN_COLUMNS: tuple[str, ...] = (
    "cohort",
    "scan_id",
    "patient_id",
    "split",
    "slices",
    *LABELS,
    *(f"volume_ml_{label}" for label in LABELS),
    "age_years",
    "sex",
    "votes",
)

SLICE_COLUMNS: tuple[str, ...] = ("scan_id", "split", "slice_index", *LABELS)

MEND = "copy it again, or prepare the set again"

Row = dict[str, str]
"""A table's row; an empty text is an unknown."""


class RecordSetError(ConfigError):
    """A record set is missing, unfinished or damaged; the message names its folder or file."""


@dataclass(frozen=True, eq=False)
class RecordSet:
    """A finished record set.

    Attributes:
        folder: where it lies.
        info: ``info.json``: matrix, field of view, settings, counts.
        scans: rows of ``scans.csv``.
        slices: rows of ``slices.csv``, in the order of the records of each split.
    """

    folder: Path
    info: dict[str, Any]
    scans: tuple[Row, ...]
    slices: tuple[Row, ...]

    @classmethod
    def open(cls, folder: Path) -> RecordSet:
        """Open a finished set.

        Raises:
            RecordSetError: when there is none.
        """
        path = folder / "info.json"
        if not path.exists():
            raise RecordSetError(f"{folder}: no finished record set (no info.json)")
        return cls(
            folder,
            json.loads(path.read_text(encoding="utf-8")),
            tuple(read_table(folder / "scans.csv")),
            tuple(read_table(folder / "slices.csv")),
        )

    @property
    def matrix(self) -> int:
        """Rows and columns of each slice."""
        return int(self.info["image"]["matrix"])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that hold scans, sorted."""
        return tuple(sorted({row["split"] for row in self.scans}))

    @property
    def fingerprint(self) -> str:
        """12 hex digits that change when the set's content does, pixels included."""
        text = json.dumps([self.info, self.scans, self.slices], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def shards(self, split: str) -> list[Path]:
        """Return the record files of one split, in order.

        Raises:
            RecordSetError: when the split has none, or one of them is missing or not as long as
                when the set was written; names it.
        """
        return shard_files(self.folder, split, self.shard_bytes)

    @property
    def shard_bytes(self) -> Mapping[str, int]:
        """Size of each record file when the set was written, by its name."""
        return dict(self.info.get("shards", {}))

    def slices_of(self, split: str) -> list[Row]:
        """Return the rows of ``slices.csv`` of one split, in the order of its records."""
        return [row for row in self.slices if row["split"] == split]

    def patients(self, split: str) -> dict[str, str]:
        """Return the split's patients: from pseudonym to the name of set and split."""
        place = f"{self.folder.name} {split}"
        return {row["patient_id"]: place for row in self.scans if row["split"] == split}


def shard_name(split: str, index: int, count: int) -> str:
    """Return the name of the ``index``-th of a split's ``count`` record files, without suffix."""
    return f"{split}-{index:05d}-of-{count:05d}"


def shard_files(folder: Path, split: str, shard_bytes: Mapping[str, int]) -> list[Path]:
    """Return the record files of one split of a record set or of cached maps, in order.

    Args:
        folder: folder of the record set or the cached maps.
        split: e.g. ``train``.
        shard_bytes: size of each file when it was written, by its name; a file that is not listed
            may have any size.

    Raises:
        RecordSetError: when the split has no files, or one of them is missing, has another size
            than when it was written, or does not belong to the set. The message names the file.
    """
    found = sorted(folder.glob(f"{split}-*-of-*.tfrecord"))
    if not found:
        raise RecordSetError(f"{folder}: no records in split {split!r}")
    count = int(found[0].stem.rpartition("-")[2])
    files = [folder / f"{shard_name(split, index, count)}.tfrecord" for index in range(count)]
    for path in files:
        if path not in found:
            raise RecordSetError(f"{path}: this shard of the records is missing; {MEND}")
        size = path.stat().st_size
        if (wanted := shard_bytes.get(path.name, size)) != size:
            raise RecordSetError(
                f"{path}: this shard of the records holds {size:,} bytes of {wanted:,}; {MEND}"
            )
    if unknown := [path for path in found if path not in files]:
        raise RecordSetError(f"{unknown[0]}: not a shard of this set; remove it")
    return files


def require_patient_disjoint(sides: Iterable[tuple[RecordSet, str]]) -> None:
    """Check that splits (of one or several sets) share no patient.

    Raises:
        PatientOverlapError: with the list of shared patients.
    """
    seen: dict[str, str] = {}
    for record_set, split in sides:
        patients = record_set.patients(split)
        require_disjoint(seen, patients)
        seen.update(patients)


def require_disjoint_test_patients(
    learnt: Iterable[RecordSet], tested: Iterable[RecordSet]
) -> None:
    """Check that no test patient is in a set that models learn from, in whatever split.

    Raises:
        PatientOverlapError: with the list of shared patients.
    """
    known, unknown = (
        {
            who: where
            for one in sets
            for split in one.splits
            for who, where in one.patients(split).items()
        }
        for sets in (learnt, tested)
    )
    require_disjoint(known, unknown)


def write_table(rows: Iterable[Mapping[str, object]], columns: tuple[str, ...], path: Path) -> None:
    """Write a CSV file; when interrupted, no file is left."""
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[Row]:
    """Read a CSV as rows of text."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
