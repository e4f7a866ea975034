"""Hemorrhages in 3-D: where each subtype may lie, and how it fills that place to a given volume.

A lesion is the part of its admissible space where a level function is below a level; the level is
the quantile at which the volume on a coarse grid of the whole head is the wanted one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.brain import Brain, Tissue, brain_of, spaces_of
from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    Vector,
    cover,
    head_points,
    pose_matrix,
    ramp,
)
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.skull import Skull, skull_of, suture_lines

GRID_MM, GRID_POINTS = (1.2, 4.2), 50000
"""Smallest and largest step, and about how many points, of the grid on which a lesion's volume is
set; lesions themselves have no grid."""

EXTENT_MM: dict[str, tuple[float, float]] = {"EDH": (10.2, 19.1), "SDH": (10.4, 24.5)}
"""Published extent in z: the first number times ln mL plus the second."""

COLLECTIONS = ("EDH", "SDH")
THICKEST_MM: dict[str, float] = {"EDH": 34.0, "SDH": 26.0}
OEDEMA_HU = 17.0
"""Density of swollen white matter around a clot."""

DURA_MM = 0.5
"""Blood starts below the table's surface."""

SUTURE_MARGIN_MM = 2.5
"""Dura is fixed to the skull at sutures: epidural blood thins out and stops before them."""

MASS_EFFECT_ML = 4.0
"""Smaller lesions push nothing."""

DISTENDED_MM = 1.1
"""Blood under pressure pushes each wall of a sulcus by so much."""

BONE_BLUR_MM = 0.7
"""Subarachnoid blood nearer to bone than this cannot be told from it."""


@dataclass(frozen=True)
class Placed:
    """A lesion with its place and the level that gives it its volume.

    Attributes:
        lesion: what.
        centres: of its parts, in the straight average head.
        radii: half extents of a collection along y and z, mm.
        level: of the level function at the lesion's surface, mm.
        turn: direction of a clot's long axis in the axial plane, radians.
        peak_mm: a point well within it, in the scanner's frame.
    """

    lesion: Lesion
    centres: tuple[Vector, ...]
    radii: tuple[float, float] = (0.0, 0.0)
    level: float = 0.0
    turn: float = 0.0
    peak_mm: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Head:
    """A patient ready to be scanned."""

    patient: Patient
    textures: Textures
    placed: tuple[Placed, ...]


@dataclass(frozen=True, eq=False)
class Grid:
    """Points [y, x, z] of a part of the head: straightened, as scanned, and their mL."""

    points: Points
    xyz: tuple[Array, Array, Array]
    cell_ml: float

    def peak(self, levels: Array, room: Array) -> Vector:
        """Return where, in the scanner's frame, the level is lowest in whatever room there is."""
        lowest = np.argmin(np.where(room > 0.6 * room.max(), levels, np.inf))
        x, y, z = (float(axis.ravel()[lowest]) for axis in self.xyz)
        return x, y, z


def make_head(patient: Patient) -> Head:
    """Draw a patient's textures and give each lesion its place and level."""
    textures = Textures.draw(patient.seed)
    placed = [_draw_place(np.random.default_rng(one.seed), one) for one in patient.lesions]
    for index, one in enumerate(placed):
        if one.lesion.subtype in COLLECTIONS:
            placed[index] = _fill_collection(patient, one, textures)
    # in the order in which they change each other's room: clots push, then blood fills spaces
    for subtype in ("IPH", "IVH", "SAH"):
        for index, one in enumerate(placed):
            if one.lesion.subtype == subtype:
                placed[index], patient = _fill(patient, placed, one, textures)
    return Head(patient, textures, tuple(placed))


def _fill(
    patient: Patient, placed: list[Placed], one: Placed, textures: Textures
) -> tuple[Placed, Patient]:
    """Set the level of a lesion within the brain or its spaces; widen ventricles if need be."""
    grid = _grid(patient, textures, one)
    points = grid.points
    skull = skull_of(points, textures, patient)
    brain = brain_at(points, skull, textures, patient, placed)
    wanted = one.lesion.volume_ml / grid.cell_ml
    if one.lesion.subtype == "IVH":
        # acute hydrocephalus: until blood fills no more than two thirds
        inside = np.minimum(skull.depth, skull.base) > 2
        walls = np.sort(brain.ventricles[inside])
        wider = float(np.clip(walls[min(round(1.5 * wanted), len(walls) - 1)], 0, 9))
        patient = replace(patient, hydrocephalus_mm=wider)
        brain = replace(brain, ventricles=np.asarray(brain.ventricles - np.float32(wider)))
    width = np.full_like(points.x, np.cbrt(1000 * grid.cell_ml))
    tissue = spaces_of(brain, skull, width, patient)
    room = _room(brain, tissue, one)
    levels = level_of(points, one, textures)
    level = _quantile(levels, room, wanted)
    return replace(one, level=level, peak_mm=grid.peak(levels, room)), patient


def brain_at(
    points: Points,
    skull: Skull,
    textures: Textures,
    patient: Patient,
    placed: tuple[Placed, ...] | list[Placed],
) -> Brain:
    """Return the brain as lesions press and shift it."""
    pressed = np.zeros_like(points.x)
    for one in placed:
        if one.lesion.subtype in COLLECTIONS and one.lesion.site not in ("falx", "tentorium"):
            profile = profile_of(points, one, textures)
            pressed = np.maximum(pressed, one.level * np.maximum(profile, 0))
    moved = shifted(points, placed)
    return brain_of(points, moved, skull, pressed, textures, patient)


def _grid(patient: Patient, textures: Textures, one: Placed) -> Grid:
    """Return points of the part of the head that a lesion may reach."""
    head = (78.0, 94.0, 84.0)
    if one.lesion.subtype == "IVH":
        low, high = (-52.0, -62.0, -56.0), (52.0, 74.0, 52.0)
    else:
        around = 2.2 * np.cbrt(240 * one.lesion.volume_ml) + (30 if one.radii[0] == 0 else 0)
        reach = around + 1.5 * max(one.radii) + 12
        centres = np.array(one.centres) @ pose_matrix(patient).T
        low, high = (
            tuple(np.clip(bound, [-h for h in head], head))
            for bound in (centres.min(axis=0) - reach, centres.max(axis=0) + reach)
        )
    span = np.prod(np.subtract(high, low))
    step = float(np.clip(np.cbrt(span / GRID_POINTS), *GRID_MM))
    x, y, z = np.meshgrid(
        *(np.arange(a, b, step, dtype=np.float32) for a, b in zip(low, high, strict=True))
    )
    return Grid(head_points(patient, textures, (x, y, z)), (x, y, z), step**3 / 1000)


def _draw_place(rng: np.random.Generator, lesion: Lesion) -> Placed:
    """Draw where a lesion is: the published sites of each subtype, roughly."""
    side, volume = lesion.side, max(lesion.volume_ml, 0.1)
    jitter = rng.normal(0, 3.0, 3)
    turn = float(rng.uniform(-0.7, 0.7))
    if lesion.subtype in COLLECTIONS:
        slope, offset = EXTENT_MM[lesion.subtype]
        half_z = 0.5 * max(slope * np.log(volume) + offset, 11.0) * float(rng.normal(1, 0.08))
        stretch = 1.0 if lesion.subtype == "EDH" else float(rng.uniform(1.2, 1.7))
        if lesion.site == "anywhere":
            half_z *= float(rng.uniform(0.8, 1.7))
        centre = _collection_centre(rng, lesion)
        return Placed(lesion, (centre,), (half_z * stretch, half_z), turn=turn)
    where: list[list[float]] = []
    if lesion.subtype == "IPH":
        where = [_clot_centre(rng, lesion)]
        size = (volume * 240) ** (1 / 3)
        for _ in range(int(rng.integers(1, 4))):
            where.append([where[0][axis] + rng.normal(0, 0.36 * size) for axis in range(3)])
        where = [[value + shift for value, shift in zip(c, jitter, strict=True)] for c in where]
    elif lesion.subtype == "SAH":
        where = [_subarachnoid_centre(rng, lesion)]
        for _ in range(int(rng.integers(0, 3))):
            near = rng.normal(0, [11, 13, 4])
            where.append([float(value) for value in where[0] + near])
    else:
        # blood stands higher on one side: the ventricles' fluids hardly mix
        where = [[side * float(rng.uniform(0, 14)), 0.0, 0.0]]
    centres = tuple((float(c[0]), float(c[1]), float(c[2])) for c in where)
    return Placed(lesion, centres, turn=turn)


def _collection_centre(rng: np.random.Generator, lesion: Lesion) -> Vector:
    side = float(lesion.side)
    if lesion.site == "anywhere":
        x, y, z = _under_vault(rng, 0.0)
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


def _under_vault(rng: np.random.Generator, deep_mm: float) -> Vector:
    """Return a point of the left half that lies ``deep_mm`` below the vault, from any direction."""
    angle, z = rng.uniform(-0.5 * np.pi, 0.5 * np.pi), rng.uniform(-34, 66)
    round_ = np.sqrt(1 - (z / (76 if z > 0 else 96)) ** 2)
    x, y = 66 * round_ * np.cos(angle), 83 * round_ * np.sin(angle)
    keep = 1 - deep_mm / max(float(np.sqrt(x * x + y * y + z * z)), deep_mm)
    return max(float(keep * x), 3.0), float(keep * y), float(keep * z)


def _clot_centre(rng: np.random.Generator, lesion: Lesion) -> list[float]:
    side = float(lesion.side)
    if lesion.site == "anywhere":
        x, y, z = _under_vault(rng, float(rng.uniform(2, 32)))
        return [side * x, y, z]
    lobar = [side * rng.uniform(24, 44), rng.uniform(-48, 52), rng.uniform(16, 44)]
    return {
        "ganglia": [side * 26, -2, 5],
        "thalamus": [side * 11, 12, 5],
        "lobar": lobar,
        "cerebellum": [side * 22, 50, -40],
        "pons": [side * 3, 13, -33],
    }[lesion.site]


def _subarachnoid_centre(rng: np.random.Generator, lesion: Lesion) -> list[float]:
    side = float(lesion.side)
    if lesion.site == "anywhere":
        x, y, z = _under_vault(rng, float(rng.uniform(2, 20)))
        return [side * x, y, z]
    if lesion.site == "basal":
        return [rng.normal(0, 12), -6 + rng.normal(0, 10), -22 + rng.normal(0, 6)]
    if lesion.site == "sylvian":
        return [side * 40, rng.normal(-4, 12), rng.normal(4, 9)]
    angle = rng.uniform(-1.0, 1.2)
    return [side * 52 * np.cos(angle), 66 * np.sin(angle), rng.uniform(18, 60)]


def shifted(points: Points, placed: tuple[Placed, ...] | list[Placed]) -> Points:
    """Return where the tissue at points came from before lesions pushed it (mass effect)."""
    x, y, z = np.zeros_like(points.x), np.zeros_like(points.x), np.zeros_like(points.x)
    for one in placed:
        volume = one.lesion.volume_ml
        if volume < MASS_EFFECT_ML or one.lesion.subtype not in ("IPH", *COLLECTIONS):
            continue
        cx, cy, cz = one.centres[0]
        if one.lesion.subtype == "IPH":
            size = 1.9 * np.cbrt(240 * volume)
            far = ((points.x - cx) ** 2 + (points.y - cy) ** 2 + (points.z - cz) ** 2) / size**2
            pull = np.float32(-0.32) * np.exp(-far)
            x, y, z = (
                x + pull * (points.x - cx),
                y + pull * (points.y - cy),
                z + pull * (points.z - cz),
            )
            continue
        side = one.lesion.side
        reach = np.exp(-(((points.y - cy) / 52) ** 2) - ((points.z - cz) / 46) ** 2)
        beyond = np.exp(-((np.minimum(side * points.x, 0) / 24) ** 2))
        near_vault = 1 - 0.8 * ramp(side * points.x, 46, 30)
        push = min(0.45 * one.level, 11.0)
        x = x + np.float32(side * push) * reach * beyond * near_vault
    return points.moved(x, y, z)


def profile_of(points: Points, placed: Placed, textures: Textures) -> Array:
    """Return the relative thickness of a collection, at most 1, below 0 beyond its rim.

    A lens for EDH that ends before sutures; an evenly thick crescent for SDH that ends before the
    midline.
    """
    lesion = placed.lesion
    (cx, cy, cz), (ry, rz) = placed.centres[0], placed.radii
    dx, dy, dz = points.x - cx, points.y - cy, points.z - cz
    if lesion.site == "tentorium":
        along = (dx / ry) ** 2 + (dy / ry) ** 2
    elif lesion.site == "falx":
        along = (dy / ry) ** 2 + (dz / rz) ** 2
    else:
        along = (np.sqrt(dx * dx + dy * dy) / ry) ** 2 + (dz / rz) ** 2
    rough = textures.soft.at(points.x, points.y, points.z)
    own_side = lesion.side * points.x
    if lesion.subtype == "EDH":
        shape = 1 - along * (1 + 0.06 * rough)
        return np.asarray(np.minimum(shape, _within_sutures(points, placed)), np.float32)
    flat = np.sqrt(np.maximum(1 - along, 0)) - 2 * np.maximum(along - 1, 0)
    shape = flat * (1 + 0.16 * rough)
    if lesion.site == "convexity":
        shape = np.minimum(shape, 0.25 * (own_side - 2.5))
    else:
        shape = np.minimum(shape, 0.5 * (own_side - 0.5))
    return np.asarray(shape, np.float32)


def _within_sutures(points: Points, placed: Placed) -> Array:
    """Return a bound of the lens that falls to 0 at the sutures around its bone."""
    coronal, lambdoid = suture_lines(points)
    at = Points(*(np.full(1, value, np.float32) for value in (*placed.centres[0], 0.0)))
    behind_coronal, behind_lambdoid = (line[0] > 0 for line in suture_lines(at))
    bound = placed.lesion.side * points.x - SUTURE_MARGIN_MM
    bound = np.minimum(bound, (coronal if behind_coronal else -coronal) - SUTURE_MARGIN_MM)
    bound = np.minimum(bound, (lambdoid if behind_lambdoid else -lambdoid) - SUTURE_MARGIN_MM)
    return np.asarray(0.14 * bound, np.float32)


def surface_of(skull: Skull, brain: Brain | None, placed: Placed) -> Array:
    """Return the distance from the surface that a collection lies on, positive inside.

    Raises:
        ValueError: for a collection along dura when there is no brain.
    """
    if placed.lesion.site not in ("falx", "tentorium"):
        return np.asarray(np.minimum(skull.depth, skull.base) - np.float32(DURA_MM), np.float32)
    if brain is None:
        raise ValueError(f"SDH along the {placed.lesion.site} needs the brain")
    if placed.lesion.site == "falx":
        return np.asarray(placed.lesion.side * brain.falx - np.float32(0.6), np.float32)
    return np.asarray(brain.tent - np.float32(0.6), np.float32)


def _fill_collection(patient: Patient, placed: Placed, textures: Textures) -> Placed:
    """Set a collection's thickness; widen one that would be too thick."""
    grid = _grid(patient, textures, placed)
    points = grid.points
    skull = skull_of(points, textures, patient)
    brain = None
    if placed.lesion.site in ("falx", "tentorium"):
        brain = brain_of(points, points, skull, np.zeros_like(points.x), textures, patient)
    surface = surface_of(skull, brain, placed)
    inside = (np.minimum(skull.depth, skull.base) > 0) & (surface > 0)
    if brain is not None and placed.lesion.site == "tentorium":
        inside &= brain.behind > 0
    thickest = THICKEST_MM[placed.lesion.subtype]
    level = thickest
    for _ in range(8):
        profile = profile_of(points, placed, textures)
        room = inside & (profile > 0)
        if room.any():
            quotient = np.asarray(surface / np.maximum(profile, 1e-3), np.float32)
            level = _quantile(quotient, room, placed.lesion.volume_ml / grid.cell_ml)
            if level <= min(thickest, 0.8 * placed.radii[1] + 2):
                break
        placed = replace(placed, radii=(1.13 * placed.radii[0], 1.1 * placed.radii[1]))
    peak_mm = grid.peak(-profile, np.asarray(inside, np.float32))
    return replace(placed, level=min(level, thickest), peak_mm=peak_mm)


def _room(brain: Brain, tissue: Tissue, placed: Placed) -> Array:
    """Return the share of each point that a lesion within the brain or its spaces may fill."""
    subtype = placed.lesion.subtype
    if subtype == "IVH":
        return tissue.ventricles
    if subtype == "SAH":
        return _subarachnoid(brain, tissue)
    return np.asarray(cover(2.0 - brain.surface, 2.0) * (1 - tissue.ventricles), np.float32)


def _subarachnoid(brain: Brain, tissue: Tissue) -> Array:
    """Return the share of each point that is cistern, fissure or sulcus, distended by blood."""
    away = cover(np.float32(BONE_BLUR_MM) - brain.surface, 1.0)
    wide = cover(tissue.pia - np.float32(DISTENDED_MM), 2.0)
    return np.asarray(wide * tissue.inside * (1 - tissue.ventricles) * away, np.float32)


def level_of(points: Points, placed: Placed, textures: Textures) -> Array:
    """Return the function whose small values a lesion fills, mm."""
    if placed.lesion.subtype == "IVH":
        # supine: blood settles at the back, its surface is level; behind a side's own level
        higher = placed.centres[0][0] * np.sign(points.x) * (points.side > 2.5)
        # little reaches the fourth ventricle and the temporal horns
        hard = 22 * ramp(-points.z, 16, 12) + 8 * ramp(-points.z, -2, 10)
        return np.asarray(hard - points.down - higher, np.float32)
    turn = (np.float32(np.cos(placed.turn)), np.float32(np.sin(placed.turn)))
    nearest = np.full(points.x.shape, np.float32(1e6))
    soft = textures.soft.at(points.x, points.y, points.z)
    for index, (cx, cy, cz) in enumerate(placed.centres):
        dx, dy, dz = points.x - cx, points.y - cy, points.z - cz
        if placed.lesion.subtype == "IPH":
            dx, dy = turn[0] * dx + turn[1] * dy, (turn[0] * dy - turn[1] * dx) / 1.35
            far = np.sqrt(dx * dx + dy * dy + dz * dz) * (1.0 if index == 0 else 1.25)
        else:
            # cisterns and fissures are wider than they are high
            far = np.sqrt(dx * dx + dy * dy + (6.0 * dz) ** 2) * (1 + 0.35 * index)
        nearest = np.minimum(nearest, far)
    fine = textures.fine.at(points.x, points.y, points.z)
    rough = (0.14, 0.06) if placed.lesion.subtype == "IPH" else (0.25, 0.10)
    return np.asarray(nearest * (1 + rough[0] * soft + rough[1] * fine), np.float32)


def _quantile(levels: Array, room: Array | NDArray[np.bool_], wanted: float) -> float:
    """Return the level below which ``wanted`` points' worth of room lies."""
    share = np.asarray(room, np.float32).ravel()
    chosen = share > 0
    values, share = levels.ravel()[chosen], share[chosen]
    order = np.argsort(values)
    filled = np.cumsum(share[order])
    return float(values[order[min(int(np.searchsorted(filled, wanted)), len(order) - 1)]])


def paint_lesion(
    hu: Array,
    placed: Placed,
    level: Array,
    surface: Array | None,
    brain: Brain,
    tissue: Tissue,
    down: Array,
    textures: tuple[Array, Array],
    width: float,
) -> Array:
    """Paint one lesion and return the share of each point that it fills.

    Args:
        hu: changed.
        placed: the lesion.
        level: ``level_of``, or ``profile_of`` of a collection, at the pixels.
        surface: ``surface_of`` a collection, at the pixels.
        brain: at the pixels.
        tissue: at the pixels.
        down: mm along gravity.
        textures: soft and fine, at the pixels.
        width: mm over which surfaces are blurred.
    """
    soft, fine = textures
    lesion = placed.lesion
    blood = np.float32(lesion.hu) + 2.6 * soft + 1.6 * fine
    if surface is not None:
        thick = np.float32(placed.level) * np.maximum(level, 0)
        share = cover(surface - thick, width) * cover(-surface, 1.0) * tissue.inside
        share *= cover(-np.float32(placed.level) * level, 1.0)
        if lesion.site == "tentorium":
            share *= cover(-brain.behind, 1.0)
        if lesion.site == "falx":
            share *= cover(2.5 - brain.surface, 2.0)
        if lesion.age == "mixed":
            # cells sink: dark above, dense below
            blood += 9 * np.tanh((down - np.float32(placed.centres[0][1])) / 7)
    elif lesion.subtype == "IPH":
        edge = level - np.float32(placed.level)
        room = cover(2.0 - brain.surface, 2.0) * (1 - tissue.ventricles)
        share = cover(edge, width) * room
        rim = 2.0 + 0.30 * placed.level
        swollen = cover(edge - np.float32(rim), rim) * room * (1 - tissue.csf)
        hu += 0.75 * swollen * np.minimum(OEDEMA_HU - hu, 0)
        # a clot is densest where it has shrunk most
        blood += np.clip(-0.35 * edge, -2, 4)
    elif lesion.subtype == "IVH":
        share = tissue.ventricles * cover(level - np.float32(placed.level), 1.6)
    else:
        share = _subarachnoid(brain, tissue) * cover(level - np.float32(placed.level), 5.0)
    hu += share * (blood - hu)
    return np.asarray(share, np.float32)
