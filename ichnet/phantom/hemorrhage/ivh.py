"""Intraventricular hemorrhage: blood at the back of the ventricles, with a level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.field import Array, Textures, cover, ramp
from ichnet.phantom.hemorrhage.filling import Filled
from ichnet.phantom.hemorrhage.grid import Grid
from ichnet.phantom.hemorrhage.lesion import Anatomy, Level, Placed, Surroundings, first_draws
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.skull import blend
from ichnet.phantom.tissue import Tissue

BOX_MM = (-52.0, -62.0, -56.0), (52.0, 74.0, 52.0)
"""Corners of what the ventricles may reach."""

WIDEST_MM = 9.0
"""Blood under pressure pushes the ventricles' walls no farther."""


def place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw by how much blood stands higher on one side: the ventricles' fluids hardly mix."""
    first_draws(rng)
    higher_mm = lesion.side * float(rng.uniform(0, 14))
    return Placed(lesion, ((higher_mm, 0.0, 0.0),))


def level(around: Surroundings, placed: Placed) -> Level:
    """Return the height above the ground, for a patient on the back; mm."""
    points = around.points
    higher = placed.centres[0][0] * np.sign(points.x) * (points.side > 2.5)
    # little reaches the fourth ventricle and the temporal horns
    hard = 22 * ramp(-points.z, 16, 12) + 8 * ramp(-points.z, -2, 10)
    return Level(np.asarray(hard - points.down - higher, np.float32))


def room(brain: Brain, tissue: Tissue) -> Array:
    """Return the share of each point that is ventricle."""
    return tissue.ventricles


def fill(
    patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
) -> tuple[Placed, Patient]:
    """Set the blood's height; widen the ventricles until it fills no more than two thirds.

    That is acute hydrocephalus: the patient that is returned has it.
    """
    filled = Filled.of(patient, textures, Grid.between(patient, textures, *BOX_MM), others)
    skull, brain = filled.around.skull, filled.brain
    inside = np.minimum(skull.depth, skull.base) > 2
    walls = np.sort(brain.ventricles[inside])
    last = min(round(1.5 * filled.wanted(placed)), len(walls) - 1)
    wider_mm = float(np.clip(walls[last], 0, WIDEST_MM))
    patient = replace(patient, hydrocephalus_mm=wider_mm)
    brain = replace(brain, ventricles=np.asarray(brain.ventricles - np.float32(wider_mm)))
    return replace(filled, brain=brain).with_level(patient, placed, level, room), patient


def paint(hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
    """Paint ventricular blood and return the share of each pixel that it fills.

    Args:
        hu: changed.
        placed: the blood.
        level: at the pixels.
        there: the pixels.
        width: mm over which other lesions' borders are blurred; a fluid level is softer.
    """
    share = room(there.brain, there.tissue) * cover(level.far - np.float32(placed.level), 1.6)
    blend(hu, share, there.blood_hu(placed.lesion))
    return np.asarray(share, np.float32)
