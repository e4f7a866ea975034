"""How a scan is shown: display windows, and slices turned the way radiologists read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import Volume


def apply_window(
    hu: NDArray[np.floating[Any] | np.integer[Any]], level_hu: float, width_hu: float
) -> NDArray[np.float32]:
    """Map ``level_hu - width_hu / 2`` to 0 and ``level_hu + width_hu / 2`` to 1, clipped.

    Returns:
        float32 in [0, 1], of the shape of ``hu``.

    Raises:
        ValueError: when the width is not positive.
    """
    if width_hu <= 0:
        raise ValueError(f"a window's width must be positive, not {width_hu} HU")
    lowest_hu = np.float32(level_hu - width_hu / 2)
    grey: NDArray[np.float32] = (hu.astype(np.float32) - lowest_hu) / np.float32(width_hu)
    return grey.clip(0, 1)


def upright(volume: Volume, pixels: NDArray[Any] | None = None) -> NDArray[Any]:
    """Turn slices for display: anterior at the top, the patient's right at the left.

    Slices are transposed and flipped, never interpolated; a tilted slice stays in its own plane.

    Args:
        volume: the scan, whose orientation tells how its slices lie.
        pixels: [slices, rows, columns] on the scan's grid, e.g. a mask; by default its HU.

    Returns:
        a view of the pixels, [slices, rows, columns] or [slices, columns, rows].
    """
    pixels = volume.hu if pixels is None else pixels
    along_row, along_column = volume.orientation[:3], volume.orientation[3:]
    if is_transposed(volume):
        pixels = pixels.swapaxes(1, 2)
        along_row, along_column = along_column, along_row
    # DICOM's patient axes point to the patient's left (x) and to posterior (y).
    if along_row[0] < 0:
        pixels = pixels[:, :, ::-1]
    if along_column[1] < 0:
        pixels = pixels[:, ::-1]
    return pixels


def is_transposed(volume: Volume) -> bool:
    """Whether :func:`upright` exchanges rows and columns (and so their spacings)."""
    return bool(abs(volume.orientation[3]) > abs(volume.orientation[0]))
