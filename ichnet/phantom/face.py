"""Structures below the skull base: orbits, nose, sinuses, petrous bones, mastoid cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import Array, Points, Textures, capsule, cover, ellipsoid, ramp, union
from ichnet.phantom.lattice import Lattice
from ichnet.phantom.region import Box, Pixels, Region
from ichnet.phantom.skull import AIR_HU, FAT_HU, MUSCLE_HU, SPONGE_HU, TABLE_HU, Skull, blend

FACE_TOP_MM = 0.0
"""Highest z of anything that this module paints."""

PETROUS_HU, VITREOUS_HU, LENS_HU, NERVE_HU = 1250.0, 10.0, 85.0, 38.0


@dataclass(frozen=True, eq=False)
class Ground:
    """State of the pixels that parts of the face are painted on; arrays of one shape.

    Attributes:
        hu: density so far in HU; changed in place.
        below: share of each pixel that lies below the skull base.
        within: share that lies below the skull base and within the outline of the vault.
        skin: share that lies within the skin.
        soft: share that is soft tissue of the face.
    """

    hu: Array
    below: Array
    within: Array
    skin: Array
    soft: Array

    def at(self, pixels: Pixels) -> Ground:
        """Return a window; painting on it changes ``hu`` of the whole."""
        return Ground(
            self.hu[pixels],
            self.below[pixels],
            self.within[pixels],
            self.skin[pixels],
            self.soft[pixels],
        )


def paint_face(
    hu: Array,
    skull: Skull,
    points: Points,
    lattice: Lattice,
    coarse: Points,
    textures: Textures,
    width: float,
) -> None:
    """Paint all structures below the skull base.

    Args:
        hu: density so far in HU, [rows, columns, planes]; changed in place.
        skull: distances of the skull's surfaces at the pixels.
        points: positions of the pixels in the head.
        lattice: pixels and coarse grid of the section.
        coarse: positions of the coarse grid's points in the head.
        textures: random textures of the head.
        width: width of the blurred edge of the skull base, mm.
    """
    below = cover(skull.base, width)
    # the vault's bone ends above the face: in front, and below the nape
    front = ramp(-points.y, 26, 10)
    skin = cover(-skull.depth - skull.thickness - skull.scalp + np.float32(3), 2.0)
    blend(hu, below * front * skin * ramp(-points.z, 26, 8), MUSCLE_HU - 4)
    within = below * cover(-skull.depth - skull.thickness - np.float32(1), 2.0)
    blend(hu, within, MUSCLE_HU + 4)
    soft = np.maximum(within, below * skin * ramp(-points.z, 34, 10))
    lean = 3.0 * (np.abs(textures.soft.on(coarse) + 0.5 * textures.fine.on(coarse)) - 0.42)
    fat = cover(lattice.interpolate(np.asarray(lean, np.float32)), 1.5)
    blend(hu, soft * fat, FAT_HU + 10)
    blend(hu, soft * cover(-skull.base - np.float32(3.0), 1.2), SPONGE_HU)
    plate = cover(np.abs(skull.base + np.float32(1.1)) - np.float32(1.1), 1.2)
    blend(hu, plate * within, TABLE_HU)
    ground = Ground(hu, below, within, skin, soft)
    for box, paint in PARTS:
        region = Region.around(box, lattice, coarse, textures)
        if region is not None:
            paint(ground.at(region.pixels), region)


def _paint_petrous(ground: Ground, region: Region) -> None:
    petrous = union(
        capsule(region.mirrored, (14, 4, -38), (34, 16, -38), (5, 9)),
        capsule(region.mirrored, (34, 16, -38), (56, 28, -46), (9, 16)),
        ellipsoid(region.points, (0, 4, -50), (12, 9, 20)),
        smooth_mm=4,
    )
    blend(ground.hu, cover(region.at_pixels(petrous), 1.2) * ground.within, PETROUS_HU)


def _paint_arch(ground: Ground, region: Region) -> None:
    arch = union(
        capsule(region.mirrored, (46, -66, -46), (66, -30, -52), (4.5, 2.2)),
        capsule(region.mirrored, (66, -30, -52), (66, 2, -50), (2.2, 3.0)),
        capsule(region.mirrored, (49, -72, -30), (47, -66, -50), (3.0, 5.0)),
        capsule(region.mirrored, (56, 0, -58), (54, -6, -84), (5.0, 4.0)),
        capsule(region.mirrored, (24, -40, -46), (20, -34, -74), (2.0, 2.0)),
    )
    blend(ground.hu, cover(region.at_pixels(arch), 1.2) * ground.below * ground.skin, TABLE_HU)


def _paint_orbit(ground: Ground, region: Region) -> None:
    mirrored, hu, where = region.mirrored, ground.hu, ground.soft
    orbit = region.at_pixels(
        union(
            ellipsoid(mirrored, (31, -68, -34), (19, 22, 16)),
            capsule(mirrored, (26, -60, -34), (13, -36, -32), (13, 4)),
            smooth_mm=3,
        )
    )
    nerve = region.at_pixels(
        union(
            capsule(mirrored, (43, -74, -34), (16, -36, -32), (1.6, 2.2)),
            capsule(mirrored, (20, -74, -34), (13, -36, -32), (1.6, 2.2)),
            capsule(mirrored, (31, -68, -34), (13, -34, -32), (2.0, 2.0)),
            capsule(mirrored, (31, -78, -23), (14, -36, -29), (1.5, 1.8)),
        )
    )
    globe = region.at_pixels(ellipsoid(mirrored, (31, -79, -35), (12, 12, 12)))
    lens = region.at_pixels(ellipsoid(mirrored, (31, -89, -35), (4.5, 2.2, 4.5)))
    blend(hu, where * cover(orbit - np.float32(1.6), 1.0), TABLE_HU)
    blend(hu, where * cover(orbit, 1.0), FAT_HU)
    blend(hu, where * cover(np.maximum(nerve, orbit), 1.0), NERVE_HU)
    blend(hu, where * cover(globe, 1.0), 48.0)
    blend(hu, where * cover(globe + np.float32(1.3), 1.0), VITREOUS_HU)
    blend(hu, where * cover(lens, 1.0), LENS_HU)


def _paint_sphenoid(ground: Ground, region: Region) -> None:
    sinus = ellipsoid(region.points, (0, -17, -44), (15, 14, 10)) + 2.0 * region.soft
    _paint_sinus(ground, region.at_pixels(sinus))


def _paint_maxilla(ground: Ground, region: Region) -> None:
    sinus = ellipsoid(region.mirrored, (28, -60, -68), (14, 17, 17)) + 2.0 * region.soft
    _paint_sinus(ground, region.at_pixels(sinus))


def _paint_sinus(ground: Ground, sinus: Array) -> None:
    blend(ground.hu, ground.soft * cover(sinus - np.float32(1.4), 1.0), TABLE_HU)
    blend(ground.hu, ground.soft * cover(sinus, 1.0), AIR_HU)


def _paint_nose(ground: Ground, region: Region) -> None:
    points = region.points
    nose = region.at_pixels(
        union(
            ellipsoid(points, (0, -58, -42), (12.5, 26, 20)),
            ellipsoid(points, (0, -66, -68), (15, 28, 18)),
            ellipsoid(points, (0, -22, -84), (14, 12, 14)),
        )
    )
    walls = np.minimum(np.abs(3.0 * region.cells), np.abs(points.x + 1.5 * region.soft))
    septa = region.at_pixels(np.asarray(walls, np.float32)) - np.float32(0.9)
    blend(ground.hu, ground.soft * cover(nose - np.float32(0.8), 1.0), SPONGE_HU)
    blend(ground.hu, ground.soft * cover(nose + np.float32(0.2), 1.0), AIR_HU)
    blend(ground.hu, ground.soft * cover(np.maximum(nose, septa), 1.0), 160.0)


def _paint_mastoid(ground: Ground, region: Region) -> None:
    mastoid = region.at_pixels(
        ellipsoid(region.mirrored, (54, 30, -46), (13, 17, 19)) + 2.5 * region.soft
    )
    bubbles = 1.3 - 3.4 * np.abs(region.cells)
    cells = region.at_pixels(np.asarray(bubbles, np.float32))
    blend(ground.hu, cover(mastoid, 1.0) * ground.below, TABLE_HU * 0.75)
    blend(ground.hu, cover(np.maximum(mastoid, cells), 1.2) * ground.below, AIR_HU * 0.85)


def _paint_canal(ground: Ground, region: Region) -> None:
    canal = union(
        capsule(region.mirrored, (46, 14, -50), (74, 12, -50), (3.6, 4.2)),
        ellipsoid(region.mirrored, (42, 14, -46), (4, 3, 4)),
        capsule(region.mirrored, (16, 10, -36), (30, 15, -37), (2.0, 1.6)),
    )
    blend(ground.hu, cover(region.at_pixels(canal), 1.0) * ground.below, AIR_HU)


PARTS = (
    (Box((0, -16, -72), (76, 48, -18)), _paint_petrous),
    (Box((14, -82, -94), (74, 12, -22)), _paint_arch),
    (Box((0, -96, -56), (56, -26, -12)), _paint_orbit),
    (Box((0, -42, -64), (26, 8, -24)), _paint_sphenoid),
    (Box((4, -88, -96), (54, -32, -40)), _paint_maxilla),
    (Box((0, -100, -104), (22, -4, -16)), _paint_nose),
    (Box((30, 2, -78), (80, 60, -14)), _paint_mastoid),
    (Box((8, 2, -60), (84, 24, -28)), _paint_canal),
)
"""Bounding box and paint function of each structure, in painting order."""
