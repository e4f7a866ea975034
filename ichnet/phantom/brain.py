"""Shape of brain, ventricles and cisterns, as signed distances from their surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.dura import Dura
from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    both_sides,
    capsule,
    ellipsoid,
    ramp,
    union,
)
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull

HEMISPHERE = ((30.0, 0.0, 10.0), (37.0, 80.0, 64.0))
"""Centre and semi-axes, mm, of the ellipsoid of the left hemisphere, onto which sulci are drawn."""

FOLD_SLOPE_MM = 4.4
"""Converts values of the folding texture to distances from a sulcus in mm."""


@dataclass(frozen=True, eq=False)
class Brain:
    """Signed distances, mm, from surfaces of the brain; negative inside unless said otherwise.

    Attributes:
        surface: depth below the brain's outer surface, which skull, skull base and extra-axial
            collections bound; positive inside.
        middle: distance from the interhemispheric fissure, positive to the left.
        core: distance from the parts that join the hemispheres (corpus callosum, diencephalon).
        fold: signed distance from the centre sheet of the nearest sulcus.
        reach: depth of that sulcus.
        insula, sylvian: signed distances from the centre sheets of the insular cistern and of the
            Sylvian fissure.
        patch: distance from the rim of the insula.
        ventricles, stem, ambient, cerebellum: distances from ventricles, brain stem, ambient and
            quadrigeminal cisterns, and cerebellum.
        star: distance from the suprasellar cistern, which is star-shaped.
        column: distance from the brain stem extended upwards into the thalami.
        fossa: distance from the infratentorial space (posterior fossa and tentorial opening).
        nuclei: distance from the deep grey matter.
        folia: texture of the cerebellar folia, of unit variance.
    """

    surface: Array
    middle: Array
    core: Array
    fold: Array
    reach: Array
    insula: Array
    sylvian: Array
    patch: Array
    ventricles: Array
    stem: Array
    column: Array
    star: Array
    ambient: Array
    cerebellum: Array
    fossa: Array
    nuclei: Array
    folia: Array


def brain_of(
    points: Points,
    moved: Points,
    skull: Skull,
    dura: Dura,
    pressed: Array,
    textures: Textures,
    patient: Patient,
) -> Brain:
    """Return the distances from the brain's surfaces at points of the head.

    Args:
        points: positions in the head.
        moved: for each point, where its tissue lay before lesions shifted it.
        skull: distances of the skull's surfaces at the points.
        dura: distances of the dura's sheets at the points.
        pressed: mm by which extra-axial collections press the brain's surface inwards.
        textures: random textures of the patient's head.
        patient: the patient whose head is drawn.
    """
    x, y, z, side = moved.x, moved.y, moved.z, moved.side
    soft, slow = textures.soft.on(moved), textures.slow.on(moved)
    mirrored = both_sides(moved)
    middle = x + 1.6 * slow + 0.5 * soft
    on_surface = _on_hemisphere(moved, 2.2 * soft)
    column = _stem(moved)
    stem = np.maximum(column, moved.z + 4)  # higher up it is part of the hemispheres
    insula_x = 38.5 - 0.004 * (y + 2) ** 2 + 1.5 * soft
    # in the opening, the midbrain lies between the temporal lobes
    opening = np.minimum(-dura.hiatus, points.z + 27)
    return Brain(
        surface=np.minimum(skull.depth - pressed, 0.9 * skull.base),
        middle=np.asarray(middle, np.float32),
        core=union(
            ellipsoid(moved, (0, 2, 4), (60, 37, 22)),
            ellipsoid(moved, (0, 8, -14), (60, 32, 20)),
            smooth_mm=6,
        ),
        fold=np.float32(FOLD_SLOPE_MM) * textures.fold.at(*on_surface),
        reach=np.asarray(12 + 4.5 * textures.deep.at(*on_surface), np.float32),
        insula=np.asarray(side - insula_x, np.float32),
        sylvian=np.asarray(z + 4 - 0.42 * (y + 12) + 3.6 * soft + 3 * slow, np.float32),
        patch=ellipsoid(moved, (0, -3, 6), (90, 24, 17)) + 2.5 * soft,
        ventricles=_ventricles(mirrored, moved, patient) + 0.5 * soft,
        stem=np.asarray(stem, np.float32),
        column=column,
        star=_star(moved, soft, patient),
        ambient=_ambient(moved, column, soft, patient),
        cerebellum=_cerebellum(moved, soft, patient),
        fossa=np.maximum(np.maximum(dura.tent, -dura.behind), opening),
        nuclei=_nuclei(mirrored) + 0.8 * soft,
        folia=textures.cells.at(0.5 * x, 1.2 * y - 0.4 * z, 1.5 * z + 0.3 * side),
    )


def _on_hemisphere(points: Points, wiggle: Array) -> tuple[Array, Array, Array]:
    """Return points projected radially onto the hemisphere's surface, where sulci begin."""
    (cx, cy, cz), (rx, ry, rz) = HEMISPHERE
    x = (points.side + wiggle - np.float32(cx)) / np.float32(rx)
    y = (points.y + wiggle - np.float32(cy)) / np.float32(ry)
    z = (points.z - wiggle - np.float32(cz)) / np.float32(rz)
    far = np.sqrt(x * x + y * y + z * z)
    x, y, z = (np.float32(r) * v / np.maximum(far, 0.2) for r, v in ((rx, x), (ry, y), (rz, z)))
    # the two sides are not mirror images
    return np.where(points.x > 0, x, x + np.float32(500)), y, z


def _ventricles(mirrored: Points, points: Points, patient: Patient) -> Array:
    wide = 0.75 + 0.95 * patient.atrophy
    up = 1.0 + 0.35 * patient.atrophy
    frontal = capsule(mirrored, (4.5 * wide, -4, 13), (11.5, -33, 9), (3.6 * wide, 2.6 * wide))
    body = capsule(
        mirrored, (5.5 * wide, -10, 17 * up), (13, 20, 21 * up), (4.2 * wide, 4.6 * wide)
    )
    atrium = capsule(mirrored, (13, 20, 20 * up), (25, 34, 9), (4.6 * wide, 5.6 * wide))
    occipital = capsule(mirrored, (25, 34, 8), (21, 56, 5), (5.0 * wide, 1.4 * wide))
    temporal = capsule(mirrored, (27, 32, 4), (33, 4, -14), (3.6 * wide, 1.3 * wide))
    tip = capsule(mirrored, (33, 4, -14), (27, -12, -19), (1.3 * wide, 0.9 * wide))
    lateral = union(frontal, body, atrium, occipital, temporal, tip, smooth_mm=3)
    caudate = ellipsoid(mirrored, (13.5 + 2.5 * wide, -17, 10), (6, 13, 9))
    lateral = np.maximum(lateral, -caudate)
    lateral = np.maximum(lateral, np.float32(0.9) - mirrored.x)  # the septum
    third = ellipsoid(points, (0, 3, -1), (1.3 + 2.6 * patient.atrophy, 14, 10))
    fourth = ellipsoid(mirrored, (0, 31, -36), (7.5 * wide, 4 + 1.5 * wide, 9))
    return np.asarray(
        union(lateral, third, fourth) - np.float32(patient.hydrocephalus_mm), np.float32
    )


def _stem(points: Points) -> Array:
    """Return the distance from midbrain, pons and medulla, with the interpeduncular notch."""
    x, y, z = points.x, points.y, points.z
    pons = np.exp(-(((z + 33) / 10) ** 2))
    low = ramp(-z, 47, 18)
    centre_y = 14.5 - 1.5 * pons + 13 * low
    half_x = 16.5 + 1.5 * pons - 7.5 * low
    half_y = 12.0 + 2.5 * pons - 4.5 * low
    norm = np.sqrt((x / half_x) ** 2 + ((y - centre_y) / half_y) ** 2)
    stem = (norm - 1) * np.minimum(half_x, half_y)
    notch = ellipsoid(points, (0, 1, -17), (3.4, 6.5, 9))
    return np.asarray(np.maximum(stem, -notch), np.float32)


def _star(points: Points, soft: Array, patient: Patient) -> Array:
    """Return the distance from the suprasellar cistern: a star with five or six rays."""
    x, y, z = points.x, points.y + 7, points.z
    angle = np.arctan2(x, -y)
    reach = 12.5 + 3.6 * np.cos(5 * angle) + 4 * patient.atrophy
    flat = np.sqrt(x * x + y * y) / reach
    deep = (z + 25) / (10.5 + 2 * patient.atrophy)
    valley = union(
        (np.sqrt(flat * flat + deep * deep) - 1) * np.float32(9.5),
        # stems of both Sylvian fissures
        capsule(both_sides(points), (9, -14, -22), (31, -20, -17), (2.4, 1.6)),
        smooth_mm=4,
    )
    return np.asarray(valley + 0.8 * soft, np.float32)


def _ambient(points: Points, stem: Array, soft: Array, patient: Patient) -> Array:
    """Return the distance from the ambient (thin) and quadrigeminal (wide) cisterns."""
    back = ramp(points.y, 24, 9) * ramp(-points.side, -11, 9) * ramp(points.z, -19, 8)
    wide = 0.9 + 2.6 * back + 1.2 * patient.atrophy
    ring = stem - wide - 0.5 * soft
    behind = np.float32(8) - points.y
    height = np.abs(points.z + 15) - 11
    ring = np.maximum(np.maximum(ring, behind), height)
    velum = ellipsoid(points, (0, 31, -1), (8 + 3 * patient.atrophy, 6, 5))
    return union(ring, velum, smooth_mm=3)


def _cerebellum(points: Points, soft: Array, patient: Patient) -> Array:
    lobes = ellipsoid(both_sides(points), (24, 43, -36), (38, 38, 40))
    vermis = ellipsoid(points, (0, 45, -24), (16, 25, 28))
    valley = ellipsoid(points, (0, 74, -60), (9, 16, 22))
    lobes = union(lobes, vermis, smooth_mm=8)
    shrunk = np.maximum(lobes, -valley) + 1.2 * patient.atrophy
    return np.asarray(shrunk + 0.6 * soft, np.float32)


def _nuclei(mirrored: Points) -> Array:
    """Return the distance from caudate, lentiform nucleus and thalamus."""
    lentiform = ellipsoid(mirrored, (25, -3, 3), (6.5, 15, 9))
    shape = np.maximum(lentiform, 18.5 - 0.22 * (mirrored.y + 3) - mirrored.x)
    caudate = capsule(mirrored, (12.5, -19, 9), (19, 10, 24), (5.5, 2.0))
    thalamus = ellipsoid(mirrored, (10, 12, 4), (8.5, 14, 9))
    return union(shape, caudate, thalamus)
