"""Finds slices whose pixels were never written, or fetched in part.

Room for a file is often made before its pixels are written, and where writing stops, zeros are
left. Header and length are right then, and the slice looks like air: a hemorrhage on it is lost in
silence. Measured rows differ from pixel to pixel; blank ones do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.head import Skull, coarse_grid, slices_with_bone
from ichnet.ct.volume import Volume

HIGHEST_BLANK_HU = 0
"""What stored zeros stand for is air, or water where the intercept is 0."""

MOST_BLANK_ROWS = 2
"""Rows, about 2 mm apart, that noise may leave without a difference; of 82 heads none had two."""

SHORTEST_ROW = 3
"""Fewest pixels of a row inside the skull that are looked at."""


def require_written(volume: Volume, skull: Skull | None, path: Path) -> None:
    """Check that no slice below the vertex is blank, nor a part of it that the skull encloses.

    What the skull encloses on both neighbouring slices, it encloses between them.

    Args:
        volume: the scan.
        skull: that was found in it.
        path: one of its files, for the error.

    Raises:
        ReadError: ``truncated``.
    """
    if skull is None:
        return
    coarse = coarse_grid(volume.hu, skull.steps)
    top = int(np.flatnonzero(slices_with_bone(coarse, skull.pixel_mm))[-1])
    blank = np.flatnonzero(coarse.min(axis=(1, 2)) == coarse.max(axis=(1, 2)))
    parts = [
        number
        for below, number, above in zip(
            skull.hulls, skull.slices[1:-1], skull.hulls[2:], strict=False
        )
        if blank_rows(coarse[number], below & above) > MOST_BLANK_ROWS
    ]
    # above the head lies air; between its slices, or below it, none is of one value
    for number in sorted([*blank[blank < top].tolist(), *parts]):
        detail = f"slice {number + 1} of {len(coarse)} is blank, or a part of it"
        raise ReadError(path, "truncated", detail)


def blank_rows(hu: NDArray[np.int16], inside: NDArray[np.bool_]) -> int:
    """Return how many rows of a slice are of one value, at most water's, inside of a region.

    Args:
        hu: int16 [rows, columns].
        inside: bool [rows, columns].
    """
    rows = inside.sum(axis=1) >= SHORTEST_ROW
    lowest = np.where(inside, hu, np.iinfo(np.int16).max).min(axis=1)
    highest = np.where(inside, hu, np.iinfo(np.int16).min).max(axis=1)
    return int(np.count_nonzero(rows & (lowest == highest) & (highest <= HIGHEST_BLANK_HU)))
