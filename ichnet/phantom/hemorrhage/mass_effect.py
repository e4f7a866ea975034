"""Mass effect: compression and shift of the brain by large lesions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ichnet.phantom.brain import Brain, brain_of
from ichnet.phantom.field import Array, Points, ramp
from ichnet.phantom.hemorrhage.collection import COLLECTIONS, DURAL_SITES, profile_of
from ichnet.phantom.hemorrhage.lesion import Placed, Surroundings
from ichnet.phantom.patient import Patient

LEAST_ML = 4.0
"""Smallest volume with a mass effect."""

Shift = tuple[Array, Array, Array]


def brain_at(around: Surroundings, patient: Patient, placed: Sequence[Placed]) -> Brain:
    """Return the distances from the brain's surfaces under the mass effect of lesions."""
    points = around.points
    pressed = np.zeros_like(points.x)
    for one in placed:
        if one.lesion.subtype in COLLECTIONS and one.lesion.site not in DURAL_SITES:
            profile = profile_of(points, one, around.textures)
            pressed = np.maximum(pressed, one.level * np.maximum(profile, 0))
    moved = shifted(points, placed)
    return brain_of(points, moved, around.skull, around.dura, pressed, around.textures, patient)


def shifted(points: Points, placed: Sequence[Placed]) -> Points:
    """Return, for each point, where its tissue lay before lesions shifted it."""
    pushing = [one for one in placed if one.lesion.volume_ml >= LEAST_ML]
    if not pushing:
        return points
    x, y, z = np.zeros_like(points.x), np.zeros_like(points.x), np.zeros_like(points.x)
    for one in pushing:
        if one.lesion.subtype == "IPH":
            dx, dy, dz = _outwards(points, one)
            x, y, z = x + dx, y + dy, z + dz
        elif one.lesion.subtype in COLLECTIONS:
            x = x + _across(points, one)
    return points.moved(x, y, z)


def _outwards(points: Points, clot: Placed) -> Shift:
    """Return the displacement of tissue around a clot, away from its centre, mm."""
    cx, cy, cz = clot.centres[0]
    size = 1.9 * np.cbrt(240 * clot.lesion.volume_ml)
    far = ((points.x - cx) ** 2 + (points.y - cy) ** 2 + (points.z - cz) ** 2) / size**2
    pull = np.float32(-0.32) * np.exp(-far)
    return pull * (points.x - cx), pull * (points.y - cy), pull * (points.z - cz)


def _across(points: Points, collection: Placed) -> Array:
    """Return the displacement of tissue by a collection to the other side (midline shift), mm."""
    _, cy, cz = collection.centres[0]
    side = collection.lesion.side
    reach = np.exp(-(((points.y - cy) / 52) ** 2) - ((points.z - cz) / 46) ** 2)
    beyond = np.exp(-((np.minimum(side * points.x, 0) / 24) ** 2))
    near_vault = 1 - 0.8 * ramp(side * points.x, 46, 30)
    push = min(0.45 * collection.level, 11.0)
    return np.asarray(np.float32(side * push) * reach * beyond * near_vault, np.float32)
