"""From a cohort's raw files to a record set; the scripts in ``data_prep/`` call this."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ichnet.cohorts.case import ScanEntry
from ichnet.cohorts.ledger import (
    NO_FAULT,
    by_reason,
    count_files,
    not_images,
    one_each,
    unnamed,
)
from ichnet.cohorts.readers import READERS
from ichnet.config import Config
from ichnet.ct.errors import Exclusion, ReadError, write_exclusions
from ichnet.ct.pseudonym import load_key
from ichnet.files import private_files
from ichnet.records.assembly import finish, stage_of
from ichnet.records.choice import Selection, choose
from ichnet.records.parts import (
    Chosen,
    Job,
    Part,
    is_finished,
    merge_tables,
    plan_parts,
    write_parts,
)
from ichnet.records.pool import mapper_over, worker_pool
from ichnet.records.preparation_report import Preparation, Share
from ichnet.records.source import CohortScans
from ichnet.subtypes import LABELS, SUBTYPES


@dataclass(frozen=True)
class Options:
    """Options of preparing a cohort; only ``average_mm`` and ``reduced`` change the records.

    Attributes:
        strict: stop at the first unusable file instead of excluding it.
        workers: number of processes.
        shard: ``(k, n)``: write only the k-th of n shares of the set (k from 1), for a cluster.
            When all are written, a run without it joins them.
        average_mm: thin slices are averaged to about this thickness.
        reduced: decode JPEG 2000 at half its resolution where that is not coarser than the
            records: more than twice as fast, and not quite the same HU.
    """

    strict: bool = False
    workers: int = 1
    shard: tuple[int, int] | None = None
    average_mm: float | None = None
    reduced: bool = False


def prepare(
    cohort: str,
    selection: Selection,
    config: Config,
    raw: Path,
    folder: Path,
    options: Options = Options(),
) -> Preparation | Share:
    """Write one cohort's record set, or a share of it.

    All patients of the cohort are split before slices or scans are drawn: two sets drawn from one
    cohort keep the same patients for validation. An interrupted run continues where it stopped.
    The number of workers or shares does not change the result.

    Args:
        cohort: one of :data:`~ichnet.cohorts.readers.READERS`.
        selection: ``slices`` for experiment A, ``scans`` for experiment B, or ``all`` scans, for
            testing.
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
    pixel_mm = config.image.field_of_view_mm / config.image.matrix
    source = CohortScans(cohort, key, options.average_mm, pixel_mm if options.reduced else None)
    job = Job(source, config.image, options.strict)
    with worker_pool(options.workers) as pool:
        entries, exclusions = READERS[cohort].list_scans(raw, mapper_over(pool, options.workers))
        exclusions = one_each(exclusions)
        if options.strict:
            _stop_at_first(exclusions)
        chosen = choose(entries, selection, config)
        parts = plan_parts(chosen, source)
        stage = stage_of(parts, job, folder)
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
    reduced = {"reduced": True} if options.reduced else {}
    finish(parts, stage, {**info, **settings, **average, **reduced, **result.counts()})
    return result


def relative_to(exclusions: Sequence[Exclusion], raw: Path) -> list[Exclusion]:
    """Return exclusions with each path relative to the cohort's folder."""
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
    """Write the tables; return the outcome, and the exclusions with relative paths."""
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
    """Write the file behind each line of ``excluded.csv``, readable by its owner only."""
    if not lines:
        path.unlink(missing_ok=True)
        return
    named = [
        Exclusion(Path(alias.path), line.reason, f"{line.path}: {line.detail}")
        for line, alias in zip(lines, hidden, strict=True)
    ]
    with private_files():
        write_exclusions(named, path)
