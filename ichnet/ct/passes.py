"""Checks that the slices of a series are one pass over the head, not several interleaved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.orientation import Grid
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.volume import slice_normal

SETTINGS: dict[str, Callable[[SliceHeader], str]] = {
    "acquisitions": lambda header: header.acquisition,
    "kernels": lambda header: header.description.get("kernel", ""),
    "kinds of image": lambda header: header.image_type,
    "tube voltages": lambda header: header.description.get("kvp", ""),
    "contrast agents": lambda header: header.description.get("contrast_agent", ""),
}
"""Elements that may change once between base and vertex, but not from slice to slice."""

SEAM_SLICES = 2
"""Number of slices that may overlap where one acquisition follows another."""

MOST_RUNS = 4
FEWEST_IN_A_RUN = 4
"""More runs, or shorter ones on average, mean that instance numbers follow no order."""

PAIRED_SLICES = 8
"""Fewest slices in which alternating gaps are taken for a pattern."""

EVEN = 0.1
"""Gaps that differ by less than this share count as equal."""


def slice_heights_mm(headers: Sequence[SliceHeader]) -> NDArray[np.float64]:
    """Return where slices lie along their common normal, towards the head, float64 [slices]."""
    grid = grid_of(headers)
    heights_mm: NDArray[np.float64] = grid.positions_mm @ slice_normal(grid.orientation)
    return heights_mm


def grid_of(headers: Sequence[SliceHeader]) -> Grid:
    """Return where the pixels of a series lie, in the layout of its files.

    Values are medians, so that rounding in single slices and the order of files do not matter.
    """
    orientation = np.median([header.orientation for header in headers], axis=0)
    positions_mm = np.array([header.position_mm for header in headers])
    row_mm, column_mm = np.median([header.pixel_spacing_mm for header in headers], axis=0)
    spacing_mm = (float(row_mm), float(column_mm))
    return Grid(headers[0].shape, spacing_mm, orientation, positions_mm)


def require_one_pass(ordered: Sequence[SliceHeader]) -> None:
    """Refuse a series in which slices of one acquisition or kernel lie among those of another."""
    for name, setting in SETTINGS.items():
        _require_apart(ordered, [setting(header) for header in ordered], f"several {name}")
    numbers = [header.instance_number for header in ordered if header.instance_number is not None]
    if len(numbers) == len(ordered):
        _require_apart(ordered, _runs(numbers), "instance numbers run through it again")


def _require_apart(ordered: Sequence[SliceHeader], groups: Sequence[Hashable], cause: str) -> None:
    places: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        places.setdefault(group, []).append(place)
    for of_one in places.values():
        others = of_one[-1] - of_one[0] + 1 - len(of_one)
        if others > SEAM_SLICES:
            detail = f"{others} slices lie among those of another pass ({cause})"
            raise ReadError(ordered[of_one[0]].path, "mixed-series", detail)


def _runs(numbers: Sequence[int]) -> list[int]:
    """Return for each slice, from feet to head, the run through the head that its number is of.

    In the order of their numbers slices go up or down; where they turn, another run begins. Two
    neighbours of one number are of two runs. Numbers without such an order tell nothing, nor do
    those that other slices share: base and vertex may each begin at 1.
    """
    most = max(Counter(numbers).values())
    twice = [below == above for below, above in pairwise(numbers)]
    if most == 2 and sum(twice) > SEAM_SLICES:
        return [int(place > 0 and twice[place - 1]) for place in range(len(numbers))]
    if most > 1:
        return [0] * len(numbers)
    runs = [0] * len(numbers)
    run, direction, last = 0, 0, -1
    for place in np.argsort(numbers, kind="stable").tolist():
        step = int(np.sign(place - last))
        if direction and step != direction:
            run, direction = run + 1, 0
        elif last >= 0:
            direction = step
        runs[place], last = run, place
    is_order = run < min(MOST_RUNS, len(numbers) // FEWEST_IN_A_RUN)
    return runs if is_order else [0] * len(numbers)


def require_no_pairs(slices: Sequence[SliceHeader]) -> None:
    """Refuse gaps that alternate between two sizes: two passes, one shifted against the other."""
    if len(slices) < PAIRED_SLICES:
        return
    gaps_mm = np.diff(slice_heights_mm(slices))
    halves = [gaps_mm[0::2], gaps_mm[1::2]]
    sizes_mm = [float(np.median(half)) for half in halves]
    even = all(
        float(np.abs(half - size_mm).max()) <= EVEN * size_mm
        for half, size_mm in zip(halves, sizes_mm, strict=True)
    )
    if even and max(sizes_mm) > (1 + EVEN) * min(sizes_mm):
        detail = f"gaps of {sizes_mm[0]:.2f} and {sizes_mm[1]:.2f} mm by turns: two passes"
        raise ReadError(slices[0].path, "mixed-series", detail)
