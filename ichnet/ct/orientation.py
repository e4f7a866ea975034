"""One orientation for every array: anterior at the top, the patient's right at the left.

Files differ in how they lay out pixels: NIfTI converters store rows from posterior to anterior, and
some scanners turn or mirror the matrix. A network must see the layout that it was trained on. So
every scan is turned when it is read: rows run from anterior to posterior, columns from the
patient's right to left, slices from feet to head. Pixels are exchanged and mirrored, never
interpolated: a tilted slice stays in its own plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Turn:
    """How the slices of a file are turned to the one orientation: first transposed, then mirrored.

    Attributes:
        transposed: rows and columns are exchanged.
        rows_mirrored: the order of the rows is reversed.
        columns_mirrored: the order of the columns is reversed.
    """

    transposed: bool = False
    rows_mirrored: bool = False
    columns_mirrored: bool = False

    def apply(self, pixels: NDArray[Scalar]) -> NDArray[Scalar]:
        """Turn pixels [..., rows, columns] of the file to the one orientation.

        Returns:
            a contiguous array; ``pixels`` itself when nothing has to be turned.
        """
        if self == UNTURNED:
            return pixels
        if self.transposed:
            pixels = pixels.swapaxes(-1, -2)
        return np.ascontiguousarray(self._mirror(pixels))

    def undo(self, pixels: NDArray[Scalar]) -> NDArray[Scalar]:
        """Turn pixels [..., rows, columns] back to how the file lays them out."""
        if self == UNTURNED:
            return pixels
        pixels = self._mirror(pixels)
        return np.ascontiguousarray(pixels.swapaxes(-1, -2) if self.transposed else pixels)

    def undo_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns in the file of slices that have ``shape`` when turned."""
        return (shape[1], shape[0]) if self.transposed else shape

    def _mirror(self, pixels: NDArray[Scalar]) -> NDArray[Scalar]:
        if self.rows_mirrored:
            pixels = pixels[..., ::-1, :]
        return pixels[..., ::-1] if self.columns_mirrored else pixels


UNTURNED = Turn()
"""The turn of files that already have this orientation, as most DICOM files do."""


class Grid(NamedTuple):
    """Where the pixels of a scan's slices lie in the patient.

    Attributes:
        shape: rows, columns.
        pixel_spacing_mm: distance between rows, distance between columns.
        orientation: float64 [6], direction cosines of a row and of a column. The patient's axes
            point to the left, to posterior and to superior, as in DICOM.
        positions_mm: float64 [slices, 3], centre of the first pixel of each slice.
    """

    shape: tuple[int, int]
    pixel_spacing_mm: tuple[float, float]
    orientation: NDArray[np.float64]
    positions_mm: NDArray[np.float64]


def turn_of(orientation: NDArray[np.floating[Any]]) -> Turn:
    """Return how slices of an orientation have to be turned.

    Args:
        orientation: [6], direction cosines of a row and of a column, of an axial slice.
    """
    row_x, row_y, _, column_x, column_y, _ = (float(cosine) for cosine in orientation)
    # products, not single cosines, so that both axes of a slice rotated by 45 degrees agree
    transposed = abs(column_x * row_y) > abs(row_x * column_y)
    to_left, to_posterior = (column_x, row_y) if transposed else (row_x, column_y)
    return Turn(transposed, rows_mirrored=to_posterior < 0, columns_mirrored=to_left < 0)


def turned_grid(grid: Grid, turn: Turn) -> Grid:
    """Return where the pixels of turned slices lie: the same pixels in the same places."""
    (rows, columns), (row_mm, column_mm), orientation, positions_mm = grid
    along_row, along_column = orientation[:3], orientation[3:]
    if turn.transposed:
        rows, columns, row_mm, column_mm = columns, rows, column_mm, row_mm
        along_row, along_column = along_column, along_row
    if turn.columns_mirrored:
        positions_mm = positions_mm + (columns - 1) * column_mm * along_row
        along_row = 0.0 - along_row
    if turn.rows_mirrored:
        positions_mm = positions_mm + (rows - 1) * row_mm * along_column
        along_column = 0.0 - along_column
    cosines = np.concatenate([along_row, along_column])
    return Grid((rows, columns), (row_mm, column_mm), cosines, positions_mm)
