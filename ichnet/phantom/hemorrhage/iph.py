"""Intraparenchymal hemorrhage: a lobulated clot within brain tissue, with oedema around it."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.field import Array, Textures, cover
from ichnet.phantom.hemorrhage.filling import Filled
from ichnet.phantom.hemorrhage.grid import Grid
from ichnet.phantom.hemorrhage.lesion import (
    ANYWHERE,
    STEM,
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

OEDEMA_HU = 17.0
"""Density of oedematous white matter around a clot."""

LENGTH = 1.35
"""Ratio of the length of a clot to its width."""


def place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw the centres of a clot's lobes."""
    (x, y, z), turn = first_draws(rng)
    lobes = [_centre(rng, lesion)]
    size_mm = (max(lesion.volume_ml, 0.1) * 240) ** (1 / 3)
    for _ in range(int(rng.integers(1, 4))):
        lobes.append([lobes[0][axis] + rng.normal(0, 0.36 * size_mm) for axis in range(3)])
    centres = tuple((float(c[0] + x), float(c[1] + y), float(c[2] + z)) for c in lobes)
    return Placed(lesion, centres, turn=turn)


def _centre(rng: np.random.Generator, lesion: Lesion) -> list[float]:
    side = float(lesion.side)
    if lesion.site == STEM:
        return [side * rng.uniform(0, 11), rng.uniform(7, 22), rng.uniform(-42, -7)]
    if lesion.site == ANYWHERE:
        x, y, z = under_vault(rng, float(rng.uniform(2, 32)))
        return [side * x, y, z]
    lobar = [side * rng.uniform(24, 44), rng.uniform(-48, 52), rng.uniform(16, 44)]
    return {
        "ganglia": [side * 26, -2, 5],
        "thalamus": [side * 11, 12, 5],
        "lobar": lobar,
        "cerebellum": [side * 22, 50, -40],
        "pons": [side * 3, 13, -33],
    }[lesion.site]


def level(around: Surroundings, placed: Placed) -> Level:
    """Return the distance from the centre of the nearest lobe with an irregular surface, mm."""
    points = around.points
    cosine, sine = np.float32(np.cos(placed.turn)), np.float32(np.sin(placed.turn))
    nearest = np.full(points.x.shape, np.float32(1e6))
    for index, (cx, cy, cz) in enumerate(placed.centres):
        dx, dy, dz = points.x - cx, points.y - cy, points.z - cz
        dx, dy = cosine * dx + sine * dy, (cosine * dy - sine * dx) / LENGTH
        far = np.sqrt(dx * dx + dy * dy + dz * dz) * (1.0 if index == 0 else 1.25)
        nearest = np.minimum(nearest, far)
    soft = around.textures.soft.on(points)
    fine = around.textures.fine.on(points)
    return Level(np.asarray(nearest * (1 + 0.14 * soft + 0.06 * fine), np.float32))


def room(brain: Brain, tissue: Tissue) -> Array:
    """Return the share of each point that is brain at least 2 mm below its surface."""
    return np.asarray(cover(2.0 - brain.surface, 2.0) * (1 - tissue.ventricles), np.float32)


def fill(
    patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
) -> tuple[Placed, Patient]:
    """Set the size that gives a clot its volume."""
    grid = Grid.around(patient, textures, placed, margin_mm=30)
    filled = Filled.of(patient, textures, grid, others)
    return filled.with_level(patient, placed, level, room), patient


def paint(hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
    """Paint a clot and its oedema; return the share of each pixel that the clot fills.

    Args:
        hu: density so far in HU at the pixels; changed in place.
        placed: the clot in its place.
        level: its level function at the pixels.
        there: anatomy at the pixels.
        width: width of its blurred border, mm.
    """
    edge = level.far - np.float32(placed.level)
    free = room(there.brain, there.tissue)
    share = cover(edge, width) * free
    rim_mm = 2.0 + 0.30 * placed.level
    swollen = cover(edge - np.float32(rim_mm), rim_mm) * free * (1 - there.tissue.csf)
    hu += 0.75 * swollen * np.minimum(OEDEMA_HU - hu, 0)
    # retracted parts of a clot are densest
    blend(hu, share, there.blood_hu(placed.lesion) + np.clip(-0.35 * edge, -2, 4))
    return np.asarray(share, np.float32)
