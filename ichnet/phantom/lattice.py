"""Pixel grid of a section, and the coarser grid on which smooth functions are evaluated."""

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
"""Spacing of the coarse grid, far below the wavelength of all functions evaluated on it."""

FINE_MATRIX = 256
"""Smallest matrix for which sections are rendered with pixels of 1.1 mm, about a scanner's
resolution; for smaller ones 1.6 mm are enough."""

Fields = TypeVar("Fields", bound="DataclassInstance")
"""A dataclass of arrays that have one shape."""


@dataclass(frozen=True)
class Lattice:
    """Pixel grid of a section and its coarse grid.

    Attributes:
        rows, columns: size of the coarse grid.
        coarse_mm: spacing of the coarse grid.
        fold: number of pixels, in each direction, for one step of the coarse grid.
    """

    rows: int
    columns: int
    coarse_mm: float
    fold: int

    @classmethod
    def over(cls, field_of_view_mm: float, matrix: int) -> Lattice:
        """Return the lattice that covers a square field of view, for an image of a given matrix."""
        count = int(np.ceil(field_of_view_mm / COARSE_MM))
        return cls(count, count, field_of_view_mm / count, 3 if matrix >= FINE_MATRIX else 2)

    @property
    def pixel_mm(self) -> float:
        """Size of a pixel in mm."""
        return self.coarse_mm / self.fold

    def window(self, wanted: NDArray[np.bool_], margin: int = 1) -> tuple[slice, slice]:
        """Return rows and columns of the smallest window that holds all wanted coarse points.

        Args:
            wanted: bool [rows, columns].
            margin: number of coarse points to add on each side.
        """
        bounds = []
        for axis in (1, 0):
            where = np.flatnonzero(wanted.any(axis=axis))
            low, high = (int(where[0]), int(where[-1])) if len(where) else (0, 0)
            size = wanted.shape[1 - axis]
            bounds.append(slice(max(low - margin, 0), min(high + margin + 1, size)))
        return bounds[0], bounds[1]

    def pixels(self, window: tuple[slice, slice]) -> tuple[slice, slice]:
        """Return rows and columns of the pixels in a window of coarse points."""
        rows, columns = (slice(one.start * self.fold, one.stop * self.fold) for one in window)
        return rows, columns

    def interpolate(self, values: Array, smooth: bool = True) -> Array:
        """Interpolate coarse values [rows, columns, planes] to the pixels of the same window."""
        size = (values.shape[1] * self.fold, values.shape[0] * self.fold)
        how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
        fine = cv2.resize(values, size, interpolation=how)
        return np.asarray(fine.reshape(size[1], size[0], -1), np.float32)


def interpolated(lattice: Lattice, coarse: Fields, smooth: bool = True) -> Fields:
    """Interpolate each array of a dataclass to the pixels of the same window."""
    values = {
        one.name: lattice.interpolate(getattr(coarse, one.name), smooth) for one in fields(coarse)
    }
    return type(coarse)(**values)


def cropped(whole: Fields, window: tuple[slice, slice]) -> Fields:
    """Return a dataclass of arrays cropped to a window of rows and columns."""
    values = {
        one.name: np.ascontiguousarray(getattr(whole, one.name)[window]) for one in fields(whole)
    }
    return type(whole)(**values)


def cropped_points(whole: Points, window: tuple[slice, slice]) -> Points:
    """Return the points in a window, with the cached values there."""
    part = cropped(whole, window)
    part.known.update((what, values[window]) for what, values in whole.known.items())
    return part
