"""Subarachnoid hemorrhage: blood in cisterns, fissures and sulci."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.field import Array, Textures, cover, ramp
from ichnet.phantom.hemorrhage.filling import Filled
from ichnet.phantom.hemorrhage.grid import Grid
from ichnet.phantom.hemorrhage.lesion import (
    ANYWHERE,
    Anatomy,
    Level,
    Placed,
    Surroundings,
    first_draws,
    under_vault,
)
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.skull import blend
from ichnet.phantom.tissue import Tissue

DISTENDED_MM = 1.1
"""Displacement of each wall of a sulcus by blood under pressure."""

BONE_BLUR_MM = 0.7
"""Blood within this distance of bone cannot be distinguished from it."""

LOWEST_MM, FAR_MM = 64.0, 500.0
"""Blood in the spinal canal is not drawn: below ``LOWEST_MM``, ``FAR_MM`` is added to the level."""

FLATNESS = 6.0
"""Blood spreads farther sideways than vertically by this factor, as cisterns are flat."""


def place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw the centres of one to three pools of blood."""
    first_draws(rng)
    pools = [_centre(rng, lesion)]
    for _ in range(int(rng.integers(0, 3))):
        near = rng.normal(0, [11, 13, 4])
        pools.append([float(value) for value in pools[0] + near])
    return Placed(lesion, tuple((float(c[0]), float(c[1]), float(c[2])) for c in pools))


def _centre(rng: np.random.Generator, lesion: Lesion) -> list[float]:
    side = float(lesion.side)
    if lesion.site == ANYWHERE:
        x, y, z = under_vault(rng, float(rng.uniform(2, 20)))
        return [side * x, y, z]
    if lesion.site == "basal":
        return [rng.normal(0, 12), -6 + rng.normal(0, 10), -22 + rng.normal(0, 6)]
    if lesion.site == "sylvian":
        return [side * 40, rng.normal(-4, 12), rng.normal(4, 9)]
    angle = rng.uniform(-1.0, 1.2)
    return [side * 52 * np.cos(angle), 66 * np.sin(angle), rng.uniform(18, 60)]


def level(around: Surroundings, placed: Placed) -> Level:
    """Return the distance from the centre of the nearest pool, irregular and flattened, mm."""
    points = around.points
    nearest = np.full(points.x.shape, np.float32(1e6))
    for index, (cx, cy, cz) in enumerate(placed.centres):
        dx, dy, dz = points.x - cx, points.y - cy, points.z - cz
        far = np.sqrt(dx * dx + dy * dy + (FLATNESS * dz) ** 2) * (1 + 0.35 * index)
        nearest = np.minimum(nearest, far)
    soft = around.textures.soft.on(points)
    fine = around.textures.fine.on(points)
    below = np.float32(FAR_MM) * ramp(-points.z, LOWEST_MM, 6)
    return Level(np.asarray(nearest * (1 + 0.25 * soft + 0.10 * fine) + below, np.float32))


def room(brain: Brain, tissue: Tissue) -> Array:
    """Return the share of each point that is cistern, fissure or sulcus, distended by blood."""
    away = cover(np.float32(BONE_BLUR_MM) - brain.surface, 1.0)
    wide = cover(tissue.pia - np.float32(DISTENDED_MM), 2.0)
    return np.asarray(wide * tissue.inside * (1 - tissue.ventricles) * away, np.float32)


def fill(
    patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
) -> tuple[Placed, Patient]:
    """Set the spread that gives the blood its volume."""
    grid = Grid.around(patient, textures, placed, margin_mm=30)
    filled = Filled.of(patient, textures, grid, others)
    return filled.with_level(patient, placed, level, room), patient


def paint(hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
    """Paint subarachnoid blood and return the share of each pixel that it fills.

    Args:
        hu: density so far in HU at the pixels; changed in place.
        placed: the hemorrhage in its place.
        level: its level function at the pixels.
        there: anatomy at the pixels.
        width: width of the blurred border of other lesions, mm; subarachnoid blood fades out more
            slowly.
    """
    share = room(there.brain, there.tissue) * cover(level.far - np.float32(placed.level), 5.0)
    blend(hu, share, there.blood_hu(placed.lesion))
    return np.asarray(share, np.float32)
