"""Strata: kinds of slices, and the share that each kind has of every training batch.

A slice's stratum follows from the tables of a record set, so that no record is read to find out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.records.record_set import Row


@dataclass(frozen=True, eq=False)
class Stratum:
    """Slices of one kind.

    Attributes:
        kind: what they are, to follow "slices" in a message, e.g. ``with hemorrhage``.
        numbers: int64 [slices], positions among the slices of the split.
        share: of the slices in each batch, above 0; the shares of all strata sum to 1.
    """

    kind: str
    numbers: NDArray[np.int64]
    share: float


def by_hemorrhage(slices: Sequence[Row], scans: Collection[str] | None = None) -> list[Stratum]:
    """Return slices with and without hemorrhage as two strata of equal shares.

    Slices whose label is unknown are in neither.

    Args:
        slices: rows of ``slices.csv``, all of one split.
        scans: the scans to draw from; ``None`` for all.
    """
    return [
        _stratum("with hemorrhage", slices, scans, "1", 0.5),
        _stratum("without hemorrhage", slices, scans, "0", 0.5),
    ]


def by_volume(
    slices: Sequence[Row],
    volume_ml: Mapping[str, float],
    limits_ml: Sequence[float],
    shares: Sequence[float],
) -> list[Stratum]:
    """Return strata of slices with hemorrhage by the volume in the whole scan, and the others.

    Only the scans whose volume is given are drawn from. A class without slices is left out, and its
    share is divided among the other classes with hemorrhage in proportion; the share of slices
    without hemorrhage stays the same.

    Args:
        slices: rows of ``slices.csv``, all of one split.
        volume_ml: hemorrhage in each scan, e.g. ``volume_ml_ANY`` of ``scans.csv``.
        limits_ml: ascending bounds of the classes; a volume at a bound belongs below it.
        shares: of the classes, from small to large, ``len(limits_ml) + 1``; the rest up to 1 is the
            share of slices without hemorrhage.
    """
    names = list(volume_ml)
    class_of = np.searchsorted(limits_ml, [volume_ml[name] for name in names], side="left")
    bounds_ml = [0.0, *limits_ml, np.inf]
    found = []
    for number, share in enumerate(shares):
        scans = {name for name, own in zip(names, class_of, strict=True) if own == number}
        kind = f"with hemorrhage of {bounds_ml[number]:g} to {bounds_ml[number + 1]:g} mL"
        found.append(_stratum(kind, slices, scans, "1", share))
    found = [one for one in found if len(one.numbers)]
    scale = sum(shares) / sum(one.share for one in found) if found else 1.0
    return [
        *(Stratum(one.kind, one.numbers, one.share * scale) for one in found),
        _stratum("without hemorrhage", slices, set(volume_ml), "0", 1 - sum(shares)),
    ]


def _stratum(
    kind: str, slices: Sequence[Row], scans: Collection[str] | None, label: str, share: float
) -> Stratum:
    """Return the slices of some scans whose ANY label is the given one."""
    wanted = None if scans is None else set(scans)
    numbers = [
        number
        for number, row in enumerate(slices)
        if row["ANY"] == label and (wanted is None or row["scan_id"] in wanted)
    ]
    return Stratum(kind, np.array(numbers, np.int64), share)
