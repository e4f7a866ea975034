"""Temporary grids on which the threshold for a lesion's volume is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array, Points, Textures, Vector, head_points, pose_matrix
from ichnet.phantom.hemorrhage.lesion import Placed
from ichnet.phantom.patient import Patient

STEP_MM, POINTS = (1.2, 4.2), 50000
"""Smallest and largest spacing of a grid in mm, and its approximate number of points."""

HEAD_MM: Vector = (78.0, 94.0, 84.0)
"""Largest extent of a grid from the centre of the head, along x, y and z."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Grid points [y, x, z] of a part of the head.

    Attributes:
        points: positions in the straight average head.
        xyz: positions in the scanner's frame.
        cell_ml: volume of a grid cell.
    """

    points: Points
    xyz: tuple[Array, Array, Array]
    cell_ml: float

    @classmethod
    def between(cls, patient: Patient, textures: Textures, low: Vector, high: Vector) -> Grid:
        """Return a grid of the box between two corners in the scanner's frame."""
        span = np.prod(np.subtract(high, low))
        step = float(np.clip(np.cbrt(span / POINTS), *STEP_MM))
        x, y, z = np.meshgrid(
            *(np.arange(a, b, step, dtype=np.float32) for a, b in zip(low, high, strict=True))
        )
        return cls(head_points(patient, textures, (x, y, z)), (x, y, z), step**3 / 1000)

    @classmethod
    def around(cls, patient: Patient, textures: Textures, placed: Placed, margin_mm: float) -> Grid:
        """Return a grid around a lesion: what its volume needs, and ``margin_mm`` more."""
        reach = 2.2 * np.cbrt(240 * placed.lesion.volume_ml) + margin_mm + 12
        centres = np.array(placed.centres) @ pose_matrix(patient).T
        low, high = (
            tuple(np.clip(bound, [-h for h in HEAD_MM], HEAD_MM))
            for bound in (centres.min(axis=0) - reach, centres.max(axis=0) + reach)
        )
        return cls.between(patient, textures, low, high)

    def peak(self, levels: Array, room: Array) -> Vector:
        """Return the position of the lowest level within the room, in the scanner's frame."""
        lowest = np.argmin(np.where(room > 0.6 * room.max(), levels, np.inf))
        x, y, z = (float(axis.ravel()[lowest]) for axis in self.xyz)
        return x, y, z


def level_that_fills(levels: Array, room: Array | NDArray[np.bool_], wanted: float) -> float:
    """Return the threshold of the level below which the room adds up to ``wanted`` grid cells."""
    share = np.asarray(room, np.float32).ravel()
    chosen = share > 0
    values, share = levels.ravel()[chosen], share[chosen]
    order = np.argsort(values)
    filled = np.cumsum(share[order])
    return float(values[order[min(int(np.searchsorted(filled, wanted)), len(order) - 1)]])
