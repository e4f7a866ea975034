"""From a cohort's raw files to a record set: what the scripts in ``data_prep/`` call."""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ichnet.cohorts.case import ScanEntry
from ichnet.cohorts.ledger import (
    NO_FAULT,
    FileCounts,
    by_reason,
    count_files,
    not_images,
    one_each,
    unnamed,
)
from ichnet.cohorts.readers import READERS
from ichnet.cohorts.selection import select_scans, select_slices
from ichnet.cohorts.splits import patient_strata, split_patients
from ichnet.config import Config
from ichnet.ct.errors import Exclusion, ReadError, write_exclusions
from ichnet.ct.pseudonym import load_key
from ichnet.files import write_whole
from ichnet.records.example import SCHEMA_VERSION
from ichnet.records.parts import (
    Chosen,
    Job,
    Part,
    fingerprint,
    is_finished,
    merge_tables,
    plan_parts,
    write_parts,
)
from ichnet.records.pool import mapper_over, worker_pool
from ichnet.records.record_set import RecordSet, RecordSetError, require_patient_disjoint
from ichnet.runs.stage import MADE_FROM, Stage
from ichnet.subtypes import LABELS, SUBTYPES

Selection = Literal["slices", "scans", "all"]

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How, not what: none of these but ``average_mm`` changes a record.

    Attributes:
        strict: stop at the first thing that cannot be used instead of counting it.
        workers: processes.
        shard: ``(k, n)``: write the k-th of n shares (from 1) of the set's parts, for a cluster;
            a run without it then joins them.
        average_mm: thin slices are averaged to about this thickness.
    """

    strict: bool = False
    workers: int = 1
    shard: tuple[int, int] | None = None
    average_mm: float | None = None


@dataclass(frozen=True)
class Preparation:
    """What preparing a cohort did; ``str`` gives the report for a person.

    Attributes:
        folder: the record set.
        scans_found: scans that the cohort's files and labels make.
        scans_chosen: of these, those that the selection asked for.
        scans_kept, slices_kept: in the record set.
        files: the ledger of files.
        excluded: number of exclusions by reason.
        slices_with: kept slices by label.
        scans_with: kept scans by exclusive subtype, as in the paper's Table 1.
        repaired: slices whose HU had wrapped at 12 bits.
        names_file: which file each line of ``excluded.csv`` is; confidential.
    """

    folder: Path
    scans_found: int
    scans_chosen: int
    scans_kept: int
    slices_kept: int
    files: FileCounts
    excluded: dict[str, int]
    slices_with: dict[str, int]
    scans_with: dict[str, int]
    repaired: int
    names_file: Path

    def __str__(self) -> str:
        files = self.files
        lines = [
            f"{self.folder}",
            f"  scans: {self.scans_found} found, {self.scans_chosen} chosen, "
            f"{self.scans_kept} kept; {self.slices_kept} slices kept",
            f"  files: {files.found} found = {files.kept} kept + {files.not_drawn} not drawn + "
            f"{files.excluded} excluded",
            "  slices with " + ", ".join(f"{k} {v}" for k, v in self.slices_with.items()),
            "  scans with " + ", ".join(f"{k} {v}" for k, v in self.scans_with.items()),
            *([f"  repaired: {self.repaired} slices wrapped at 12 bits"] if self.repaired else []),
            f"  excluded: {sum(self.excluded.values())}",
            *(f"    {count} {reason}" for reason, count in sorted(self.excluded.items())),
            *([f"  their names (confidential): {self.names_file}"] if self.excluded else []),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Share:
    """What one of several processes did towards a record set; ``str`` says what comes next."""

    folder: Path
    finished: int
    parts: int

    def __str__(self) -> str:
        end = (
            "run the same command without --shard to join them"
            if self.finished == self.parts
            else "others are still to be written"
        )
        return f"{self.folder}: {self.finished} of {self.parts} shards are finished; {end}"


def prepare(
    cohort: str,
    selection: Selection,
    config: Config,
    raw: Path,
    folder: Path,
    options: Options = Options(),
) -> Preparation | Share:
    """Write one cohort's record set, or a share of it.

    Patients are split before anything is drawn, over the whole cohort: two sets drawn from one
    cohort agree on who is kept for validation. An interrupted run is taken up where it stopped;
    workers and shares change no byte of the result.

    Args:
        cohort: one of :data:`~ichnet.cohorts.readers.READERS`.
        selection: experiment A's slices, experiment B's scans, or all scans, for testing.
        config: counts, shares, image geometry and seed.
        raw: the cohort's folder.
        folder: the record set to write; an existing one is replaced when the new one is whole.
        options: processes, shares, strictness.

    Raises:
        ReadError: when the cohort cannot be listed; with ``strict``, for the first exclusion.
        SelectionError: when there is less than the configuration asks for.
        RecordSetError: when a worker was killed.
    """
    if options.average_mm is not None and selection == "slices":
        raise ValueError("single slices are drawn: they cannot be averaged")
    key = load_key()
    job = Job(cohort, config.image, key, options.average_mm, options.strict)
    with worker_pool(options.workers) as pool:
        entries, exclusions = READERS[cohort].list_scans(raw, mapper_over(pool, options.workers))
        exclusions = one_each(exclusions)
        if options.strict:
            _stop_at_first(exclusions)
        chosen = choose(entries, selection, config)
        parts = plan_parts(chosen)
        stage = Stage(folder, {"plan": fingerprint(parts, job)}, marks=("info.json",))
        work = stage.begin()
        try:
            write_parts(_share(parts, options.shard), work, job, pool)
        except ReadError:
            shutil.rmtree(work)
            raise
    if options.shard:
        return Share(folder, sum(is_finished(part, work) for part in parts), len(parts))
    info = {"cohort": cohort, "selection": selection, "seed": config.seed}
    settings = {"image": asdict(config.image), "settings": asdict(config.selection)}
    result, lines = _merge(parts, work, folder, entries, chosen, exclusions, raw)
    write_exclusions(unnamed(lines, key), work / "excluded.csv")
    _write_names(lines, unnamed(lines, key), result.names_file)
    average = {} if options.average_mm is None else {"average_mm": options.average_mm}
    _finish(parts, stage, {**info, **settings, **average, **_counts(result)})
    record_set = RecordSet.open(folder)
    require_patient_disjoint((record_set, split) for split in record_set.splits)
    return result


def choose(entries: Sequence[ScanEntry], selection: Selection, config: Config) -> Chosen:
    """Choose scans and slices and give each scan its split."""
    if selection == "all":
        return [(entry, "test", None) for entry in entries]
    settings = config.selection
    shares = {
        "train": 1 - settings.validation_share - settings.ensemble_share,
        "validation": settings.validation_share,
        "ensemble": settings.ensemble_share,
    }
    split_of = split_patients(patient_strata(entries), shares, config.seed)
    if selection == "scans":
        scans = select_scans(entries, settings.scans_with_ich, config.seed)
        return [(entry, split_of[entry.patient_key], None) for entry in scans]
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for entry, slice_key, _ in select_slices(entries, settings.slices_per_subtype, config.seed):
        wanted[entry.scan_key].add(slice_key)
    # experiment A has no weight model: those patients are for training
    train = {"ensemble": "train"}
    return [
        (
            entry,
            train.get(split_of[entry.patient_key], split_of[entry.patient_key]),
            frozenset(wanted[entry.scan_key]),
        )
        for entry in sorted(entries, key=lambda one: one.scan_key)
        if entry.scan_key in wanted
    ]


def relative_to(exclusions: Sequence[Exclusion], raw: Path) -> list[Exclusion]:
    """Name excluded files by their path inside the cohort's folder."""
    return [
        Exclusion(
            exclusion.path.relative_to(raw)
            if exclusion.path.is_relative_to(raw)
            else exclusion.path,
            exclusion.reason,
            exclusion.detail,
        )
        for exclusion in exclusions
    ]


def _stop_at_first(exclusions: Sequence[Exclusion]) -> None:
    for one in exclusions:
        if one.reason not in NO_FAULT:
            raise ReadError(one.path, one.reason, one.detail)


def _share(parts: Sequence[Part], shard: tuple[int, int] | None) -> Sequence[Part]:
    if shard is None:
        return parts
    number, count = shard
    if not 1 <= number <= count:
        raise ValueError(f"--shard {number}/{count}: from 1/{count} to {count}/{count}")
    return parts[number - 1 :: count]


def _merge(
    parts: Sequence[Part],
    work: Path,
    folder: Path,
    entries: Sequence[ScanEntry],
    chosen: Chosen,
    exclusions: list[Exclusion],
    raw: Path,
) -> tuple[Preparation, list[Exclusion]]:
    """Write the tables; return what was done, and the exclusions by path in the cohort."""
    scans_kept = slices_kept = repaired = 0
    slices_with: Counter[str] = Counter()
    scans_with: Counter[str] = Counter()
    for scans, slices, failed, mended in merge_tables(parts, work):
        scans_kept, slices_kept = scans_kept + len(scans), slices_kept + len(slices)
        repaired += mended
        exclusions += failed
        slices_with.update(label for row in slices for label in LABELS if row[label] == 1)
        scans_with.update(map(_kind, scans))
    exclusions += not_images(raw, entries, exclusions)
    wanted = {entry.scan_key: None if keys is None else len(keys) for entry, _, keys in chosen}
    lines = relative_to(exclusions, raw)
    kinds = ("no ICH", *SUBTYPES, "mixed", "ICH of unknown subtype", "unknown")
    result = Preparation(
        folder=folder,
        scans_found=len(entries),
        scans_chosen=len(chosen),
        scans_kept=scans_kept,
        slices_kept=slices_kept,
        files=count_files(entries, wanted, exclusions),
        excluded=by_reason(exclusions),
        slices_with={label: slices_with[label] for label in LABELS},
        scans_with={kind: scans_with[kind] for kind in kinds if scans_with[kind] or kind in LABELS},
        repaired=repaired,
        names_file=folder.with_name(f"{folder.name}-excluded-names.csv"),
    )
    return result, lines


def _kind(row: dict[str, Any]) -> str:
    """Return a scan's exclusive subtype."""
    present = [name for name in SUBTYPES if row[name] == 1]
    if row["ANY"] != 1:
        return "no ICH" if row["ANY"] == 0 else "unknown"
    if len(present) > 1:
        return "mixed"
    return present[0] if present else "ICH of unknown subtype"


def _write_names(lines: Sequence[Exclusion], hidden: Sequence[Exclusion], path: Path) -> None:
    """Write which file each line of ``excluded.csv`` is, for its owner only."""
    if not lines:
        path.unlink(missing_ok=True)
        return
    named = [
        Exclusion(Path(alias.path), line.reason, f"{line.path}: {line.detail}")
        for line, alias in zip(lines, hidden, strict=True)
    ]
    write_exclusions(named, path)
    path.chmod(0o600)


def _finish(parts: Sequence[Part], stage: Stage, info: dict[str, Any]) -> None:
    """Turn the folder of parts into the record set."""
    work, folder = stage.growing, stage.folder
    missing = [part.name for part in parts if not is_finished(part, work)]
    if missing:
        raise RecordSetError(f"{folder}: shards vanished while they were joined: {missing[0]}, ...")
    with write_whole(work / "info.json") as handle:
        shards = {path.name: path.stat().st_size for path in sorted(work.glob("*.tfrecord"))}
        json.dump({"schema": SCHEMA_VERSION, **info, "shards": shards}, handle, indent=2)
    kept = {f"{part.name}.tfrecord" for part in parts}
    kept |= {"scans.csv", "slices.csv", "excluded.csv", "info.json", MADE_FROM}
    for path in work.iterdir():
        if path.name not in kept:
            path.unlink()
    stage.finish()


def _counts(result: Preparation) -> dict[str, Any]:
    return {
        "scans_found": result.scans_found,
        "scans_chosen": result.scans_chosen,
        "scans_kept": result.scans_kept,
        "slices_kept": result.slices_kept,
        "files": result.files.as_dict(),
        "excluded": result.excluded,
        "slices_with": result.slices_with,
        "scans_with": result.scans_with,
        "repaired": result.repaired,
    }
