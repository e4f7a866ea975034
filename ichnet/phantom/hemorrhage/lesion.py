"""Types that all families share: a placed lesion, its level function, its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.dura import Dura
from ichnet.phantom.field import Array, Points, Textures, Vector
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.skull import Skull
from ichnet.phantom.tissue import Tissue

ANYWHERE = "anywhere"
"""Location of any subtype but IVH: any position that its rules allow."""

STEM = "stem"
"""Location of intraparenchymal hemorrhage of the cohort ``wide``: midbrain, pons or medulla."""


@dataclass(frozen=True)
class Placed:
    """A lesion with its location, and the threshold that gives it its volume.

    Attributes:
        lesion: volume, density and seed.
        centres: centres of its parts in the straight average head, mm.
        radii: semi-axes of an extra-axial collection along y and z, mm.
        level: threshold; blood fills positions where the level function is lower, mm.
        turn: direction of a clot's long axis in the axial plane, radians.
        peak_mm: a point well inside the lesion, in the scanner's frame.
    """

    lesion: Lesion
    centres: tuple[Vector, ...]
    radii: tuple[float, float] = (0.0, 0.0)
    level: float = 0.0
    turn: float = 0.0
    peak_mm: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Level:
    """A level function at points, in two parts that are smooth enough to be interpolated.

    Attributes:
        far: the level function in mm; for an extra-axial collection, the depth below the surface
            that it lies on.
        profile: relative thickness of an extra-axial collection, at most 1 and below 0 beyond its
            rim; ``None`` for other lesions.
    """

    far: Array
    profile: Array | None = None


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Points with the anatomy that level functions depend on; arrays of one shape."""

    points: Points
    skull: Skull
    dura: Dura
    textures: Textures


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Anatomy at the pixels that blood is painted on; arrays of one shape.

    Attributes:
        brain: distances from the brain's surfaces.
        dura: distances from the sheets of dura.
        tissue: shares of brain and fluid.
        down: position along gravity, mm.
        soft: texture of about 24 mm.
        fine: texture of about 11 mm.
    """

    brain: Brain
    dura: Dura
    tissue: Tissue
    down: Array
    soft: Array
    fine: Array

    def blood_hu(self, lesion: Lesion) -> Array:
        """Return the density of a lesion's blood at the pixels, with random inhomogeneity."""
        return np.asarray(np.float32(lesion.hu) + 2.6 * self.soft + 1.6 * self.fine, np.float32)


class Family(Protocol):
    """Interface of a family's module; its ``room`` is used by its ``fill`` and ``paint`` alone."""

    def place(self, rng: np.random.Generator, lesion: Lesion) -> Placed:
        """Draw the location of a lesion."""

    def fill(
        self, patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
    ) -> tuple[Placed, Patient]:
        """Set the threshold that gives the lesion its volume; may widen the ventricles."""

    def level(self, around: Surroundings, placed: Placed) -> Level:
        """Return the level function."""

    def paint(self, hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
        """Paint the lesion and return the share of each pixel that it fills."""


def under_vault(rng: np.random.Generator, deep_mm: float) -> Vector:
    """Draw a point in the left half of the head, ``deep_mm`` below the vault."""
    angle, z = rng.uniform(-0.5 * np.pi, 0.5 * np.pi), rng.uniform(-34, 66)
    round_ = np.sqrt(1 - (z / (76 if z > 0 else 96)) ** 2)
    x, y = 66 * round_ * np.cos(angle), 83 * round_ * np.sin(angle)
    keep = 1 - deep_mm / max(float(np.sqrt(x * x + y * y + z * z)), deep_mm)
    return max(float(keep * x), 3.0), float(keep * y), float(keep * z)


def first_draws(rng: np.random.Generator) -> tuple[Vector, float]:
    """Draw a small shift in mm and an angle in radians, the first draws of every family."""
    x, y, z = (float(value) for value in rng.normal(0, 3.0, 3))
    return (x, y, z), float(rng.uniform(-0.7, 0.7))
