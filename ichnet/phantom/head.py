"""A head as functions of a point in the patient's frame: analytic, no image is stored.

Axes are DICOM's: x to the patient's left, y to the back, z to the head, in mm from the middle of
the brain. Every function takes arrays of points and returns arrays of their shape, so that any
slice, tilted or not, is evaluated on its own points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.patient import Patient

Array = NDArray[np.float32]

INNER_TABLE_MM = (66.0, 84.0, 78.0)
"""Half axes of the cranial cavity."""

SCALP_MM = 6.0
WAVELENGTHS_MM = (17.0, 23.0, 40.0)
BASE_Z_MM = -46.0
"""Height of the skull base; below it is face, bone and neck."""

AIR, FAT, CSF, WHITE, GREY, DURA, MUSCLE = -1000.0, -100.0, 10.0, 30.0, 37.0, 54.0, 52.0
TABLE_HU, DIPLOE_HU, CALCIFICATION_HU = 1000.0, 650.0, 160.0


@dataclass(frozen=True, eq=False)
class Points:
    """Points of the patient's frame with what most functions need of them; arrays of one shape.

    Attributes:
        x, y, z: mm.
        depth: mm below the inner table along the ray from the middle; negative outside.
        waves: three smooth fields with wavelengths of a gyrus and more, about -1 to 1.
    """

    x: Array
    y: Array
    z: Array
    depth: Array
    waves: tuple[Array, Array, Array]

    def mirrored(self) -> Points:
        """Return the points with both sides folded onto the left one."""
        return replace(self, x=np.abs(self.x))

    def where(self, chosen: NDArray[np.bool_]) -> Points:
        """Return the chosen points, one-dimensional."""
        waves = (self.waves[0][chosen], self.waves[1][chosen], self.waves[2][chosen])
        return Points(self.x[chosen], self.y[chosen], self.z[chosen], self.depth[chosen], waves)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Points and the spaces they belong to, which tissue and lesions both ask for.

    Attributes:
        points: where.
        inside: in the cranial cavity.
        ventricles, cisterns: in the inner and outer spaces of CSF.
    """

    points: Points
    inside: NDArray[np.bool_]
    ventricles: NDArray[np.bool_]
    cisterns: NDArray[np.bool_]


def make_points(patient: Patient, x: Array, y: Array, z: Array) -> Points:
    """Return the points of a plane (or any arrays of two dimensions) with depth and texture."""
    rng = np.random.default_rng(patient.seed)
    skew = np.float32(rng.normal(0, 0.02))
    half = [np.float32(a * f) for a, f in zip(INNER_TABLE_MM, patient.size, strict=True)]
    # a superellipsoid of exponent 2.5: a little boxier than an ellipsoid, as heads are
    parts = [np.abs(part) for part in (x / half[0], (y + skew * x) / half[1], z / half[2])]
    rho = sum(part * part * np.sqrt(part) for part in parts) ** np.float32(0.4)
    radius = np.sqrt(x * x + y * y + z * z)
    depth = radius / np.maximum(rho, np.float32(1e-3)) - radius
    waves = [_waves(rng, x, y, z, wavelength) for wavelength in WAVELENGTHS_MM]
    return Points(x, y, z, depth, (waves[0], waves[1], waves[2]))


def dissect(points: Points, patient: Patient) -> Anatomy:
    """Return which spaces the points belong to."""
    inside = intracranial(points)
    inner = inside & ventricles(points, patient)
    return Anatomy(points, inside, inner, cisterns(points, patient) & inside & ~inner)


def _waves(rng: np.random.Generator, x: Array, y: Array, z: Array, wavelength_mm: float) -> Array:
    """Return a smooth random field: plane waves of one length in random directions.

    Evaluated at every fourth point of both axes and interpolated: these are far closer than a
    wavelength.
    """
    directions = rng.normal(size=(4, 3))
    directions *= 2 * np.pi / wavelength_mm / np.linalg.norm(directions, axis=1, keepdims=True)
    phases = rng.uniform(0, 2 * np.pi, 4)
    rows, columns = x.shape
    coarse = (max(columns // 4, 1), max(rows // 4, 1))
    x, y, z = (
        np.asarray(cv2.resize(axis, coarse, interpolation=cv2.INTER_AREA), np.float32)
        for axis in (x, y, z)
    )
    total = np.zeros_like(x)
    for (kx, ky, kz), phase in zip(directions.astype(np.float32), phases, strict=True):
        total += np.sin(kx * x + ky * y + kz * z + np.float32(phase))
    field = cv2.resize(total / np.float32(2.0), (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field, np.float32)


def ellipsoid(
    points: Points, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Array:
    """Return the distance from ``centre`` in units of the radii: below 1 is inside."""
    squares = (
        ((points.x - centre[0]) / radii[0]) ** 2
        + ((points.y - centre[1]) / radii[1]) ** 2
        + ((points.z - centre[2]) / radii[2]) ** 2
    )
    return np.asarray(np.sqrt(squares), np.float32)


def intracranial(points: Points) -> NDArray[np.bool_]:
    """Return which points lie inside the inner table, above the skull base."""
    return (points.depth > 0) & (points.z > _base(points))


def _base(points: Points) -> Array:
    """Return the height of the skull base: deepest at the back, highest over the orbits."""
    return BASE_Z_MM - 0.12 * (points.y + 10) + 3 * points.waves[2]


def ventricles(points: Points, patient: Patient) -> NDArray[np.bool_]:
    """Return the lateral, third and fourth ventricles."""
    wide = 1 + 0.9 * patient.atrophy
    mirrored = points.mirrored()
    side = mirrored.x
    frontal = ellipsoid(mirrored, (9 + 2 * wide, -22, 12), (4.5 * wide, 17, 7 * wide)) < 1
    body = ellipsoid(mirrored, (11 + 2 * wide, 6, 17), (4.5 * wide, 26, 6 * wide)) < 1
    occipital = ellipsoid(mirrored, (20 + 2 * wide, 36, 8), (5 * wide, 18, 7 * wide)) < 1
    temporal = ellipsoid(mirrored, (30, 12, -14), (2.5 * wide, 14, 3.5 * wide)) < 1
    third = (side < 1.6 * wide) & (ellipsoid(points, (0, 2, 2), (9, 14, 10)) < 1)
    fourth = ellipsoid(points, (0, 34, -28), (7, 5, 8)) < 1
    septum = side < 1.0
    return ((frontal | body) & ~septum) | occipital | temporal | third | fourth


def cisterns(points: Points, patient: Patient) -> NDArray[np.bool_]:
    """Return the outer spaces of CSF: basal cisterns, fissures and sulci."""
    side = np.abs(points.x)
    suprasellar = ellipsoid(points, (0, -14, -26), (15, 12, 8)) + 0.25 * points.waves[1] < 1
    ambient = (np.abs(ellipsoid(points, (0, 10, -20), (19, 20, 22)) - 1) < 0.11) & (points.z < -4)
    sylvian_height = -6 + 0.35 * (points.y + 10) + 2.5 * points.waves[1]
    sylvian = (
        (np.abs(points.z - sylvian_height) < 1.6 + 1.6 * patient.atrophy)
        & (side > 28)
        & (points.y > -34)
        & (points.y < 22)
    )
    fissure = (side < 1.3 + patient.atrophy) & (points.depth < 42) & (points.z > -12)
    folds = np.abs(points.waves[0]) < 0.13 + 0.14 * patient.atrophy
    sulci = folds & (points.depth < 13 + 4 * points.waves[1])
    rim = points.depth < 1.2 + 1.5 * patient.atrophy
    return suprasellar | ambient | sylvian | fissure | sulci | rim


def falx(points: Points) -> NDArray[np.bool_]:
    """Return the falx and the tentorium."""
    middle = (np.abs(points.x) < 0.8) & (points.depth < 38) & (points.z > 2)
    tent_height = -12 + 0.22 * (points.y - 30) - 0.25 * np.abs(points.x)
    tent = (np.abs(points.z - tent_height) < 0.9) & (points.y > 28) & (np.abs(points.x) > 8)
    return middle | tent


def tissue_hu(anatomy: Anatomy, patient: Patient) -> Array:
    """Return the HU of a head without hemorrhage, float32."""
    points = anatomy.points
    hu = np.full(points.x.shape, AIR, np.float32)
    skull = -patient.skull_mm
    below = points.z <= _base(points)
    scalp = points.depth > skull - SCALP_MM * (1 + 0.3 * points.waves[2])
    hu[scalp] = np.where(points.waves[1][scalp] > 0.35, MUSCLE, FAT)
    _paint_face(hu, points, scalp & below)
    bone = (points.depth > skull) & (points.depth <= 0) & ~(below & (points.y < -20))
    diploe = bone & (np.abs(points.depth - skull / 2) < -skull * 0.22)
    hu[bone] = TABLE_HU
    hu[diploe] = DIPLOE_HU
    _paint_brain(hu, anatomy, patient)
    _paint_mimics(hu, points, patient, anatomy.inside)
    return hu


def _paint_face(hu: Array, points: Points, where: NDArray[np.bool_]) -> None:
    """Paint what lies below the skull base: muscle, petrous bones, sinuses, orbits."""
    hu[where] = np.where(points.waves[1][where] > 0.5, FAT, MUSCLE)
    side = np.abs(points.x)
    petrous = np.abs(points.y - 12 + 0.6 * (side - 30)) < 8
    clivus = ellipsoid(points, (0, 2, -50), (12, 8, 14)) < 1
    floor = points.z > _base(points) - 4
    hu[where & ((petrous & (side > 12) & (points.z > -62)) | clivus | floor)] = TABLE_HU * 0.8
    hu[where & (ellipsoid(points, (0, -50, -58), (13, 18, 12)) < 1)] = AIR
    mirrored = points.mirrored()
    hu[where & (ellipsoid(mirrored, (33, -62, -54), (15, 20, 14)) < 1)] = FAT
    hu[where & (ellipsoid(mirrored, (33, -68, -54), (11, 11, 11)) < 1)] = CSF
    hu[where & (ellipsoid(mirrored, (48, 22, -56), (8, 9, 9)) + 0.4 * points.waves[0] < 1)] = AIR


def _paint_brain(hu: Array, anatomy: Anatomy, patient: Patient) -> None:
    """Paint grey and white matter, deep nuclei, CSF and dura."""
    points, inside = anatomy.points, anatomy.inside
    hu[inside] = WHITE + 1.5 * points.waves[2][inside]
    cortex = inside & (points.depth < 5.5 + 3.5 * np.abs(points.waves[0]))
    hu[cortex] = GREY
    mirrored = points.mirrored()
    nuclei = (
        (ellipsoid(mirrored, (24, -4, 5), (6, 17, 11)) < 1)
        | (ellipsoid(mirrored, (9, 12, 6), (7, 12, 8)) < 1)
        | (ellipsoid(mirrored, (14, -16, 12), (4, 9, 8)) < 1)
    )
    hu[inside & nuclei] = GREY
    cerebellum = inside & (points.y > 22) & (points.z < -18)
    hu[cerebellum] = (WHITE + GREY) / 2 + 2.5 * points.waves[0][cerebellum]
    hu[anatomy.cisterns | anatomy.ventricles] = CSF
    hu[inside & falx(points)] = DURA + (12 if "falx" in patient.mimics else 0)
    sinus = ellipsoid(points, (0, 0.97 * INNER_TABLE_MM[1] * patient.size[1], 0), (5, 5, 26)) < 1
    hu[inside & sinus] = DURA


def _paint_mimics(hu: Array, points: Points, patient: Patient, inside: NDArray[np.bool_]) -> None:
    """Paint what is dense or dark without being blood."""
    mirrored = points.mirrored()
    if "pineal" in patient.mimics:
        hu[ellipsoid(points, (0, 24, 2), (2.5, 2.5, 3)) < 1] = CALCIFICATION_HU
    if "choroid" in patient.mimics:
        plexus = ellipsoid(mirrored, (23, 34, 8), (3, 5, 4)) + 0.3 * points.waves[0] < 1
        hu[inside & plexus] = CALCIFICATION_HU * 0.7
    if "infarct" in patient.mimics:
        place = np.random.default_rng(patient.seed + 1).uniform([-52, -40, 0], [52, 50, 40])
        infarct = ellipsoid(points, tuple(place), (17, 20, 18)) + 0.2 * points.waves[1] < 1
        hu[inside & infarct & (hu > CSF + 5) & (hu < DURA)] -= 14
