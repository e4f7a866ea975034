"""Label vectors of six: made from subtypes or masks, joined to scans, laid out by slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.cohorts.case import UNKNOWN
from ichnet.subtypes import LABELS, SUBTYPES, bit_of

Labels = tuple[int, ...]
"""Six labels in the order of ``LABELS``, each 1, 0 or ``UNKNOWN``."""

NEGATIVE: Labels = (0,) * len(LABELS)


def labels_from_subtypes(subtypes: Mapping[str, int]) -> Labels:
    """Return six labels from all five subtypes (each 0 or 1); ANY is their OR."""
    values = tuple(subtypes[name] for name in SUBTYPES)
    return (max(values), *values)


def labels_from_mask(mask: NDArray[np.uint8]) -> Labels:
    """Return what a bit mask of any shape shows: 1 where a subtype has a pixel, else 0."""
    bits = int(np.bitwise_or.reduce(mask, axis=None))
    return labels_from_subtypes({name: int(bool(bits & bit_of(name))) for name in SUBTYPES})


def union(slices: Iterable[Labels]) -> Labels:
    """Return the scan's labels: those of its slices, joined by OR.

    A scan without a slice that has it, but with one of unknown label, is ``UNKNOWN``.
    """
    return tuple(1 if 1 in column else min(column) for column in zip(*slices, strict=True))


def in_slice_order(
    labels: Mapping[str, Labels], sop_instance_uids: Sequence[str]
) -> NDArray[np.int8]:
    """Lay out labels by SOP instance UID in the order of a volume's slices, int8 [slices, 6]."""
    return np.array([labels[uid] for uid in sop_instance_uids], np.int8)


def known_from_scan(scan_labels: Labels, slices: int) -> NDArray[np.int8]:
    """Return what a scan's labels tell of its slices, int8 [slices, 6].

    Where the scan's label is 0, so is that of each slice. Where it is 1, the slices' labels are
    ``UNKNOWN``: nobody said which slices show it.
    """
    row = [0 if label == 0 else UNKNOWN for label in scan_labels]
    return np.tile(np.array(row, np.int8), (slices, 1))
