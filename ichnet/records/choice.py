"""Which scans and slices of a cohort a record set holds, and in which split each scan is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from ichnet.cohorts.case import ScanEntry
from ichnet.cohorts.selection import select_scans, select_slices
from ichnet.cohorts.splits import patient_strata, split_patients
from ichnet.config import Config, SelectionConfig
from ichnet.records.parts import Chosen

Selection = Literal["slices", "scans", "all"]


def choose(entries: Sequence[ScanEntry], selection: Selection, config: Config) -> Chosen:
    """Choose the scans and slices of a record set, and the split of each scan.

    Args:
        entries: the cohort's listing.
        selection: ``slices`` for experiment A, ``scans`` for experiment B, or ``all`` scans, for
            testing.
        config: how many to choose, share of each split, and seed.

    Raises:
        SelectionError: when there is less than the configuration asks for.
    """
    if selection == "all":
        return [(entry, "test", None) for entry in entries]
    settings = config.selection
    split_of = split_patients(patient_strata(entries), split_shares(settings), config.seed)
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


def split_shares(settings: SelectionConfig) -> dict[str, float]:
    """Return the share of patients of each split."""
    return {
        "train": 1 - settings.validation_share - settings.ensemble_share,
        "validation": settings.validation_share,
        "ensemble": settings.ensemble_share,
    }
