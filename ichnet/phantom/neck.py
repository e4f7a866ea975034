"""Jaws, mouth, pharynx and neck: what a scan shows below the skull base, down to about C3."""

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
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import AIR_HU, FAT_HU, TABLE_HU, Skull, blend

NECK_TOP_MM = -50.0
"""No part of this module is higher."""

JAW_HU, TOOTH_HU, FILLING_HU, GLAND_HU = 1100.0, 2000.0, 6000.0, 20.0


@dataclass(frozen=True, eq=False)
class Neck:
    """Distances of what lies below the skull base, mm; negative inside.

    Attributes:
        outline: from the skin.
        muscle: from the nearest muscle.
        tongue: from the tongue and the floor of the mouth.
        gland: from the parotid glands.
        vessel: from carotid arteries and jugular veins.
        bone: from mandible, maxilla, styloid process and vertebrae.
        tooth: from the teeth.
        airway: from nasal cavity, pharynx and mouth.
        planes: of fat between and within muscles.
    """

    outline: Array
    muscle: Array
    tongue: Array
    gland: Array
    vessel: Array
    bone: Array
    tooth: Array
    airway: Array
    planes: Array


def outline_of(points: Points) -> Array:
    """Return the distance from the skin of face and neck; meant for points below the brain."""
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


def neck_of(points: Points, textures: Textures, patient: Patient) -> Neck:
    """Return the distances of the neck's parts."""
    mirrored = both_sides(points)
    soft = textures.soft.at(points.x, points.y, points.z)
    fine = textures.fine.at(points.x, points.y, points.z)
    return Neck(
        outline=outline_of(points) + 1.2 * soft,
        muscle=_muscles(points, mirrored) + 1.4 * soft - np.float32(patient.brawn_mm),
        tongue=union(
            ellipsoid(points, (0, -44, -96), (26, 33, 20)),
            ellipsoid(points, (0, -48, -112), (22, 34, 16)),
            smooth_mm=6,
        )
        + 1.5 * soft,
        gland=ellipsoid(mirrored, (54, 6, -84), (9, 14, 19)) + 2.0 * fine,
        vessel=union(
            capsule(mirrored, (27, 2, -58), (26, 0, -130), (3.0, 3.6)),
            capsule(mirrored, (31, 9, -58), (30, 8, -130), (4.6, 5.2)),
        ),
        bone=_bones(points, mirrored) + 0.6 * fine,
        tooth=np.asarray(
            np.maximum(_arch(mirrored, -92.0, 4.0), -2.2 + 3.2 * np.abs(fine)), np.float32
        ),
        airway=_airway(points, patient) + 0.8 * soft,
        planes=np.asarray(1.0 - 4.0 * np.abs(soft + 0.35 * fine), np.float32),
    )


def _arch(mirrored: Points, z: float, radius: float) -> Array:
    """Return the distance from a dental arch at a height."""
    return union(
        capsule(mirrored, (28, -44, z), (18, -68, z), (radius, radius)),
        capsule(mirrored, (18, -68, z), (0, -78, z), (radius, radius)),
    )


def _muscles(points: Points, mirrored: Points) -> Array:
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


def _airway(points: Points, patient: Patient) -> Array:
    mouth = ellipsoid(points, (0, -56, -83), (17, 20, 5.5 * patient.sinus))
    return union(
        ellipsoid(points, (0, -18, -72), (12, 9, 13)),
        ellipsoid(points, (0, -9, -92), (13, 6.5, 20)),
        ellipsoid(points, (0, -4, -120), (11, 8, 18)),
        mouth,
    )


def paint_neck(
    hu: Array, skull: Skull, neck: Neck, points: Points, patient: Patient, texture: Array
) -> None:
    """Paint face and neck where neither bone of the vault nor what is in it lies.

    Args:
        hu: [rows, columns, planes], changed.
        skull: at the pixels.
        neck: at the pixels.
        points: of the pixels.
        patient: who.
        texture: fine, at the pixels.
    """
    reach = ramp(-points.z, 58, 12)
    bone = cover(-skull.depth - skull.thickness * ramp(points.z, -64, 12) - 4, 1.5)
    bone = np.maximum(bone * ramp(points.z, -70, 8), cover(-skull.depth - np.float32(3.5), 1.5))
    free = reach * (1 - np.maximum(bone, 0))
    free *= np.maximum(cover(skull.base, 1.5), cover(skull.depth, 1.5))
    within = free * cover(neck.outline, 2.0)
    blend(hu, free * (1 - cover(neck.outline, 2.0)) * ramp(-points.z, 70, 8), AIR_HU)
    blend(hu, within, 30.0)
    deep = within * cover(neck.outline + np.float32(2.0), 1.5)
    blend(hu, deep, FAT_HU + 12 * texture)
    lean = np.float32(patient.muscle_hu) + 5 * texture
    blend(hu, deep * cover(np.maximum(neck.muscle, neck.planes), 1.5), lean)
    blend(hu, deep * cover(neck.tongue, 1.5), lean + 4 * texture)
    blend(hu, deep * cover(np.abs(neck.airway - 2.5) - 2.5, 1.5), lean - 6)
    blend(hu, deep * cover(neck.gland, 2.0), GLAND_HU + 10 * texture)
    blend(hu, deep * cover(neck.vessel, 1.5), 44 + patient.haematocrit_hu)
    blend(hu, deep * cover(neck.airway, 1.2), AIR_HU)
    blend(hu, deep * cover(neck.bone, 1.2), JAW_HU)
    blend(hu, deep * cover(neck.bone + np.float32(2.6), 1.2), 450 + 150 * texture)
    tooth = FILLING_HU if "filling" in patient.mimics else TOOTH_HU
    blend(hu, deep * cover(neck.tooth, 1.2), tooth)
    ring = cover(-skull.depth - np.float32(3.5), 1.5) * cover(skull.depth, 1.5)
    blend(hu, ring * ramp(-points.z, 72, 6), TABLE_HU * 0.8)
