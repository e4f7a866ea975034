"""Outlines as polygons, turned into masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ichnet.subtypes import bit_of


def rasterise(rings: Sequence[ArrayLike], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill closed polygons by the even-odd rule over all of them.

    A pixel belongs when its centre lies inside an odd number of rings, so that a ring within a
    ring is a hole. Of centres exactly on an outline those on a left or upper edge belong, those on
    a right or lower edge do not: polygons that share an edge share no pixel.

    Args:
        rings: each [points, 2], x to the right and y down in pixels, centres of pixels at integers;
            the last point joins the first. Parts outside the image are cut off.
        shape: rows, columns.

    Returns:
        bool [rows, columns].
    """
    rows, columns = shape
    # One toggle where each edge crosses a row of centres; running parity fills between them.
    toggles = np.zeros((rows, columns + 1), np.uint8)
    for ring in rings:
        points = np.asarray(ring, float)
        for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
            _toggle_crossings(toggles, start, end)
    inside: NDArray[np.bool_] = np.bitwise_xor.accumulate(toggles, axis=1)[:, :columns].astype(bool)
    return inside


def bit_mask(
    polygons: Mapping[str, Sequence[ArrayLike]], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Rasterise the polygons of each subtype into a mask of bits.

    A subtype whose polygons hold no pixel's centre keeps one pixel, the nearest to the mean of
    their points: what was outlined never vanishes (paper silent).

    Args:
        polygons: rings by subtype, as in :func:`rasterise`.
        shape: rows, columns.

    Returns:
        uint8 [rows, columns].
    """
    mask = np.zeros(shape, np.uint8)
    for subtype, rings in polygons.items():
        if not rings:
            continue
        inside = rasterise(rings, shape)
        if not inside.any():
            inside[_nearest_pixel(rings, shape)] = True
        mask[inside] |= bit_of(subtype)
    return mask


def _toggle_crossings(
    toggles: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64]
) -> None:
    """Flip, on each row that an edge crosses, the first centre at or right of the crossing."""
    # Always from top to bottom: two polygons on either side of an edge round it alike.
    (x0, y0), (x1, y1) = (start, end) if start[1] <= end[1] else (end, start)
    rows = np.arange(max(0, np.ceil(y0)), min(len(toggles), np.ceil(y1)), dtype=int)
    if not len(rows):
        return
    crossings = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
    columns = np.ceil(crossings).clip(0, toggles.shape[1] - 1).astype(int)
    toggles[rows, columns] ^= 1


def _nearest_pixel(rings: Sequence[ArrayLike], shape: tuple[int, int]) -> tuple[int, int]:
    x, y = np.concatenate([np.asarray(ring, float) for ring in rings]).mean(axis=0)
    rows, columns = shape
    return int(np.rint(y).clip(0, rows - 1)), int(np.rint(x).clip(0, columns - 1))
