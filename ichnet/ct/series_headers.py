"""The headers of a series, kept in little room from listing to reading.

A cohort's headers are read when its scans are listed, before any is chosen. Kept, they need not be
read again with the pixels. Of what the slices of a series share one copy is enough, so that they
take little memory, and little time on their way to another process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from ichnet.ct.slice_header import SliceHeader

NAMES = tuple(one.name for one in fields(SliceHeader))


@dataclass(frozen=True)
class SeriesHeaders:
    """The slices of one series from feet to head, as :func:`~ichnet.ct.stack.stack_slices` gives.

    Attributes:
        count: number of slices.
        shared: the fields of :class:`SliceHeader` that all slices have alike, by name.
        own: the other fields, by name: a value for each slice.
    """

    count: int
    shared: dict[str, Any] = field(repr=False)
    own: dict[str, tuple[Any, ...]] = field(repr=False)

    @classmethod
    def of(cls, slices: Sequence[SliceHeader]) -> SeriesHeaders:
        """Keep the headers of slices that are in order."""
        shared: dict[str, Any] = {}
        own: dict[str, tuple[Any, ...]] = {}
        for name in NAMES:
            values = tuple(map(attrgetter(name), slices))
            if values.count(values[0]) == len(values):
                shared[name] = values[0]
            else:
                own[name] = values
        return cls(len(slices), shared, own)

    def slices(self) -> list[SliceHeader]:
        """Return the headers, in order."""
        names = tuple(self.own)
        rows = zip(*self.own.values(), strict=True) if names else [()] * self.count
        return [SliceHeader(**self.shared, **dict(zip(names, row, strict=True))) for row in rows]
