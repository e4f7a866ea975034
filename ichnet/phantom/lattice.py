"""The pixels of a section, and the coarse grid on which smooth functions are evaluated."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array, Points

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

COARSE_MM = 3.2
"""Step of the coarse grid, far below the wavelength of anything evaluated on it."""

FINE_MATRIX = 256
"""From this matrix up, sections have pixels of 1.1 mm, about as fine as a scanner can tell; for a
smaller one 1.6 mm do."""

Fields = TypeVar("Fields", bound="DataclassInstance")
"""A dataclass of arrays that have one shape."""


@dataclass(frozen=True)
class Lattice:
    """The pixels of a slice's section, and the coarse grid on which functions are evaluated.

    Attributes:
        rows, columns: of the coarse grid.
        coarse_mm: its step.
        fold: pixels in a coarse step.
    """

    rows: int
    columns: int
    coarse_mm: float
    fold: int

    @classmethod
    def over(cls, field_of_view_mm: float, matrix: int) -> Lattice:
        """Return the lattice that covers a square whose image will have a given matrix."""
        count = int(np.ceil(field_of_view_mm / COARSE_MM))
        return cls(count, count, field_of_view_mm / count, 3 if matrix >= FINE_MATRIX else 2)

    @property
    def pixel_mm(self) -> float:
        """Size of a pixel."""
        return self.coarse_mm / self.fold

    def window(self, wanted: NDArray[np.bool_], margin: int = 1) -> tuple[slice, slice]:
        """Return the rows and columns of the smallest box around the coarse points wanted.

        Args:
            wanted: bool [rows, columns].
            margin: coarse points around it.
        """
        bounds = []
        for axis in (1, 0):
            where = np.flatnonzero(wanted.any(axis=axis))
            low, high = (int(where[0]), int(where[-1])) if len(where) else (0, 0)
            size = wanted.shape[1 - axis]
            bounds.append(slice(max(low - margin, 0), min(high + margin + 1, size)))
        return bounds[0], bounds[1]

    def pixels(self, window: tuple[slice, slice]) -> tuple[slice, slice]:
        """Return the pixels of a window of coarse points."""
        rows, columns = (slice(one.start * self.fold, one.stop * self.fold) for one in window)
        return rows, columns

    def interpolate(self, values: Array, smooth: bool = True) -> Array:
        """Return coarse values [rows, columns, planes] at the pixels of the same window."""
        size = (values.shape[1] * self.fold, values.shape[0] * self.fold)
        how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
        fine = cv2.resize(values, size, interpolation=how)
        return np.asarray(fine.reshape(size[1], size[0], -1), np.float32)


def interpolated(lattice: Lattice, coarse: Fields, smooth: bool = True) -> Fields:
    """Return coarse values at the pixels of the same window."""
    values = {
        one.name: lattice.interpolate(getattr(coarse, one.name), smooth) for one in fields(coarse)
    }
    return type(coarse)(**values)


def cropped(whole: Fields, window: tuple[slice, slice]) -> Fields:
    """Return the values in a window of rows and columns."""
    values = {
        one.name: np.ascontiguousarray(getattr(whole, one.name)[window]) for one in fields(whole)
    }
    return type(whole)(**values)


def cropped_points(whole: Points, window: tuple[slice, slice]) -> Points:
    """Return the points in a window, with what is known there."""
    part = cropped(whole, window)
    part.known.update((what, values[window]) for what, values in whole.known.items())
    return part
