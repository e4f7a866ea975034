"""Intraventricular hemorrhage: blood in the dependent ventricles, with a fluid level."""

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
"""Corners of a box that holds the ventricles, mm."""

WIDEST_MM = 9.0
"""Largest displacement of the ventricles' walls by hydrocephalus."""


def place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw the difference of the fluid levels of the two lateral ventricles, which hardly mix."""
    first_draws(rng)
    higher_mm = lesion.side * float(rng.uniform(0, 14))
    return Placed(lesion, ((higher_mm, 0.0, 0.0),))


def level(around: Surroundings, placed: Placed) -> Level:
    """Return the height against gravity, for a patient on the back, mm."""
    points = around.points
    higher = placed.centres[0][0] * np.sign(points.x) * (points.side > 2.5)
    # little blood reaches the fourth ventricle and the temporal horns
    hard = 22 * ramp(-points.z, 16, 12) + 8 * ramp(-points.z, -2, 10)
    return Level(np.asarray(hard - points.down - higher, np.float32))


def room(brain: Brain, tissue: Tissue) -> Array:
    """Return the share of each point that is ventricle."""
    return tissue.ventricles


def fill(
    patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
) -> tuple[Placed, Patient]:
    """Set the fluid level that gives the blood its volume.

    Ventricles are widened until blood fills no more than two thirds of them; the returned patient
    has this acute hydrocephalus.
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
        hu: density so far in HU at the pixels; changed in place.
        placed: the hemorrhage in its place.
        level: its level function at the pixels.
        there: anatomy at the pixels.
        width: width of the blurred border of other lesions, mm; a fluid level is blurred more.
    """
    share = room(there.brain, there.tissue) * cover(level.far - np.float32(placed.level), 1.6)
    blend(hu, share, there.blood_hu(placed.lesion))
    return np.asarray(share, np.float32)
