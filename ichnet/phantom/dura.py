"""Shape and density of falx, tentorium, venous sinuses and basal arteries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import Array, Points, Textures, both_sides, capsule, cover, ramp, union
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull, blend, petrous_line

DURA_HU, SINUS_HU, VESSEL_HU = 52.0, 54.0, 44.0


@dataclass(frozen=True, eq=False)
class Dura:
    """Signed distances, mm, from the sheets of dura, which mass effect does not move.

    Attributes:
        falx: distance from the falx, positive to the left.
        tent: height above the tentorium.
        behind: distance behind the petrous ridge (positive in the posterior fossa).
        hiatus: distance from the tentorial opening; negative in it.
    """

    falx: Array
    tent: Array
    behind: Array
    hiatus: Array


def dura_of(points: Points, textures: Textures) -> Dura:
    """Return the distances from the sheets of dura at points of the head."""
    tent, behind, hiatus = _tentorium(points)
    falx = points.x + 1.2 * textures.slow.on(points)
    return Dura(np.asarray(falx, np.float32), tent, behind, hiatus)


def _tentorium(points: Points) -> tuple[Array, Array, Array]:
    """Return ``tent``, ``behind`` and ``hiatus`` of :class:`Dura`."""
    x, y, side = points.x, points.y, points.side
    above = points.z - (0.5 - 0.36 * side - 0.13 * (y - 30) - 0.002 * (y - 30) ** 2)
    behind = y - petrous_line(side)
    opening = np.sqrt((x / 19) ** 2 + ((y - 10) / 24) ** 2) - 1
    return (
        np.asarray(0.93 * above, np.float32),
        np.asarray(0.88 * behind, np.float32),
        np.asarray(19 * opening, np.float32),
    )


def paint_dura(
    hu: Array,
    dura: Dura,
    fossa: Array,
    skull: Skull,
    points: Points,
    inside: Array,
    patient: Patient,
) -> None:
    """Paint falx, tentorium, venous sinuses and basal arteries."""
    y, z = points.y, points.z
    dense = np.float32(DURA_HU + (11 if "falx" in patient.mimics else 0))
    # the falx reaches deeper at the back
    reach = np.float32(17) + 24 * ramp(y, 0, 110)
    sheet = np.maximum(np.abs(dura.falx) - 0.75, skull.depth - reach)
    sheet = np.maximum(sheet, -fossa)
    sheet = np.maximum(sheet, np.where(y < -30, -20 - z, -z - 12))
    blend(hu, cover(sheet, 1.0) * inside, dense)
    tent = np.maximum(np.abs(dura.tent) - 0.8, -dura.behind)
    wall = np.maximum(np.abs(dura.behind) - 0.8, dura.tent)
    tent = np.maximum(np.minimum(tent, wall), -dura.hiatus)
    blend(hu, cover(tent, 1.0) * inside * 0.85, dense - 3)
    blood = np.float32(SINUS_HU + (14 if "sinus" in patient.mimics else 0) + patient.haematocrit_hu)
    side = np.abs(dura.falx)
    sagittal = np.maximum(side - (4.0 - 0.55 * skull.depth), skull.depth - 6.5)
    sagittal = np.maximum(sagittal, np.where(y > 0, -12 - z, 8 - z))
    straight = np.sqrt(side**2 + (0.75 * (dura.tent - 1)) ** 2) - 2.0
    straight = np.maximum(straight, np.abs(y - 49) - 20)
    right, left = (np.float32(width) for width in patient.sinus_widths)
    width = np.where(points.x < 0, right, left)
    ring = np.maximum(np.abs(dura.tent + 1.5) - 3.6 * width, skull.depth - 6.5 * width)
    transverse = np.maximum(ring, 30 - y)
    sinuses = np.minimum(np.minimum(sagittal, straight), transverse)
    blend(hu, cover(sinuses, 1.4) * inside, blood)
    vessels = union(
        capsule(points, (0, -1, -23), (2, 0, -52), (1.7, 1.6)),
        capsule(both_sides(points), (8, -13, -24), (30, -17, -18), (1.6, 1.1)),
        capsule(both_sides(points), (8, -13, -24), (2, -26, -19), (1.3, 1.0)),
    )
    blend(hu, cover(vessels, 1.4) * inside, VESSEL_HU + patient.haematocrit_hu)
