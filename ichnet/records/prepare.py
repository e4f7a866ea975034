"""From a cohort's raw files to a record set: what the scripts in ``data_prep/`` call."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.readers import READERS
from ichnet.cohorts.selection import select_scans, select_slices
from ichnet.cohorts.splits import patient_strata, split_patients
from ichnet.config import Config
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.pseudonym import load_key
from ichnet.files import whole_path
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.records.writer import RecordSetWriter
from ichnet.subtypes import LABELS

Selection = Literal["slices", "scans", "all"]

Chosen = list[tuple[ScanEntry, str, frozenset[str] | None]]
"""Scans to read, the split of each, and the slices wanted (``None``: all of them)."""


@dataclass(frozen=True)
class Preparation:
    """What preparing a cohort did; ``str`` gives the report for a person.

    Attributes:
        folder: the record set.
        scans_found: scans that the cohort's files and labels make.
        scans_chosen: of these, those that the selection asked for.
        scans_kept, slices_kept: in the record set.
        excluded: number of exclusions by reason.
        slices_with: kept slices by label.
    """

    folder: Path
    scans_found: int
    scans_chosen: int
    scans_kept: int
    slices_kept: int
    excluded: dict[str, int]
    slices_with: dict[str, int]

    def __str__(self) -> str:
        lines = [
            f"{self.folder}",
            f"  scans: {self.scans_found} found, {self.scans_chosen} chosen, "
            f"{self.scans_kept} kept; {self.slices_kept} slices kept",
            "  slices with " + ", ".join(f"{k} {v}" for k, v in self.slices_with.items()),
            f"  excluded: {sum(self.excluded.values())}",
            *(f"    {count} {reason}" for reason, count in sorted(self.excluded.items())),
        ]
        return "\n".join(lines)


def prepare(
    cohort: str, selection: Selection, config: Config, raw: Path, folder: Path, strict: bool
) -> Preparation:
    """Write one cohort's record set.

    Patients are split before anything is drawn, over the whole cohort: two sets drawn from one
    cohort agree on who is kept for validation.

    Args:
        cohort: ``rsna``, ``aihub``, ``dumc`` or ``cq500``.
        selection: experiment A's slices, experiment B's scans, or all scans, for testing.
        config: counts, shares, image geometry and seed.
        raw: the cohort's folder.
        folder: the record set to write; an existing one is replaced when the new one is whole.
        strict: stop at the first thing that cannot be used instead of counting it.

    Raises:
        ReadError: when the cohort cannot be listed; with ``strict``, for the first exclusion.
        SelectionError: when there is less than the configuration asks for.
    """
    reader = READERS[cohort]
    entries, exclusions = reader.list_scans(raw)
    if strict and exclusions:
        first = exclusions[0]
        raise ReadError(first.path, first.reason, first.detail)
    chosen = choose(entries, selection, config)
    key = load_key()
    with whole_path(folder) as temporary, RecordSetWriter(temporary, config.image) as writer:
        for entry, split, keys in tqdm(chosen, desc=folder.name, unit="scan", disable=None):
            try:
                case = reader.load(entry, key)
            except ReadError as error:
                if strict:
                    raise
                exclusions.append(Exclusion.from_error(error))
                continue
            writer.add(case, split, _wanted(case, keys))
        excluded = Counter(exclusion.reason for exclusion in exclusions)
        result = Preparation(
            folder=folder,
            scans_found=len(entries),
            scans_chosen=len(chosen),
            scans_kept=len(writer.scans),
            slices_kept=len(writer.slices),
            excluded=dict(excluded),
            slices_with={label: sum(row[label] == 1 for row in writer.slices) for label in LABELS},
        )
        writer.finish(relative_to(exclusions, raw), _info(cohort, selection, config, result))
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


def _wanted(case: Case, keys: frozenset[str] | None) -> list[int] | None:
    if keys is None:
        return None
    return [i for i, uid in enumerate(case.volume.sop_instance_uids) if uid in keys]


def _info(cohort: str, selection: Selection, config: Config, result: Preparation) -> dict[str, Any]:
    return {
        "cohort": cohort,
        "selection": selection,
        "seed": config.seed,
        "image": asdict(config.image),
        "settings": asdict(config.selection),
        "scans_found": result.scans_found,
        "scans_chosen": result.scans_chosen,
        "scans_kept": result.scans_kept,
        "slices_kept": result.slices_kept,
        "excluded": result.excluded,
        "slices_with": result.slices_with,
    }
