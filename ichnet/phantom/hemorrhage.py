"""Hemorrhages in 3-D: where each subtype may lie, and how it fills that place to a given volume.

A lesion is the part of its admissible space where a level function is below a level; the level is
the quantile at which the volume on a coarse grid is the wanted one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.head import Anatomy, Array, Points, dissect, make_points
from ichnet.phantom.patient import Lesion, Patient
from ichnet.subtypes import bit_of

GRID_MM = 2.0
"""Step of the grid on which volumes are set; lesions themselves have no grid."""

OEDEMA_HU = -13.0
"""Change of density around an intraparenchymal clot."""

OEDEMA_REACH = 1.35
"""How far oedema reaches beyond the clot, in units of its level."""

DURA_MM = 0.6
"""Blood starts below the dura's and the table's surface."""

CORONAL_SUTURE_Y_MM = -22.0
LAMBDOID_SUTURE_Y_MM = 52.0
"""Dura is fixed to the skull at sutures: epidural blood does not cross them."""


@dataclass(frozen=True)
class Placed:
    """A lesion with its place and the level that gives it its volume."""

    lesion: Lesion
    centre: tuple[float, float, float]
    extent: float
    level: float


def place_lesions(patient: Patient) -> tuple[Placed, ...]:
    """Give each lesion a place and the level that fills its volume."""
    if not patient.lesions:
        return ()
    # multiples of four: texture is evaluated on blocks of four by four points
    counts = [4 * round(half * 2.1 / GRID_MM / 4) for half in (70, 88, 80)]
    steps = [GRID_MM * (np.arange(n, dtype=np.float32) - (n - 1) / 2) for n in counts]
    x, y, z = np.meshgrid(*steps, indexing="ij")
    # one plane after another below each other: a grid of two dimensions
    planes = (axis.reshape(-1, axis.shape[-1]) for axis in (x, y, z))
    points = make_points(patient, *planes)
    grid = dissect(points.where(points.depth > 0), patient)
    return tuple(_place(grid, lesion) for lesion in patient.lesions)


def _place(grid: Anatomy, lesion: Lesion) -> Placed:
    rng = np.random.default_rng(lesion.seed)
    centre = _draw_centre(rng, lesion)
    # a larger collection is wider as well as thicker
    extent = float(14 + 7.5 * np.log1p(lesion.volume_ml))
    placed = Placed(lesion, centre, extent, np.inf)
    allowed = _admissible(grid, placed)
    levels = np.sort(_level(grid.points, placed)[allowed])
    wanted = round(lesion.volume_ml * 1000 / GRID_MM**3)
    level = float(levels[np.clip(wanted, 1, len(levels)) - 1])
    return Placed(lesion, centre, extent, level)


def _draw_centre(rng: np.random.Generator, lesion: Lesion) -> tuple[float, float, float]:
    """Draw where a lesion is: the published sites of each subtype, roughly."""
    side = lesion.side
    centre: list[float]
    if lesion.subtype == "IPH":
        site = rng.random()
        if site < 0.6:
            centre = [side * 23, 2, 6]
        elif site < 0.88:
            centre = [side * rng.uniform(28, 42), rng.uniform(-40, 45), rng.uniform(8, 38)]
        elif site < 0.96:
            centre = [side * 24, 44, -28]
        else:
            centre = [0, 18, -26]
        spread = 4.0
    elif lesion.subtype == "EDH":
        centre, spread = [side * 64, rng.choice([6.0, 18.0]), rng.uniform(-8, 24)], 4.0
    elif lesion.subtype == "SDH":
        centre, spread = [side * 60, rng.uniform(-30, 30), rng.uniform(5, 42)], 4.0
    elif lesion.subtype == "SAH":
        basal = rng.random() < 0.5
        centre = [0, -14, -24] if basal else [side * 40, rng.uniform(-30, 30), rng.uniform(-8, 40)]
        spread = 5.0
    else:
        centre, spread = [side * 12, 0, 10], 0.0
    drawn = np.asarray(centre, float) + rng.normal(0, spread, 3)
    return float(drawn[0]), float(drawn[1]), float(drawn[2])


def _admissible(anatomy: Anatomy, placed: Placed) -> NDArray[np.bool_]:
    """Return where this lesion may be."""
    points, inside = anatomy.points, anatomy.inside
    subtype, side = placed.lesion.subtype, placed.lesion.side
    if subtype == "IVH":
        return anatomy.ventricles
    if subtype == "IPH":
        return inside & ~anatomy.ventricles & (points.depth > 3)
    if subtype == "SAH":
        return anatomy.cisterns & (points.depth > DURA_MM)
    own_side = inside & (points.x * side > 2.0) & (points.depth > DURA_MM)
    profile = _profile(points, placed)
    if subtype == "EDH":
        between = (points.y > CORONAL_SUTURE_Y_MM) & (points.y < LAMBDOID_SUTURE_Y_MM)
        return own_side & between & (profile > 0)
    return own_side & (profile > 0)


def _level(points: Points, placed: Placed) -> Array:
    """Return the function whose small values the lesion fills."""
    subtype = placed.lesion.subtype
    if subtype == "IVH":
        # supine: blood settles at the back, its surface is level
        return np.negative(points.y)
    if subtype == "IPH":
        stretched = _offset(points, placed, (1.0, 1.25, 1.1))
        uneven = 1 + 0.16 * points.waves[1] + 0.1 * points.waves[0]
        return np.asarray(stretched * uneven, np.float32)
    if subtype == "SAH":
        uneven = 1 + 0.3 * points.waves[1]
        return np.asarray(_offset(points, placed, (1.0, 1.0, 1.0)) * uneven, np.float32)
    return np.asarray(points.depth / np.maximum(_profile(points, placed), 1e-3), np.float32)


def _offset(points: Points, placed: Placed, stretch: tuple[float, float, float]) -> Array:
    total = np.zeros_like(points.x)
    for axis, centre, factor in zip(
        (points.x, points.y, points.z), placed.centre, stretch, strict=True
    ):
        total += ((axis - centre) / factor) ** 2
    return np.sqrt(total, dtype=np.float32)


def _profile(points: Points, placed: Placed) -> Array:
    """Return the relative thickness of a collection along the inner table, 0 at its rim.

    A lens for EDH; a long, evenly thick crescent for SDH.
    """
    distance = _offset(points, placed, (1.0, 1.0, 1.0))
    if placed.lesion.subtype == "EDH":
        return np.asarray(1 - (distance / (0.75 * placed.extent)) ** 2, np.float32)
    even = np.sqrt(np.clip(1 - (distance / (1.1 * placed.extent)) ** 2, 0, None))
    return np.asarray(even * (1 + 0.12 * points.waves[1]), np.float32)


def paint_lesions(hu: Array, anatomy: Anatomy, placed: tuple[Placed, ...]) -> NDArray[np.uint8]:
    """Paint lesions into ``hu`` and return their mask bits, uint8 of the same shape."""
    points = anatomy.points
    bits = np.zeros(hu.shape, np.uint8)
    for one in placed:
        # where a level function is a quotient, it is meaningful inside the admissible space only
        allowed = _admissible(anatomy, one)
        level = _level(points, one)
        clot = allowed & (level <= one.level)
        if one.lesion.subtype == "IPH":
            oedema = allowed & ~clot & (level <= OEDEMA_REACH * one.level) & (hu > 24) & (hu < 50)
            hu[oedema] += OEDEMA_HU
        hu[clot] = one.lesion.hu + 3 * points.waves[0][clot]
        bits[clot] |= bit_of(one.lesion.subtype)
    return bits
