"""What the families share: a lesion in its place, its level function, its surroundings."""

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
"""A site of every family but IVH: any place that its rules allow."""


@dataclass(frozen=True)
class Placed:
    """A lesion with its place and the level that gives it its volume.

    Attributes:
        lesion: what.
        centres: of its parts, in the straight average head.
        radii: half extents of a collection along y and z, mm.
        level: blood fills what has a lower value of the level function, mm.
        turn: direction of a clot's long axis in the axial plane, radians.
        peak_mm: a point well within it, in the scanner's frame.
    """

    lesion: Lesion
    centres: tuple[Vector, ...]
    radii: tuple[float, float] = (0.0, 0.0)
    level: float = 0.0
    turn: float = 0.0
    peak_mm: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Level:
    """A level function at points, in the parts that are smooth enough to be interpolated.

    Attributes:
        far: mm; the function itself, or of a collection the depth below what it lies on.
        profile: of a collection, its relative thickness: at most 1, below 0 beyond its rim.
    """

    far: Array
    profile: Array | None = None


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a level function depends on; arrays of one shape."""

    points: Points
    skull: Skull
    dura: Dura
    textures: Textures


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The pixels that blood is painted on; arrays of one shape.

    Attributes:
        brain: distances.
        dura: distances.
        tissue: shares of tissue and fluid.
        down: mm along gravity.
        soft: texture of centimetres.
        fine: texture of millimetres.
    """

    brain: Brain
    dura: Dura
    tissue: Tissue
    down: Array
    soft: Array
    fine: Array

    def blood_hu(self, lesion: Lesion) -> Array:
        """Return the uneven density of a lesion's blood."""
        return np.asarray(np.float32(lesion.hu) + 2.6 * self.soft + 1.6 * self.fine, np.float32)


class Family(Protocol):
    """What a module of a family offers to heads and sections (``room`` is between the lines)."""

    def place(self, rng: np.random.Generator, lesion: Lesion) -> Placed:
        """Draw where a lesion is."""

    def fill(
        self, patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
    ) -> tuple[Placed, Patient]:
        """Set the level that gives the lesion its volume; the patient's ventricles may widen."""

    def level(self, around: Surroundings, placed: Placed) -> Level:
        """Return the level function."""

    def paint(self, hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
        """Paint the lesion and return the share of each pixel that it fills."""


def under_vault(rng: np.random.Generator, deep_mm: float) -> Vector:
    """Return a point of the left half that lies ``deep_mm`` below the vault, from any direction."""
    angle, z = rng.uniform(-0.5 * np.pi, 0.5 * np.pi), rng.uniform(-34, 66)
    round_ = np.sqrt(1 - (z / (76 if z > 0 else 96)) ** 2)
    x, y = 66 * round_ * np.cos(angle), 83 * round_ * np.sin(angle)
    keep = 1 - deep_mm / max(float(np.sqrt(x * x + y * y + z * z)), deep_mm)
    return max(float(keep * x), 3.0), float(keep * y), float(keep * z)


def first_draws(rng: np.random.Generator) -> tuple[Vector, float]:
    """Return a small shift in mm and a turn in radians: what every family draws first."""
    x, y, z = (float(value) for value in rng.normal(0, 3.0, 3))
    return (x, y, z), float(rng.uniform(-0.7, 0.7))
