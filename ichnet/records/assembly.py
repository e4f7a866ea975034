"""Assembling a record set: its parts are written to a folder beside it, then joined."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ichnet.config import ImageConfig
from ichnet.ct.errors import write_exclusions
from ichnet.files import write_whole
from ichnet.records.example import SCHEMA_VERSION
from ichnet.records.parts import (
    Chosen,
    Job,
    Part,
    fingerprint,
    is_finished,
    merge_tables,
    part_digest,
    plan_parts,
    write_parts,
)
from ichnet.records.pool import worker_pool
from ichnet.records.record_set import RecordSet, RecordSetError, require_patient_disjoint
from ichnet.records.source import ScanSource
from ichnet.runs.stage import MADE_FROM, Stage


def write_record_set(
    chosen: Chosen,
    source: ScanSource,
    image: ImageConfig,
    folder: Path,
    info: dict[str, Any],
    workers: int = 1,
) -> RecordSet:
    """Write a record set from scans that all must be usable.

    An interrupted run continues where it stopped. The number of workers does not change the
    result.

    Args:
        chosen: for each scan its description, which ``source`` understands, and its split.
        source: loads a scan from its description, in worker processes.
        image: matrix and field of view of the records.
        folder: the record set to write; an existing one is replaced when the new one is whole.
        info: entries of ``info.json`` in addition to ``image``.
        workers: number of processes.

    Raises:
        ReadError: when a scan cannot be used.
        RecordSetError: when a worker was killed.
        PatientOverlapError: when splits share a patient.
    """
    job = Job(source, image, strict=True)
    parts = plan_parts(chosen, source)
    with worker_pool(workers) as pool:
        stage = stage_of(parts, job, folder)
        work = stage.begin()
        write_parts(parts, work, job, pool)
    for _ in merge_tables(parts, work):
        pass  # what each part held is in the tables now
    write_exclusions([], work / "excluded.csv")
    return finish(parts, stage, {**info, "image": asdict(image)})


def stage_of(parts: Sequence[Part], job: Job, folder: Path) -> Stage:
    """Return the unfinished record set: its folder of parts, and its inputs."""
    return Stage(folder, {"plan": fingerprint(parts, job)}, marks=("info.json",))


def finish(parts: Sequence[Part], stage: Stage, info: dict[str, Any]) -> RecordSet:
    """Turn the folder of finished parts and tables into the record set.

    Raises:
        RecordSetError: when a part is missing.
        PatientOverlapError: when splits share a patient.
    """
    work, folder = stage.growing, stage.folder
    missing = [part.name for part in parts if not is_finished(part, work)]
    if missing:
        raise RecordSetError(f"{folder}: shards vanished while they were joined: {missing[0]}, ...")
    names = [f"{part.name}.tfrecord" for part in parts]
    shards = {name: (work / name).stat().st_size for name in names}
    content = {name: part_digest(part, work) for name, part in zip(names, parts, strict=True)}
    whole = {"schema": SCHEMA_VERSION, **info, "shards": shards, "content": content}
    with write_whole(work / "info.json") as handle:
        json.dump(whole, handle, indent=2)
    kept = {*names, "scans.csv", "slices.csv", "excluded.csv", "info.json", MADE_FROM}
    for path in work.iterdir():
        if path.name not in kept:
            path.unlink()
    stage.finish()
    record_set = RecordSet.open(folder)
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    return record_set
