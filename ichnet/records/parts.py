"""A record set in parts: each is one shard with its table rows, written by one process.

Which scans a part holds is decided before anything is written, from the list of scans alone: any
number of processes, on one machine or several, write the same bytes. A part is finished when its
rows (JSON) exist, which are written after its shard. Until the set is complete, its parts lie in a
folder beside it that only its owner can read: the rows name files that could not be used.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ichnet.config import ImageConfig
from ichnet.ct.dicom import REPAIRED
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.files import whole_path, write_whole
from ichnet.records import writer
from ichnet.records.example import SCHEMA_VERSION
from ichnet.records.pool import KILLED
from ichnet.records.record_set import SCAN_COLUMNS, SLICE_COLUMNS, RecordSetError, shard_name
from ichnet.records.source import ScanSource
from ichnet.records.tfrecord import TFRecordFile

Chosen = Sequence[tuple[Any, str, frozenset[str] | None]]
"""Of each scan: its description for the source, its split, the slices wanted (``None``: all)."""


@dataclass(frozen=True)
class Job:
    """How scans become records.

    Attributes:
        source: loads the scans.
        image: matrix and field of view of the records.
        strict: raise the first error instead of excluding the scan.
    """

    source: ScanSource
    image: ImageConfig
    strict: bool = False


@dataclass(frozen=True)
class Part:
    """One shard to write.

    Attributes:
        split, index, count: shard ``index`` of ``count`` of this split.
        scans: their descriptions, and the slices wanted of each, ``None`` for all.
    """

    split: str
    index: int
    count: int
    scans: tuple[tuple[Any, frozenset[str] | None], ...]

    @property
    def name(self) -> str:
        """The shard's file name, without suffix."""
        return shard_name(self.split, self.index, self.count)


def plan_parts(chosen: Chosen, source: ScanSource) -> list[Part]:
    """Divide the scans of each split, in order, into shards of about ``SLICES_PER_SHARD``.

    Scans are not divided between shards, so that a shard with one long scan can be larger.
    """
    shards: dict[str, list[list[tuple[Any, frozenset[str] | None]]]] = {}
    filled: Counter[str] = Counter()
    for entry, split, wanted in chosen:
        slices = source.slices(entry) if wanted is None else len(wanted)
        if split not in shards or filled[split] + slices > writer.SLICES_PER_SHARD:
            shards.setdefault(split, []).append([])
            filled[split] = 0
        shards[split][-1].append((entry, wanted))
        filled[split] += slices
    return [
        Part(split, index, len(lists), tuple(scans))
        for split, lists in shards.items()
        for index, scans in enumerate(lists)
    ]


def fingerprint(parts: Sequence[Part], job: Job) -> str:
    """Return a hash of everything that the records depend on: scans, source and settings."""
    digest = hashlib.sha256(repr((SCHEMA_VERSION, job.source, job.image, len(parts))).encode())
    for part in parts:
        digest.update(part.name.encode())
        for entry, wanted in part.scans:
            digest.update(job.source.state(entry).encode())
            digest.update(repr(wanted and sorted(wanted)).encode())
    return digest.hexdigest()


def write_parts(parts: Sequence[Part], folder: Path, job: Job, pool: Executor | None) -> None:
    """Write the parts that are not finished.

    Raises:
        ReadError: with ``job.strict``, the first.
        RecordSetError: when a worker was killed.
    """
    todo = [part for part in parts if not is_finished(part, folder)]
    scans = sum(len(part.scans) for part in parts)
    done = scans - sum(len(part.scans) for part in todo)
    with tqdm(desc="scans", total=scans, initial=done, unit="scan", disable=None) as bar:
        if pool is None:
            for part in todo:
                bar.update(write_part(part, folder, job))
            return
        try:
            for future in as_completed(pool.submit(write_part, part, folder, job) for part in todo):
                bar.update(future.result())
        except BrokenProcessPool as error:
            raise RecordSetError(f"{folder}: {KILLED}") from error


def is_finished(part: Part, folder: Path) -> bool:
    """Return whether a part's shard and its rows have been written."""
    return (folder / f"{part.name}.json").exists()


def write_part(part: Part, folder: Path, job: Job) -> int:
    """Write one shard and, last, its rows; return its number of scans."""
    rows: dict[str, list[Any]] = {"scans": [], "slices": [], "exclusions": []}
    repaired = 0
    with (
        whole_path(folder / f"{part.name}.tfrecord") as temporary,
        TFRecordFile(temporary) as records,
    ):
        for entry, wanted in part.scans:
            try:
                repaired += _write_scan(entry, wanted, part.split, job, records, rows)
            except ReadError as error:
                if job.strict:
                    raise
                lines = Exclusion.from_error(error, job.source.files(entry)).by_file()
                rows["exclusions"] += [[str(e.path), e.reason, e.detail] for e in lines]
    with write_whole(folder / f"{part.name}.json") as handle:
        handle.write(json.dumps({**rows, "repaired": repaired, "digest": records.digest}))
    return len(part.scans)


def part_digest(part: Part, folder: Path) -> str:
    """Return 12 hex digits that change with the records of a finished part."""
    digest: str = json.loads((folder / f"{part.name}.json").read_text(encoding="utf-8"))["digest"]
    return digest


def _write_scan(
    entry: Any,
    wanted: frozenset[str] | None,
    split: str,
    job: Job,
    records: TFRecordFile,
    rows: dict[str, list[Any]],
) -> int:
    """Write a scan's records, add its rows, and return how many slices were repaired.

    A function of its own, so that a scan's pixels are freed before the next scan is read.
    """
    case = job.source.load(entry)
    count = 0
    for record in writer.encode_case(case, job.image, writer.indices(case, wanted)):
        records.write(*record.pieces())
        rows["slices"].append(writer.slice_row(record, split))
        count += 1
    rows["scans"].append(writer.scan_row(case, split, count))
    return int(case.volume.description.get(REPAIRED, 0))


def merge_tables(
    parts: Sequence[Part], folder: Path
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]], list[Exclusion], int]]:
    """Write ``scans.csv`` and ``slices.csv``, part by part, and yield the content of each part.

    Yields:
        rows of scans, rows of slices, exclusions, slices repaired.
    """
    with ExitStack() as stack:
        tables = []
        for name, columns in (("scans", SCAN_COLUMNS), ("slices", SLICE_COLUMNS)):
            handle = stack.enter_context(write_whole(folder / f"{name}.csv", newline=""))
            table = csv.DictWriter(handle, columns)
            table.writeheader()
            tables.append(table)
        for part in parts:
            rows = json.loads((folder / f"{part.name}.json").read_text(encoding="utf-8"))
            for table, name in zip(tables, ("scans", "slices"), strict=True):
                table.writerows(rows[name])
            exclusions = [Exclusion(Path(path), *rest) for path, *rest in rows["exclusions"]]
            yield rows["scans"], rows["slices"], exclusions, rows["repaired"]
