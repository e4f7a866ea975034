"""Shape and density of vault, skull base and scalp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    cover,
    ramp,
)
from ichnet.phantom.patient import Patient

INNER_TABLE_MM = (66.0, 83.0, 76.0)
"""Semi-axes of the cranial cavity; below the centre the vertical one is ``BELOW_MM``."""

BELOW_MM = 96.0
BASE_TOP_MM = -8.0
"""Highest z of the skull base."""

CANAL_TOP_MM = -62.0
"""Upper end of the spinal canal."""

AIR_HU, FAT_HU, MUSCLE_HU, SKIN_HU, SPONGE_HU = -1000.0, -100.0, 52.0, 35.0, 420.0
TABLE_HU, DIPLOE_HU, SUTURE_HU = 1150.0, 750.0, 250.0


@dataclass(frozen=True, eq=False)
class Skull:
    """Distances from the skull's surfaces, and its thickness, mm; arrays of one shape.

    Attributes:
        depth: depth below the inner table of the vault; negative outside.
        base: height above the skull base.
        thickness: thickness of the vault's bone.
        scalp: thickness of the soft tissue over the vault.
        suture: distance from the nearest suture.
        frontal: distance from the frontal sinus; negative inside.
    """

    depth: Array
    base: Array
    thickness: Array
    scalp: Array
    suture: Array
    frontal: Array


def skull_of(points: Points, textures: Textures, patient: Patient) -> Skull:
    """Return the distances from the skull's surfaces at points of the head."""
    x, y, z, side = points.x, points.y, points.z, points.side
    soft, slow = textures.soft.on(points), textures.slow.on(points)
    back_ridge = np.exp(-((x / 6) ** 2)) * ramp(y, 66, 20) * np.exp(-(((z + 16) / 15) ** 2))
    front_crest = np.exp(-((x / 3) ** 2)) * ramp(-y, 64, 12) * np.exp(-(((z + 4) / 22) ** 2))
    # impressions of the gyri in the inner table, deeper at the base
    depth = points.keep(vault_depth) - 5.5 * back_ridge - 4.0 * front_crest + 0.5 * soft
    if z.min() < CANAL_TOP_MM:
        # the vault ends at the occiput; below, the spinal canal is what bone surrounds
        canal = np.minimum(12.5 - np.hypot(0.9 * side, y - 31), -z + CANAL_TOP_MM)
        depth = np.maximum(depth - 70 * ramp(-z, 76, 12), canal)
    squama = (
        ramp(side, 48, 14) * ramp(y, -32, 16) * ramp(-y, -34, 20) * np.exp(-(((z + 8) / 26) ** 2))
    )
    thickness = patient.skull_mm * (1 + 0.12 * slow - 0.5 * squama) + 1.5 * ramp(np.abs(y), 62, 24)
    temporal = ramp(side, 44, 12) * ramp(y, -58, 18) * ramp(-y, -20, 30) * ramp(-z, -14, 50)
    nape = ramp(y, 42, 26) * ramp(-z, 30, 34)
    face = ramp(-y, 30, 30) * ramp(-z, 26, 26)
    scalp = patient.scalp_mm * (1 + 0.14 * slow) + 5.5 * temporal + 18 * nape + 6 * face
    return Skull(
        depth=depth,
        base=_above_base(points, textures, soft, patient),
        thickness=np.asarray(thickness, np.float32),
        scalp=np.asarray(scalp, np.float32),
        suture=suture_distance(points, textures),
        frontal=_frontal_sinus(points, depth, soft, patient),
    )


def vault_depth(points: Points) -> Array:
    """Return the depth below the inner table, measured along the ray from the centre, mm."""
    x, y, z = points.x, points.y, points.z
    width = INNER_TABLE_MM[0] * (1 - 0.15 * ramp(-y, 46, 84) - 0.04 * ramp(y, 60, 60))
    high = np.where(z > 0, np.float32(1 / INNER_TABLE_MM[2]), np.float32(1 / BELOW_MM))
    total = np.zeros_like(x)
    for part in (np.abs(x / width), np.abs(y) / np.float32(INNER_TABLE_MM[1]), np.abs(z) * high):
        total += part * part * np.sqrt(np.sqrt(part))
    radius = np.sqrt(x * x + y * y + z * z)
    share = np.maximum(total ** np.float32(1 / 2.25), np.float32(1e-3))
    return np.asarray(radius / share - radius, np.float32)


def _above_base(points: Points, textures: Textures, soft: Array, patient: Patient) -> Array:
    """Return the distance above the skull base: a height field over x and y with foramen magnum."""
    if points.z.min() > BASE_TOP_MM + 12:
        return np.asarray(points.z - np.float32(BASE_TOP_MM), np.float32)
    side, y = points.side, points.y
    height = base_height(side, y) + _clinoids(side, y, patient)
    steep = (base_height(side + 1, y) - height) ** 2 + (base_height(side, y + 1) - height) ** 2
    ridges = 0.7 * soft + 0.5 * textures.fine.on(points)
    rough = np.float32(patient.base_rough_mm) * (0.35 + 0.65 * ramp(-y, -10, 30))
    above = points.z - height - rough * ridges
    # a slope matters to a distance near the surface only
    above = above / np.sqrt(1 + steep / (1 + (above / 12) ** 2))
    canal = 15 - np.sqrt((0.9 * side) ** 2 + (0.85 * (y - 31)) ** 2)
    return np.asarray(np.maximum(above, canal), np.float32)


def _clinoids(side: Array, y: Array, patient: Patient) -> Array:
    """Return the height of clinoid processes and dorsum sellae over the skull base, mm."""
    high = np.float32(3 + 9 * patient.sinus)
    front = np.exp(-(((side - 10) / 6) ** 2) - ((y + 22) / 7) ** 2)
    back = np.exp(-((side / 10) ** 2) - ((y + 3) / 3.5) ** 2)
    return np.asarray(high * (front + back), np.float32)


def petrous_line(side: Array) -> Array:
    """Return y of the petrous ridge at a distance from the midsagittal plane."""
    return np.asarray(2 + 0.52 * np.maximum(side - 8, 0), np.float32)


def base_height(side: Array, y: Array) -> Array:
    """Return z of the skull base: three fossae, separated by sphenoid and petrous ridges."""
    front = -27 + 8 * np.exp(-(((side - 29) / 15) ** 2)) - 4 * np.exp(-((side / 8) ** 2))
    middle = -48 + 17 * np.exp(-((side / 12) ** 2))
    back = -69 + 0.0035 * side**2 + 0.004 * (y - 34) ** 2
    wing_y = -37 + 16 * np.exp(-((side / 15) ** 2)) + 13 * ramp(side, 56, 24)
    ridge_y = petrous_line(side)
    height = front + ramp(y - wing_y, 0, 7) * (middle - front)
    height += 3 * np.exp(-(((y - wing_y) / 4) ** 2)) * ramp(side, 14, 10)
    height += ramp(y - ridge_y, 0, 9) * (back - height)
    ridge = -26 - 0.10 * np.maximum(side - 34, 0) - 1.15 * np.abs(y - ridge_y)
    height = np.maximum(height, np.where(np.abs(y - ridge_y) < 34, ridge, -200))
    return np.asarray(height, np.float32)


def suture_distance(points: Points, textures: Textures) -> Array:
    """Return the distance from the nearest of coronal, sagittal and lambdoid suture."""
    zigzag = textures.fine.on(points)
    coronal, lambdoid = suture_lines(points)
    sagittal = np.where(points.z > 20, points.side + 6 * (1 - ramp(points.y, -16, 8)), 99)
    sagittal = np.where(points.y > 62, 99, sagittal)
    nearest = np.minimum(np.minimum(np.abs(coronal), np.abs(lambdoid)), np.abs(sagittal))
    return np.asarray(np.abs(nearest + 0.9 * zigzag), np.float32)


def suture_lines(points: Points) -> tuple[Array, Array]:
    """Return the distances along y behind the coronal and the lambdoid suture."""
    coronal = points.y + 6 + 0.32 * points.side
    lambdoid = points.y - 70 + 0.42 * points.side + 0.25 * np.minimum(points.z - 20, 0)
    return np.asarray(coronal, np.float32), np.asarray(lambdoid, np.float32)


def _frontal_sinus(points: Points, depth: Array, soft: Array, patient: Patient) -> Array:
    wide = 10 + 16 * patient.sinus
    high = 10 + 22 * patient.sinus
    across = np.sqrt((points.x / wide) ** 2 + ((points.z + 24) / high) ** 2) - 1 + 0.25 * soft
    septum = 1.2 - np.abs(points.x + 2 * soft)
    between = np.abs(depth + 0.55 * patient.skull_mm + 2.5) - 2.2
    front = np.where(points.y < -40, 0, 60)
    return np.asarray(np.maximum(np.maximum(10 * across, between), septum) + front, np.float32)


def blend(hu: Array, share: Array, value: float | np.float32 | Array) -> None:
    """Blend a density into ``hu``, in place: ``hu + share * (value - hu)``."""
    change = np.asarray(value, np.float32) - hu
    change *= share
    hu += change


def paint_vault(hu: Array, skull: Skull, textures: tuple[Array, Array], width: Array) -> None:
    """Paint scalp and vault.

    Args:
        hu: density so far in HU, [rows, columns, planes]; changed in place.
        skull: distances of the skull's surfaces at the pixels.
        textures: ``soft`` and ``fine`` texture at the pixels.
        width: width of blurred surfaces, mm, [rows, columns, planes].
    """
    soft, fine = textures
    outer = -skull.depth - skull.thickness  # above the outer table
    skin = outer - skull.scalp
    blend(hu, cover(skin, width), SKIN_HU)
    inner_fat = cover(skin + np.float32(1.9), width)
    blend(hu, inner_fat, np.float32(-85) + 12 * fine)
    # galea, and muscle where there is much to cover
    lean = np.maximum(skin + np.float32(3.6), 8.0 - skull.scalp + 1.5 * fine)
    planes_of_fat = np.where(skull.scalp > 14, 0.9 - 4.5 * np.abs(soft + 0.35 * fine), -9)
    lean = cover(np.maximum(lean, planes_of_fat), 1.5)
    blend(hu, lean, MUSCLE_HU + 6 * fine)
    blend(hu, cover(np.abs(outer - np.float32(2.2)) - np.float32(0.4), 1.5), 20.0)
    bone = cover(outer, width)
    blend(hu, bone, TABLE_HU)
    middle = np.abs(outer + np.float32(0.5) * skull.thickness)
    sponge = cover(middle - (0.5 * skull.thickness - np.float32(1.7)), 1.2)
    blend(hu, sponge * bone, DIPLOE_HU + 170 * fine + 90 * soft)
    blend(hu, cover(skull.suture - np.float32(0.7), 1.2) * bone * (skull.depth > -30), SUTURE_HU)
    blend(hu, cover(skull.frontal - np.float32(1.2), 1.0) * cover(outer + 1.0, 1.0), TABLE_HU)
    blend(hu, cover(skull.frontal, 1.0) * cover(outer + np.float32(1.5), 1.0), AIR_HU)
