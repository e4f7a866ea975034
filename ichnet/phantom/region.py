"""Parts of the head that fill a small box: drawn where a slice meets it, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array, Points, Textures, Vector, both_sides
from ichnet.phantom.lattice import Lattice

MARGIN = 2
"""Coarse points around a box: what is interpolated depends on its neighbours."""

HALF_SLICE_MM = 5.0
"""No plane of a slice is farther from its middle one."""

Pixels = tuple[slice, slice]


@dataclass(frozen=True)
class Box:
    """Where a part of the head lies, its blurred surface included; both sides alike.

    Attributes:
        low, high: corners, mm: distance from the middle, y, z.
    """

    low: Vector
    high: Vector

    def met_by(self, points: Points) -> NDArray[np.bool_]:
        """Return which rows and columns of points [rows, columns, planes] come near the box."""
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
    """A window of a slice, within which a part of the head is drawn.

    Attributes:
        lattice: of the slice.
        whole: coarse points of the slice.
        window: of them.
        textures: of the head.
    """

    lattice: Lattice
    whole: Points
    window: Pixels
    textures: Textures

    @classmethod
    def around(
        cls, box: Box, lattice: Lattice, points: Points, textures: Textures
    ) -> Region | None:
        """Return the window in which points meet a box, if any do."""
        wanted = box.met_by(points)
        if not wanted.any():
            return None
        return cls(lattice, points, lattice.window(wanted, MARGIN), textures)

    @cached_property
    def pixels(self) -> Pixels:
        """The window's pixels, within those that are painted on."""
        return self.lattice.pixels(self.window)

    @cached_property
    def points(self) -> Points:
        """The window's coarse points."""
        whole = self.whole
        x, y, z, down = (axis[self.window] for axis in (whole.x, whole.y, whole.z, whole.down))
        return Points(x, y, z, down)

    @cached_property
    def mirrored(self) -> Points:
        """The points with the right side folded onto the left one."""
        return both_sides(self.points)

    @cached_property
    def soft(self) -> Array:
        """The texture of centimetres, at the coarse points."""
        return self.textures.soft.on(self.whole)[self.window]

    @cached_property
    def fine(self) -> Array:
        """The texture of millimetres, at the coarse points."""
        return self.textures.fine.on(self.whole)[self.window]

    @cached_property
    def cells(self) -> Array:
        """The texture of air cells, at the coarse points."""
        return self.textures.cells.on(self.whole)[self.window]

    def at_pixels(self, values: Array) -> Array:
        """Return coarse values at the window's pixels."""
        return self.lattice.interpolate(values)
