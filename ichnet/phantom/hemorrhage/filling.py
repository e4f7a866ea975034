"""Filling of lesions in brain, ventricles and cisterns, after mass effect of other lesions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.dura import dura_of
from ichnet.phantom.field import Array, Textures
from ichnet.phantom.hemorrhage.grid import Grid, level_that_fills
from ichnet.phantom.hemorrhage.lesion import Level, Placed, Surroundings
from ichnet.phantom.hemorrhage.mass_effect import brain_at
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import skull_of
from ichnet.phantom.tissue import Tissue, spaces_of


@dataclass(frozen=True, eq=False)
class Filled:
    """Anatomy on a grid of the head, with the mass effect of other lesions."""

    grid: Grid
    around: Surroundings
    brain: Brain

    @classmethod
    def of(cls, patient: Patient, textures: Textures, grid: Grid, others: list[Placed]) -> Filled:
        """Evaluate skull, dura and brain on a grid."""
        skull, dura = skull_of(grid.points, textures, patient), dura_of(grid.points, textures)
        around = Surroundings(grid.points, skull, dura, textures)
        return cls(grid, around, brain_at(around, patient, others))

    def wanted(self, placed: Placed) -> float:
        """Return the volume of a lesion in grid cells."""
        return placed.lesion.volume_ml / self.grid.cell_ml

    def with_level(
        self,
        patient: Patient,
        placed: Placed,
        level: Callable[[Surroundings, Placed], Level],
        room: Callable[[Brain, Tissue], Array],
    ) -> Placed:
        """Return the lesion with the threshold of its level function that gives it its volume."""
        skull = self.around.skull
        width = np.full_like(skull.depth, np.cbrt(1000 * self.grid.cell_ml))
        free = room(self.brain, spaces_of(self.brain, skull, width, patient))
        levels = level(self.around, placed).far
        lowest = level_that_fills(levels, free, self.wanted(placed))
        return replace(placed, level=lowest, peak_mm=self.grid.peak(levels, free))
