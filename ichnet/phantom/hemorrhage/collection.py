"""Epidural and subdural hematomas: blood between a surface and the brain.

EDH is a lens between bone and dura that thins out before sutures. SDH is a crescent that crosses
sutures and ends before the midline; it may also lie along falx or tentorium.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.dura import Dura, dura_of
from ichnet.phantom.field import Array, Points, Textures, Vector, cover
from ichnet.phantom.hemorrhage.grid import Grid, level_that_fills
from ichnet.phantom.hemorrhage.lesion import (
    ANYWHERE,
    Anatomy,
    Level,
    Placed,
    Surroundings,
    first_draws,
    under_vault,
)
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.skull import Skull, blend, skull_of, suture_lines

COLLECTIONS = ("EDH", "SDH")
DURAL_SITES = ("falx", "tentorium")
"""Locations of SDH along a sheet of dura rather than below the vault."""

EXTENT_MM: dict[str, tuple[float, float]] = {"EDH": (10.2, 19.1), "SDH": (10.4, 24.5)}
"""Published craniocaudal extent: the first number times the log of the volume in mL, plus the
second."""

THICKEST_MM: dict[str, float] = {"EDH": 34.0, "SDH": 26.0}

DURA_MM, SHEET_MM = 0.5, 0.6
"""Distance of blood from the inner table, and from a sheet of dura."""

SUTURE_MARGIN_MM = 2.5
"""Epidural blood ends this far from sutures, where dura is fixed to the skull."""


def place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw centre and extent of a collection."""
    first_draws(rng)
    slope, offset = EXTENT_MM[lesion.subtype]
    volume_ml = max(lesion.volume_ml, 0.1)
    half_z = 0.5 * max(slope * np.log(volume_ml) + offset, 11.0) * float(rng.normal(1, 0.08))
    stretch = 1.0 if lesion.subtype == "EDH" else float(rng.uniform(1.2, 1.7))
    if lesion.site == ANYWHERE:
        half_z *= float(rng.uniform(0.8, 1.7))
    return Placed(lesion, (_centre(rng, lesion),), (half_z * stretch, half_z))


def _centre(rng: np.random.Generator, lesion: Lesion) -> Vector:
    side = float(lesion.side)
    if lesion.site == ANYWHERE:
        x, y, z = under_vault(rng, 0.0)
        return side * x, y, z
    places = {
        "temporal": (62, 22 + rng.uniform(-8, 12), rng.uniform(-4, 18)),
        "frontal": (44, -56 + rng.uniform(-6, 4), rng.uniform(8, 36)),
        "parietal": (46, 30 + rng.uniform(-10, 10), rng.uniform(38, 52)),
        "occipital": (24, 78, rng.uniform(-24, 8)),
        "convexity": (58, rng.uniform(-32, 34), rng.uniform(14, 44)),
        "falx": (0, rng.choice([-46.0, 42.0]) + rng.uniform(-8, 8), rng.uniform(30, 48)),
        "tentorium": (30, 44 + rng.uniform(-6, 6), -12),
    }
    x, y, z = places[lesion.site]
    return side * float(x), float(y), float(z)


def level(around: Surroundings, placed: Placed) -> Level:
    """Return the depth below the surface that a collection lies on, and its thickness profile.

    The level function is depth divided by profile, so that thickness is proportional to the
    profile.
    """
    surface = surface_of(around.skull, around.dura, placed)
    return Level(surface, profile_of(around.points, placed, around.textures))


def surface_of(skull: Skull, dura: Dura, placed: Placed) -> Array:
    """Return mm below the surface that a collection lies on, positive towards the brain."""
    if placed.lesion.site == "falx":
        return np.asarray(placed.lesion.side * dura.falx - np.float32(SHEET_MM), np.float32)
    if placed.lesion.site == "tentorium":
        return np.asarray(dura.tent - np.float32(SHEET_MM), np.float32)
    return np.asarray(np.minimum(skull.depth, skull.base) - np.float32(DURA_MM), np.float32)


def profile_of(points: Points, placed: Placed, textures: Textures) -> Array:
    """Return the relative thickness of a collection, at most 1, below 0 beyond its rim."""
    lesion = placed.lesion
    (cx, cy, cz), (ry, rz) = placed.centres[0], placed.radii
    dx, dy, dz = points.x - cx, points.y - cy, points.z - cz
    if lesion.site == "tentorium":
        along = (dx / ry) ** 2 + (dy / ry) ** 2
    elif lesion.site == "falx":
        along = (dy / ry) ** 2 + (dz / rz) ** 2
    else:
        along = (np.sqrt(dx * dx + dy * dy) / ry) ** 2 + (dz / rz) ** 2
    rough = textures.soft.on(points)
    if lesion.subtype == "EDH":
        lens = 1 - along * (1 + 0.06 * rough)
        return np.asarray(np.minimum(lens, _within_sutures(points, placed)), np.float32)
    # a crescent is evenly thick up to its rim
    flat = np.sqrt(np.maximum(1 - along, 0)) - 2 * np.maximum(along - 1, 0)
    crescent = flat * (1 + 0.16 * rough)
    own_side = lesion.side * points.x
    midline = 0.25 * (own_side - 2.5) if lesion.site == "convexity" else 0.5 * (own_side - 0.5)
    return np.asarray(np.minimum(crescent, midline), np.float32)


def _within_sutures(points: Points, placed: Placed) -> Array:
    """Return an upper bound of an epidural profile that falls to 0 at the sutures."""
    coronal, lambdoid = suture_lines(points)
    at = Points(*(np.full(1, value, np.float32) for value in (*placed.centres[0], 0.0)))
    behind_coronal, behind_lambdoid = (line[0] > 0 for line in suture_lines(at))
    bound = placed.lesion.side * points.x - SUTURE_MARGIN_MM
    bound = np.minimum(bound, (coronal if behind_coronal else -coronal) - SUTURE_MARGIN_MM)
    bound = np.minimum(bound, (lambdoid if behind_lambdoid else -lambdoid) - SUTURE_MARGIN_MM)
    return np.asarray(0.14 * bound, np.float32)


def room(skull: Skull, dura: Dura, placed: Placed) -> NDArray[np.bool_]:
    """Return which points lie within the skull and on the collection's side of its surface."""
    inside = np.minimum(skull.depth, skull.base) > 0
    inside &= surface_of(skull, dura, placed) > 0
    if placed.lesion.site == "tentorium":
        inside &= dura.behind > 0
    return np.asarray(inside, bool)


def fill(
    patient: Patient, textures: Textures, placed: Placed, others: list[Placed]
) -> tuple[Placed, Patient]:
    """Set the thickness that gives a collection its volume; widen one that would be too thick."""
    grid = Grid.around(patient, textures, placed, margin_mm=1.5 * max(placed.radii))
    skull, dura = skull_of(grid.points, textures, patient), dura_of(grid.points, textures)
    surface, inside = surface_of(skull, dura, placed), room(skull, dura, placed)
    wanted = placed.lesion.volume_ml / grid.cell_ml
    thickest = THICKEST_MM[placed.lesion.subtype]
    thickness = thickest
    for _ in range(8):
        profile = profile_of(grid.points, placed, textures)
        within = inside & (profile > 0)
        if within.any():
            quotient = np.asarray(surface / np.maximum(profile, 1e-3), np.float32)
            thickness = level_that_fills(quotient, within, wanted)
            if thickness <= min(thickest, 0.8 * placed.radii[1] + 2):
                break
        placed = replace(placed, radii=(1.13 * placed.radii[0], 1.1 * placed.radii[1]))
    peak_mm = grid.peak(-profile, np.asarray(inside, np.float32))
    return replace(placed, level=min(thickness, thickest), peak_mm=peak_mm), patient


def paint(hu: Array, placed: Placed, level: Level, there: Anatomy, width: float) -> Array:
    """Paint a collection and return the share of each pixel that it fills.

    Args:
        hu: density so far in HU at the pixels; changed in place.
        placed: the collection in its place.
        level: its level function at the pixels.
        there: anatomy at the pixels.
        width: width of its blurred border, mm.
    """
    assert level.profile is not None
    thickness = np.float32(placed.level)
    thick = thickness * np.maximum(level.profile, 0)
    share = cover(level.far - thick, width) * cover(-level.far, 1.0) * there.tissue.inside
    share *= cover(-thickness * level.profile, 1.0)
    if placed.lesion.site == "tentorium":
        share *= cover(-there.dura.behind, 1.0)
    if placed.lesion.site == "falx":
        share *= cover(2.5 - there.brain.surface, 2.0)
    blood = there.blood_hu(placed.lesion)
    if placed.lesion.age == "mixed":
        # blood cells sediment: less dense above, denser below
        blood += 9 * np.tanh((there.down - np.float32(placed.centres[0][1])) / 7)
    blend(hu, share, blood)
    return np.asarray(share, np.float32)
