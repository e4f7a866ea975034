"""Finds missing slices from the gaps between the others, and from their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.passes import slice_heights_mm
from ichnet.ct.slice_header import SliceHeader

EVEN = 0.1
"""Gaps that differ by less than this share count as equal."""

MOST_IN_A_ROW = 3
"""More wide gaps than this in a row are a change of spacing, not missing slices."""

LARGEST_STEP = 2
"""Numbers that rise by more from each slice to the next are counted in another way."""

FEWEST_GAPS = 3
"""Fewest gaps of one size that make a stack regular."""


def missing_slices(heights_mm: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Find slices that are missing within an otherwise regular stack.

    A gap counts when it is twice, three times ... as wide as the gap before it and the one after
    it, which are equal. At either end of the stack one regular neighbour is enough. Where gaps
    change once (a thin base and a thick vertex), nothing is missing.

    Args:
        heights_mm: positions of the slices along their normal, ascending.

    Returns:
        for each such gap the number of the slice below it, from 0, and how many are missing.
    """
    gaps_mm = np.diff(heights_mm).tolist()
    found: list[tuple[int, int]] = []
    for start in range(len(gaps_mm)):
        before = gaps_mm[start - 1] if start else None
        regular = before if before is not None else next(iter(gaps_mm[1:]), None)
        if regular is None or _times(gaps_mm[start], regular) < 2:
            continue
        stop = start + 1
        while stop < len(gaps_mm) and _times(gaps_mm[stop], regular) >= 2:
            stop += 1
        after = gaps_mm[stop] if stop < len(gaps_mm) else None
        both = before is not None and after is not None and _times(after, before) == 1
        at_an_end = (before is None) != (after is None) and stop - start == 1
        regular_gaps = sum(_times(gap_mm, regular) == 1 for gap_mm in gaps_mm)
        if (both or at_an_end) and stop - start <= MOST_IN_A_ROW and regular_gaps >= FEWEST_GAPS:
            found += [(at, _times(gaps_mm[at], regular) - 1) for at in range(start, stop)]
    return found


def require_no_gap(stacked: Sequence[SliceHeader]) -> None:
    """Check that no slice is missing within a stack.

    Args:
        stacked: the slices from feet to head.

    Raises:
        ReadError: ``incomplete-series``.
    """
    heights_mm = slice_heights_mm(stacked)
    for below, count in missing_slices(heights_mm):
        gap_mm = heights_mm[below + 1] - heights_mm[below]
        where = f"above slice {below + 1} of {len(stacked)}, a gap of {gap_mm:.1f} mm"
        detail = f"{count} slices seem to be missing {where}; a hemorrhage may lie there"
        raise ReadError(stacked[below].path, "incomplete-series", detail)


def missing_numbers(numbers: Sequence[int | None]) -> int:
    """Return how many instance numbers are left out between the first slice and the last.

    Numbers count only where they rise, or fall, from slice to slice.

    Args:
        numbers: of the slices in their order, ``None`` where one has none.
    """
    known = [number for number in numbers if number is not None]
    steps = [above - below for below, above in pairwise(known)]
    if len(known) < len(numbers) or not (all(s > 0 for s in steps) or all(s < 0 for s in steps)):
        return 0
    sizes = [abs(step) for step in steps] or [1]
    return sum(size - 1 for size in sizes) if min(sizes) <= LARGEST_STEP else 0


def _times(gap_mm: float, regular_mm: float) -> int:
    """Return how many times the regular gap fits into a gap; 0 when it is not a multiple."""
    times = round(gap_mm / regular_mm)
    return times if abs(gap_mm / regular_mm - times) <= EVEN * max(times, 1) else 0
