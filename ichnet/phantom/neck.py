"""Jaws, mouth, pharynx and neck: structures below the skull base down to about C3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    capsule,
    cover,
    ellipsoid,
    ramp,
    union,
)
from ichnet.phantom.lattice import Lattice
from ichnet.phantom.patient import Patient
from ichnet.phantom.region import Box, Pixels, Region
from ichnet.phantom.skull import AIR_HU, FAT_HU, TABLE_HU, Skull, blend

NECK_TOP_MM = -50.0
"""Highest z of anything that this module paints."""

JAW_HU, TOOTH_HU, FILLING_HU, GLAND_HU = 1100.0, 2000.0, 6000.0, 20.0


def outline_of(points: Points) -> Array:
    """Return the distance from the skin of face and neck, valid below the brain."""
    low = ramp(-points.z, 85, 60)
    nape = (np.hypot(points.x / (64 - 8 * low), (points.y - 27) / (61 - 8 * low)) - 1) * 56
    chin = ellipsoid(points, (0, -40, -98), (52, 50, 34))
    cheek = ellipsoid(points, (0, -36, -66), (66, 58, 34))
    throat = (np.hypot(points.x / 46, (points.y + 8) / 46) - 1) * 44
    return union(
        np.asarray(nape, np.float32),
        chin,
        cheek,
        np.asarray(np.maximum(throat, points.z + 60), np.float32),
        smooth_mm=14,
    )


def _arch(mirrored: Points, z: float, radius: float) -> Array:
    """Return the distance from a dental arch at height ``z``."""
    return union(
        capsule(mirrored, (28, -44, z), (18, -68, z), (radius, radius)),
        capsule(mirrored, (18, -68, z), (0, -78, z), (radius, radius)),
    )


def _muscles(mirrored: Points) -> Array:
    return union(
        capsule(mirrored, (57, -20, -60), (51, -16, -108), (7.5, 8.0)),  # masseter
        capsule(mirrored, (28, -22, -60), (41, -14, -105), (6.0, 7.0)),  # medial pterygoid
        capsule(mirrored, (26, -30, -55), (46, -8, -58), (7.0, 6.0)),  # lateral pterygoid
        capsule(mirrored, (54, 34, -58), (47, 16, -130), (6.5, 8.5)),  # sternocleidomastoid
        capsule(mirrored, (15, 60, -60), (14, 56, -130), (11.0, 11.0)),  # semispinalis
        capsule(mirrored, (36, 54, -58), (33, 48, -130), (9.0, 9.0)),  # splenius
        capsule(mirrored, (22, 42, -72), (22, 40, -130), (8.0, 8.0)),  # obliquus
        capsule(mirrored, (9, 2, -62), (9, 4, -130), (6.0, 5.5)),  # longus
        smooth_mm=2,
    )


def _bones(points: Points, mirrored: Points) -> Array:
    body = np.hypot(points.x / 12.5, (points.y - 12) / 9.0) * 10 - 10
    body = np.maximum(body, points.z + 88)
    return union(
        capsule(mirrored, (53, -4, -56), (48, -9, -102), (4.5, 4.0)),  # ramus
        capsule(mirrored, (48, -10, -103), (20, -70, -111), (6.0, 6.5)),  # body of the mandible
        capsule(mirrored, (20, -70, -111), (0, -80, -111), (6.5, 7.5)),
        _arch(mirrored, -83.0, 6.0),  # maxilla
        np.maximum(np.abs(points.z + 77) - 1.2, ellipsoid(points, (0, -52, -77), (26, 28, 8))),
        capsule(mirrored, (38, 6, -55), (30, -8, -92), (1.8, 1.2)),  # styloid process
        ellipsoid(mirrored, (21, 24, -80), (10, 9, 8)),  # lateral masses of the atlas
        capsule(mirrored, (24, 26, -80), (38, 24, -80), (4.0, 3.0)),
        capsule(points, (0, 13, -70), (0, 14, -96), (5.5, 6.0)),  # dens
        np.asarray(body, np.float32),
        capsule(mirrored, (8, 44, -97), (3, 62, -103), (4.0, 4.0)),  # spinous process
    )


def _airway(ground: Ground, region: Region) -> Array:
    """Return the distance from the airway (nasal cavity, pharynx, mouth) at the pixels."""
    points = region.points
    airway = union(
        ellipsoid(points, (0, -18, -72), (12, 9, 13)),
        ellipsoid(points, (0, -9, -92), (13, 6.5, 20)),
        ellipsoid(points, (0, -4, -120), (11, 8, 18)),
        ellipsoid(points, (0, -56, -83), (17, 20, 5.5 * ground.patient.sinus)),
    )
    return region.at_pixels(airway + 0.8 * region.soft)


@dataclass(frozen=True, eq=False)
class Ground:
    """State of the pixels that parts of the neck are painted on; arrays of one shape.

    Attributes:
        hu: density so far in HU; changed in place.
        deep: share of each pixel that is below the skin, but not bone of the vault.
        texture: texture of about 11 mm at the pixels.
        patient: the patient whose head is drawn.
    """

    hu: Array
    deep: Array
    texture: Array
    patient: Patient

    def at(self, pixels: Pixels) -> Ground:
        """Return a window; painting on it changes ``hu`` of the whole."""
        return Ground(self.hu[pixels], self.deep[pixels], self.texture[pixels], self.patient)

    @property
    def lean(self) -> Array:
        """Density of muscle at the pixels, HU."""
        return np.asarray(np.float32(self.patient.muscle_hu) + 5 * self.texture, np.float32)


def paint_neck(
    hu: Array,
    skull: Skull,
    points: Points,
    lattice: Lattice,
    coarse: Points,
    textures: Textures,
    patient: Patient,
    texture: Array,
) -> None:
    """Paint face and neck, but for the pixels of the vault and its content.

    Args:
        hu: density so far in HU, [rows, columns, planes]; changed in place.
        skull: distances of the skull's surfaces at the pixels.
        points: positions of the pixels in the head.
        lattice: pixels and coarse grid of the section.
        coarse: positions of the coarse grid's points in the head.
        textures: random textures of the head.
        patient: the patient whose head is drawn.
        texture: texture of about 11 mm at the pixels.
    """
    reach = ramp(-points.z, 58, 12)
    bone = cover(-skull.depth - skull.thickness * ramp(points.z, -64, 12) - 4, 1.5)
    inner = cover(-skull.depth - np.float32(3.5), 1.5)
    bone = np.maximum(bone * ramp(points.z, -70, 8), inner)
    free = reach * (1 - np.maximum(bone, 0))
    free *= np.maximum(cover(skull.base, 1.5), cover(skull.depth, 1.5))
    outline = lattice.interpolate(coarse.keep(outline_of) + 1.2 * textures.soft.on(coarse))
    skin = cover(outline, 2.0)
    within = free * skin
    blend(hu, free * (1 - skin) * ramp(-points.z, 70, 8), AIR_HU)
    blend(hu, within, 30.0)
    deep = within * cover(outline + np.float32(2.0), 1.5)
    blend(hu, deep, FAT_HU + 12 * texture)
    ground = Ground(hu, deep, texture, patient)
    for box, paint in PARTS:
        region = Region.around(box, lattice, coarse, textures)
        if region is not None:
            paint(ground.at(region.pixels), region)
    ring = inner * cover(skull.depth, 1.5)
    blend(hu, ring * ramp(-points.z, 72, 6), TABLE_HU * 0.8)


def _paint_muscles(ground: Ground, region: Region) -> None:
    distance = _muscles(region.mirrored) + 1.4 * region.soft - np.float32(ground.patient.brawn_mm)
    planes = 1.0 - 4.0 * np.abs(region.soft + 0.35 * region.fine)
    lean = np.maximum(region.at_pixels(distance), region.at_pixels(np.asarray(planes, np.float32)))
    blend(ground.hu, ground.deep * cover(lean, 1.5), ground.lean)


def _paint_tongue(ground: Ground, region: Region) -> None:
    tongue = union(
        ellipsoid(region.points, (0, -44, -96), (26, 33, 20)),
        ellipsoid(region.points, (0, -48, -112), (22, 34, 16)),
        smooth_mm=6,
    )
    share = ground.deep * cover(region.at_pixels(tongue + 1.5 * region.soft), 1.5)
    denser_hu = np.float32(ground.patient.tongue_hu)
    blend(ground.hu, share, ground.lean + denser_hu + (4 + 0.3 * denser_hu) * ground.texture)


def _paint_wall(ground: Ground, region: Region) -> None:
    """Paint the wall of the airway; the airway itself is painted over glands and vessels."""
    share = ground.deep * cover(np.abs(_airway(ground, region) - 2.5) - 2.5, 1.5)
    blend(ground.hu, share, ground.lean - 6)


def _paint_gland(ground: Ground, region: Region) -> None:
    gland = ellipsoid(region.mirrored, (54, 6, -84), (9, 14, 19)) + 2.0 * region.fine
    share = ground.deep * cover(region.at_pixels(gland), 2.0)
    blend(ground.hu, share, GLAND_HU + 10 * ground.texture)


def _paint_vessels(ground: Ground, region: Region) -> None:
    vessels = union(
        capsule(region.mirrored, (27, 2, -58), (26, 0, -130), (3.0, 3.6)),
        capsule(region.mirrored, (31, 9, -58), (30, 8, -130), (4.6, 5.2)),
    )
    share = ground.deep * cover(region.at_pixels(vessels), 1.5)
    blend(ground.hu, share, 44 + ground.patient.haematocrit_hu)


def _paint_airway(ground: Ground, region: Region) -> None:
    blend(ground.hu, ground.deep * cover(_airway(ground, region), 1.2), AIR_HU)


def _paint_bones(ground: Ground, region: Region) -> None:
    bone = region.at_pixels(_bones(region.points, region.mirrored) + 0.6 * region.fine)
    blend(ground.hu, ground.deep * cover(bone, 1.2), JAW_HU)
    marrow = cover(bone + np.float32(2.6), 1.2)
    blend(ground.hu, ground.deep * marrow, 450 + 150 * ground.texture)


def _paint_teeth(ground: Ground, region: Region) -> None:
    tooth = np.maximum(_arch(region.mirrored, -92.0, 4.0), -2.2 + 3.2 * np.abs(region.fine))
    hu = FILLING_HU if "filling" in ground.patient.mimics else TOOTH_HU
    blend(ground.hu, ground.deep * cover(region.at_pixels(tooth), 1.2), hu)


PARTS = (
    (Box((0, -60, -160), (80, 90, -40)), _paint_muscles),
    (Box((0, -98, -140), (40, 2, -62)), _paint_tongue),
    (Box((0, -92, -152), (32, 24, -40)), _paint_wall),
    (Box((34, -24, -120), (76, 36, -50)), _paint_gland),
    (Box((16, -14, -152), (46, 26, -44)), _paint_vessels),
    (Box((0, -88, -150), (26, 16, -46)), _paint_airway),
    (Box((0, -98, -400), (66, 76, -40)), _paint_bones),
    (Box((0, -92, -106), (42, -30, -78)), _paint_teeth),
)
"""Bounding box and paint function of each structure, in painting order."""
