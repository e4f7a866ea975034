"""Which slices and scans an experiment is trained on, drawn by seed.

Drawn from the source's own names in sorted order, so that a draw depends neither on the order of a
listing nor on the key of the pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np

from ichnet.cohorts.case import ScanEntry
from ichnet.cohorts.labels import NEGATIVE
from ichnet.config import ConfigError
from ichnet.subtypes import LABEL_INDEX, SUBTYPES

NONE = "NONE"
"""``chosen_for`` of slices without hemorrhage."""


class SelectionError(ConfigError):
    """The data do not hold what the configuration asks for; the message says what is missing."""


class ChosenSlice(NamedTuple):
    """A slice, and what it was chosen for.

    Attributes:
        entry: its scan.
        slice_key: its key in ``entry.slice_labels``.
        chosen_for: the subtype it was drawn for (it may have others besides), or ``NONE``.
    """

    entry: ScanEntry
    slice_key: str
    chosen_for: str


def select_slices(
    entries: Sequence[ScanEntry], slices_per_subtype: int, seed: int
) -> list[ChosenSlice]:
    """Draw experiment A's slices: as many for each subtype, and as many without as with.

    The paper draws 1,300 of each subtype and 6,500 without; how, it does not say. Here no slice is
    drawn twice, the subtype with the fewest slices left is drawn first, and slices without
    hemorrhage come from scans with or without, one from each scan in turn, so that they spread over
    as many heads as possible (paper silent).

    Args:
        entries: scans with labelled slices. Slices with an unknown label are not drawn.
        slices_per_subtype: how many for each of the five; five times as many without.
        seed: decides the draw.

    Returns:
        the slices, those of one scan together, scans and slices in the order of their keys.

    Raises:
        SelectionError: naming the subtype of which there are fewer.
    """
    rng = np.random.default_rng(seed)
    slices = [
        ChosenSlice(entry, slice_key, NONE)
        for entry in _sorted(entries)
        for slice_key in sorted(entry.slice_labels)
    ]
    chosen = _draw_subtypes(slices, slices_per_subtype, rng)
    negatives = [item for item in slices if _labels(item) == NEGATIVE]
    wanted = slices_per_subtype * len(SUBTYPES)
    if len(negatives) < wanted:
        raise SelectionError(
            f"{wanted} slices without hemorrhage are wanted (5 x selection.slices_per_subtype), "
            f"there are {len(negatives)}"
        )
    chosen += _one_of_each_in_turn(negatives, rng)[:wanted]
    return sorted(chosen, key=lambda item: (*_key(item.entry), item.slice_key))


def select_scans(entries: Sequence[ScanEntry], scans_with_ich: int, seed: int) -> list[ScanEntry]:
    """Draw experiment B's scans at random: as many with hemorrhage as without.

    Args:
        entries: scans; those of unknown label are not drawn.
        scans_with_ich: how many with hemorrhage, and how many without (paper: 6,963).
        seed: decides the draw.

    Returns:
        the scans, in the order of their keys.

    Raises:
        SelectionError: when there are fewer, of which kind and how many.
    """
    rng = np.random.default_rng(seed)
    chosen: list[ScanEntry] = []
    for label, kind in ((1, "with"), (0, "without")):
        candidates = [entry for entry in _sorted(entries) if entry.scan_labels[0] == label]
        if len(candidates) < scans_with_ich:
            raise SelectionError(
                f"{scans_with_ich} scans {kind} hemorrhage are wanted (selection.scans_with_ich), "
                f"there are {len(candidates)}"
            )
        chosen += _shuffled(candidates, rng)[:scans_with_ich]
    return _sorted(chosen)


def _draw_subtypes(
    slices: Sequence[ChosenSlice], wanted: int, rng: np.random.Generator
) -> list[ChosenSlice]:
    """Draw for one subtype after another, the one with the fewest slices left first."""
    left = {
        name: [item for item in slices if _labels(item)[LABEL_INDEX[name]] == 1]
        for name in SUBTYPES
    }
    there = {name: len(items) for name, items in left.items()}
    drawn: list[ChosenSlice] = []
    while left:
        rarest = min(left, key=lambda name: len(left[name]))
        candidates = left.pop(rarest)
        if len(candidates) < wanted:
            used = there[rarest] - len(candidates)
            besides = f", {used} of them drawn for rarer subtypes" if used else ""
            raise SelectionError(
                f"{wanted} slices with {rarest} are wanted (selection.slices_per_subtype), "
                f"there are {there[rarest]}{besides}"
            )
        new = _shuffled(candidates, rng)[:wanted]
        drawn += [item._replace(chosen_for=rarest) for item in new]
        taken = {(_key(item.entry), item.slice_key) for item in new}
        left = {
            name: [item for item in items if (_key(item.entry), item.slice_key) not in taken]
            for name, items in left.items()
        }
    return drawn


def _one_of_each_in_turn(
    slices: Sequence[ChosenSlice], rng: np.random.Generator
) -> list[ChosenSlice]:
    """Order slices in rounds: in each round one of every scan that has some left."""
    scans = [_shuffled(list(group), rng) for _, group in groupby(slices, lambda s: _key(s.entry))]
    rounds = max(map(len, scans), default=0)
    return [
        item
        for turn in range(rounds)
        for item in _shuffled([scan[turn] for scan in scans if turn < len(scan)], rng)
    ]


def _labels(item: ChosenSlice) -> tuple[int, ...]:
    return tuple(item.entry.slice_labels[item.slice_key])


def _key(entry: ScanEntry) -> tuple[str, str]:
    return entry.cohort, entry.scan_key


def _sorted(entries: Iterable[ScanEntry]) -> list[ScanEntry]:
    return sorted(entries, key=_key)


T = TypeVar("T")


def _shuffled(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    return [items[index] for index in rng.permutation(len(items))]
