"""Bounding boxes: a structure is evaluated only in the part of a slice that meets its box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array, Points, Textures, Vector, both_sides
from ichnet.phantom.lattice import Lattice

MARGIN = 2
"""Coarse points added around a box, since interpolation uses neighbouring values."""

HALF_SLICE_MM = 5.0
"""Largest distance of a slice's planes from its middle plane."""

Pixels = tuple[slice, slice]


@dataclass(frozen=True)
class Box:
    """Bounding box of a structure with its blurred surface, the same on both sides of the head.

    Attributes:
        low, high: opposite corners, mm: distance from the midsagittal plane, y, z.
    """

    low: Vector
    high: Vector

    def met_by(self, points: Points) -> NDArray[np.bool_]:
        """Return which points of a slice come near the box, bool [rows, columns].

        Args:
            points: [rows, columns, planes].
        """
        side, y, z = points.middle_plane
        (near, front, bottom), (far, back, top) = self.low, self.high
        inside = (z > bottom - HALF_SLICE_MM) & (z < top + HALF_SLICE_MM)
        if not inside.any():
            return inside
        inside &= (y > front - HALF_SLICE_MM) & (y < back + HALF_SLICE_MM)
        inside &= (side > near - HALF_SLICE_MM) & (side < far + HALF_SLICE_MM)
        return np.asarray(inside)


@dataclass(frozen=True, eq=False)
class Region:
    """The window of a slice in which a structure is drawn.

    Attributes:
        lattice: pixels and coarse grid of the slice.
        whole: coarse points of the slice.
        window: rows and columns of the coarse points in the window.
        textures: random textures of the head.
    """

    lattice: Lattice
    whole: Points
    window: Pixels
    textures: Textures

    @classmethod
    def around(
        cls, box: Box, lattice: Lattice, points: Points, textures: Textures
    ) -> Region | None:
        """Return the window in which a slice meets a box; ``None`` when it does not."""
        wanted = box.met_by(points)
        if not wanted.any():
            return None
        return cls(lattice, points, lattice.window(wanted, MARGIN), textures)

    @cached_property
    def pixels(self) -> Pixels:
        """Rows and columns of the window's pixels."""
        return self.lattice.pixels(self.window)

    @cached_property
    def points(self) -> Points:
        """The window's coarse points."""
        whole = self.whole
        x, y, z, down = (axis[self.window] for axis in (whole.x, whole.y, whole.z, whole.down))
        return Points(x, y, z, down)

    @cached_property
    def mirrored(self) -> Points:
        """The points with the right side mirrored onto the left one."""
        return both_sides(self.points)

    @cached_property
    def soft(self) -> Array:
        """The ``soft`` texture at the coarse points."""
        return self.textures.soft.on(self.whole)[self.window]

    @cached_property
    def fine(self) -> Array:
        """The ``fine`` texture at the coarse points."""
        return self.textures.fine.on(self.whole)[self.window]

    @cached_property
    def cells(self) -> Array:
        """The ``cells`` texture at the coarse points."""
        return self.textures.cells.on(self.whole)[self.window]

    def at_pixels(self, values: Array) -> Array:
        """Interpolate coarse values to the window's pixels."""
        return self.lattice.interpolate(values)
