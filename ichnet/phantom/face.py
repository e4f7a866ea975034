"""What lies below the skull base: orbits, nose, sinuses, petrous bones, mastoid cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    both_sides,
    capsule,
    cover,
    ellipsoid,
    ramp,
    union,
)
from ichnet.phantom.skull import AIR_HU, FAT_HU, MUSCLE_HU, SPONGE_HU, TABLE_HU, Skull, blend

FACE_TOP_MM = 0.0
"""No part of this module is higher."""

PETROUS_HU, VITREOUS_HU, LENS_HU, NERVE_HU = 1250.0, 10.0, 85.0, 38.0


@dataclass(frozen=True, eq=False)
class Face:
    """Distances of what lies below the skull base; negative inside."""

    orbit: Array
    globe: Array
    lens: Array
    nerve: Array
    nose: Array
    septa: Array
    sphenoid: Array
    maxilla: Array
    mastoid: Array
    cells: Array
    petrous: Array
    canal: Array
    arch: Array
    fat: Array


def face_of(points: Points, textures: Textures) -> Face:
    """Return the face's distances."""
    x, y, z = points.x, points.y, points.z
    mirrored = both_sides(points)
    cells, fine = textures.cells.at(x, y, z), textures.fine.at(x, y, z)
    soft = textures.soft.at(x, y, z)
    muscles = union(
        capsule(mirrored, (43, -74, -34), (16, -36, -32), (1.6, 2.2)),
        capsule(mirrored, (20, -74, -34), (13, -36, -32), (1.6, 2.2)),
        capsule(mirrored, (31, -68, -34), (13, -34, -32), (2.0, 2.0)),
        capsule(mirrored, (31, -78, -23), (14, -36, -29), (1.5, 1.8)),
    )
    arch = union(
        capsule(mirrored, (46, -66, -46), (66, -30, -52), (4.5, 2.2)),
        capsule(mirrored, (66, -30, -52), (66, 2, -50), (2.2, 3.0)),
        capsule(mirrored, (49, -72, -30), (47, -66, -50), (3.0, 5.0)),
        capsule(mirrored, (56, 0, -58), (54, -6, -84), (5.0, 4.0)),
        capsule(mirrored, (24, -40, -46), (20, -34, -74), (2.0, 2.0)),
    )
    return Face(
        orbit=union(
            ellipsoid(mirrored, (31, -68, -34), (19, 22, 16)),
            capsule(mirrored, (26, -60, -34), (13, -36, -32), (13, 4)),
            smooth_mm=3,
        ),
        globe=ellipsoid(mirrored, (31, -79, -35), (12, 12, 12)),
        lens=ellipsoid(mirrored, (31, -89, -35), (4.5, 2.2, 4.5)),
        nerve=muscles,
        nose=union(
            ellipsoid(points, (0, -58, -42), (12.5, 26, 20)),
            ellipsoid(points, (0, -66, -68), (15, 28, 18)),
            ellipsoid(points, (0, -22, -84), (14, 12, 14)),
        ),
        septa=np.asarray(np.minimum(np.abs(3.0 * cells), np.abs(x + 1.5 * soft)), np.float32),
        sphenoid=ellipsoid(points, (0, -17, -44), (15, 14, 10)) + 2.0 * soft,
        maxilla=ellipsoid(mirrored, (28, -60, -68), (14, 17, 17)) + 2.0 * soft,
        mastoid=ellipsoid(mirrored, (54, 30, -46), (13, 17, 19)) + 2.5 * soft,
        cells=np.asarray(1.3 - 3.4 * np.abs(cells), np.float32),
        petrous=union(
            capsule(mirrored, (14, 4, -38), (34, 16, -38), (5, 9)),
            capsule(mirrored, (34, 16, -38), (56, 28, -46), (9, 16)),
            ellipsoid(points, (0, 4, -50), (12, 9, 20)),
            smooth_mm=4,
        ),
        canal=union(
            capsule(mirrored, (46, 14, -50), (74, 12, -50), (3.6, 4.2)),
            ellipsoid(mirrored, (42, 14, -46), (4, 3, 4)),
            capsule(mirrored, (16, 10, -36), (30, 15, -37), (2.0, 1.6)),
        ),
        arch=arch,
        fat=np.asarray(3.0 * (0.42 - np.abs(soft + 0.5 * fine)), np.float32),
    )


def paint_face(hu: Array, skull: Skull, face: Face, points: Points, width: float) -> None:
    """Paint what lies below the skull base."""
    below = cover(skull.base, width)
    # the vault's bone ends above the face: in front, and below the nape
    front = ramp(-points.y, 26, 10)
    inside_skin = cover(-skull.depth - skull.thickness - skull.scalp + np.float32(3), 2.0)
    blend(hu, below * front * inside_skin * ramp(-points.z, 26, 8), MUSCLE_HU - 4)
    within = below * cover(-skull.depth - skull.thickness - np.float32(1), 2.0)
    blend(hu, within, MUSCLE_HU + 4)
    soft_part = np.maximum(within, below * inside_skin * ramp(-points.z, 34, 10))
    blend(hu, soft_part * cover(-face.fat, 1.5), FAT_HU + 10)
    blend(hu, soft_part * cover(-skull.base - np.float32(3.0), 1.2), SPONGE_HU)
    plate = cover(np.abs(skull.base + np.float32(1.1)) - np.float32(1.1), 1.2)
    blend(hu, plate * within, TABLE_HU)
    blend(hu, cover(face.petrous, 1.2) * within, PETROUS_HU)
    blend(hu, cover(face.arch, 1.2) * below * inside_skin, TABLE_HU)
    _paint_orbit(hu, face, soft_part)
    for space in (face.sphenoid, face.maxilla):
        blend(hu, soft_part * cover(space - np.float32(1.4), 1.0), TABLE_HU)
        blend(hu, soft_part * cover(space, 1.0), AIR_HU)
    blend(hu, soft_part * cover(face.nose - np.float32(0.8), 1.0), SPONGE_HU)
    blend(hu, soft_part * cover(face.nose + np.float32(0.2), 1.0), AIR_HU)
    blend(hu, soft_part * cover(np.maximum(face.nose, face.septa - np.float32(0.9)), 1.0), 160.0)
    cells = np.maximum(face.mastoid, face.cells)
    blend(hu, cover(face.mastoid, 1.0) * below, TABLE_HU * 0.75)
    blend(hu, cover(cells, 1.2) * below, AIR_HU * 0.85)
    blend(hu, cover(face.canal, 1.0) * below, AIR_HU)


def _paint_orbit(hu: Array, face: Face, where: Array) -> None:
    blend(hu, where * cover(face.orbit - np.float32(1.6), 1.0), TABLE_HU)
    blend(hu, where * cover(face.orbit, 1.0), FAT_HU)
    blend(hu, where * cover(np.maximum(face.nerve, face.orbit), 1.0), NERVE_HU)
    blend(hu, where * cover(face.globe, 1.0), 48.0)
    blend(hu, where * cover(face.globe + np.float32(1.3), 1.0), VITREOUS_HU)
    blend(hu, where * cover(face.lens, 1.0), LENS_HU)
