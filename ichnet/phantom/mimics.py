"""What resembles blood, hides it, or is disease without blood: keys of ``patient.MIMICS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ichnet.phantom.brain import CSF_HU, Brain
from ichnet.phantom.field import (
    Array,
    Points,
    Textures,
    both_sides,
    capsule,
    ellipsoid,
)
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull

NEAR_MM = 5.0
"""What is farther than this from all points of a slice is not painted on it."""

METAL_HU = 3000.0


@dataclass(frozen=True, eq=False)
class Layer:
    """Something to paint.

    Attributes:
        distance: mm, negative inside; on the coarse grid.
        hu: its density, or by how much it changes density where ``adds``.
        where: within the brain's tissue, within the skull, in bone, or anywhere.
        edge_mm: over which its border is blurred.
        adds: whether ``hu`` is a change.
        floor_hu: density is not brought below this.
    """

    distance: Array
    hu: float
    where: Literal["inside", "brain", "bone", "any"]
    edge_mm: float = 1.0
    adds: bool = False
    floor_hu: float = -1100.0


@dataclass(frozen=True, eq=False)
class Scene:
    """What mimics are drawn from, on the coarse grid."""

    points: Points
    skull: Skull
    brain: Brain
    textures: Textures
    patient: Patient
    rng: np.random.Generator

    @property
    def rough(self) -> Array:
        """A texture of a few millimetres, for irregular borders."""
        return self.textures.cells.at(self.points.x, self.points.y, self.points.z)

    @property
    def soft(self) -> Array:
        """A texture of centimetres."""
        return self.textures.soft.at(self.points.x, self.points.y, self.points.z)

    @property
    def side(self) -> int:
        """Draw a side."""
        return int(self.rng.choice([-1, 1]))


def layers(
    points: Points, skull: Skull, brain: Brain, textures: Textures, patient: Patient
) -> list[Layer]:
    """Return the layers of all of a patient's mimics that come near the points."""
    found = []
    for index, (name, draw) in enumerate(DRAWN.items()):
        if name in patient.mimics:
            # one stream for each mimic: it looks the same whatever else the head has
            rng = np.random.default_rng([patient.seed, index])
            found += draw(Scene(points, skull, brain, textures, patient, rng))
    return [layer for layer in found if layer.distance.min() < NEAR_MM]


def _pineal(scene: Scene) -> list[Layer]:
    hu, size = scene.rng.uniform(80, 320), scene.rng.uniform(1.2, 3.0)
    gland = ellipsoid(scene.points, (0.5, 27, 1), (size, size, 1.2 * size)) + 0.5 * scene.rough
    habenula = ellipsoid(scene.points, (1, 21, 4), (1.5, 1, 1.2))
    return [Layer(gland, hu, "inside"), Layer(habenula, 0.6 * hu, "inside")]


def _choroid(scene: Scene) -> list[Layer]:
    found = []
    for side in (-1, 1):
        hu, size = scene.rng.uniform(55, 380), scene.rng.uniform(1.5, 3.4)
        middle = (side * scene.rng.normal(23, 1), scene.rng.normal(33, 1.5), 11.0)
        glomus = ellipsoid(scene.points, middle, (size, 1.8 * size, 1.5 * size))
        found.append(Layer(glomus + 0.7 * scene.rough, hu, "inside"))
    return found


def _siphon(scene: Scene) -> list[Layer]:
    hu = scene.rng.uniform(150, 700)
    walls = capsule(both_sides(scene.points), (8, -15, -26), (11, -8, -31), (1.6, 2.0))
    vertebral = capsule(both_sides(scene.points), (8, 13, -60), (4, 8, -54), (1.3, 1.0))
    return [Layer(np.abs(walls) - np.float32(0.5), hu, "any"), Layer(vertebral, 0.5 * hu, "any")]


def _plaque(scene: Scene) -> list[Layer]:
    found = []
    for _ in range(int(scene.rng.integers(1, 4))):
        y, z = scene.rng.choice([-55.0, 50.0]) + scene.rng.normal(0, 9), scene.rng.uniform(22, 58)
        length = scene.rng.uniform(3, 11)
        spot = np.maximum(
            np.abs(scene.brain.falx) - scene.rng.uniform(0.8, 2.0),
            ellipsoid(scene.points, (0, y, z), (20, length, 5)),
        )
        found.append(Layer(spot, scene.rng.uniform(70, 320), "inside"))
    return found


def _ganglia(scene: Scene) -> list[Layer]:
    found = []
    hu = scene.rng.uniform(52, 110)
    for side in (-1, 1):
        size = scene.rng.uniform(2.0, 4.5)
        pallidum = ellipsoid(scene.points, (side * 19, -2, 2), (size, 1.7 * size, size))
        found.append(Layer(pallidum + 1.2 * scene.rough, hu, "brain", edge_mm=2.5))
    return found


def _infarct(scene: Scene) -> list[Layer]:
    """An old territory: nearly fluid, to the surface; or small lacunes."""
    if scene.rng.random() < 0.35:
        place = scene.rng.uniform([14, -16, 2], [27, 14, 14])
        lacune = ellipsoid(
            scene.points,
            (scene.side * float(place[0]), float(place[1]), float(place[2])),
            (3, 5, 4),
        )
        return [Layer(lacune, 14.0, "brain", edge_mm=2)]
    angle, height = scene.rng.uniform(-1.2, 1.4), scene.rng.uniform(-4, 40)
    side = scene.side
    middle = (float(side * 52 * np.cos(angle)), float(66 * np.sin(angle)), float(height))
    size = scene.rng.uniform(13, 27)
    wedge = ellipsoid(scene.points, middle, (size, 1.15 * size, 0.9 * size)) + 4 * scene.soft
    change = -scene.rng.uniform(7, 20)
    return [Layer(wedge, change, "brain", edge_mm=5, adds=True, floor_hu=CSF_HU)]


def _tumour(scene: Scene) -> list[Layer]:
    """A mass as dense as grey matter, with fingers of oedema around it."""
    side = scene.side
    place = scene.rng.uniform([22, -44, 12], [42, 44, 42])
    middle = (side * float(place[0]), float(place[1]), float(place[2]))
    size = scene.rng.uniform(6, 14)
    ball = ellipsoid(scene.points, middle, (size, size, size)) + 1.5 * scene.rough
    swollen = ellipsoid(scene.points, middle, (2.1 * size, 2.6 * size, 2 * size)) + 7 * scene.soft
    return [
        Layer(swollen, -11.0, "brain", edge_mm=4, adds=True, floor_hu=14.0),
        Layer(ball, scene.rng.uniform(33, 46), "brain", edge_mm=3),
        Layer(ball + np.float32(0.45 * size), scene.rng.uniform(20, 40), "brain", edge_mm=3),
    ]


def _meningioma(scene: Scene) -> list[Layer]:
    """A dense tumour on the dura, now and then calcified."""
    side, size = scene.side, scene.rng.uniform(7, 17)
    parasagittal = scene.rng.random() < 0.5
    angle = scene.rng.uniform(-1.0, 1.0)
    middle = (
        (side * 8.0, scene.rng.uniform(-50, 30), scene.rng.uniform(44, 62))
        if parasagittal
        else (side * 56 * np.cos(angle), 70 * np.sin(angle), scene.rng.uniform(4, 40))
    )
    x, y, z = (float(value) for value in middle)
    ball = ellipsoid(scene.points, (x, y, z), (size, size, size)) + 0.6 * scene.rough
    found = [Layer(ball, scene.rng.uniform(46, 62), "inside", edge_mm=1.5)]
    if scene.rng.random() < 0.4:
        found.append(
            Layer(ball + np.float32(0.6 * size), scene.rng.uniform(80, 250), "inside", edge_mm=4)
        )
    return found


def _hygroma(scene: Scene) -> list[Layer]:
    """Fluid over one hemisphere or both."""
    sides = (-1, 1) if scene.rng.random() < 0.5 else (scene.side,)
    thick = scene.rng.uniform(3, 9)
    found = []
    for side in sides:
        over = np.sqrt(
            ((scene.points.y + 24) / 62) ** 2
            + ((scene.points.z - 32) / 44) ** 2
            + (np.minimum(side * scene.points.x - 30, 0) / 22) ** 2
        )
        layer = np.minimum(scene.skull.depth, scene.skull.base) - thick * np.maximum(1 - over, 0)
        layer = np.where(side * scene.points.x > 2, layer, 99) + 6 * (over > 1)
        found.append(Layer(layer, scene.rng.uniform(9, 17), "inside"))
    return found


def _scalp(scene: Scene) -> list[Layer]:
    """Bruises of the scalp, from a lump to a broad crescent."""
    found = []
    outside = scene.skull.depth + scene.skull.thickness + 1.0
    for _ in range(scene.patient.scalp_lumps):
        angle = scene.rng.uniform(-np.pi, np.pi)
        direction = (float(np.sin(angle)), float(-np.cos(angle)))
        middle = (76 * direction[0], 93 * direction[1], float(scene.rng.uniform(-15, 60)))
        size, swollen = scene.rng.uniform(14, 42), scene.rng.uniform(2, 9)
        lump = ellipsoid(scene.points, middle, (size, size, size))
        outer = -scene.skull.depth - scene.skull.thickness - scene.skull.scalp - swollen
        shape = np.maximum(np.maximum(lump, outside), outer) + 0.8 * scene.soft
        found.append(Layer(np.asarray(shape, np.float32), scene.rng.uniform(35, 75), "any", 2))
    return found


def _craniotomy(scene: Scene) -> list[Layer]:
    """A bone flap: a saw's gap, plates of titanium, a little air or fluid below."""
    side = scene.side
    middle = (side * 50.0, float(scene.rng.uniform(-34, 24)), float(scene.rng.uniform(22, 46)))
    size = float(scene.rng.uniform(24, 34))
    from_middle = np.sqrt(
        (scene.points.x - middle[0]) ** 2
        + (scene.points.y - middle[1]) ** 2
        + (scene.points.z - middle[2]) ** 2
    )
    found = [Layer(np.abs(from_middle - size) - 1.3, 45.0, "bone")]
    outer = np.abs(scene.skull.depth + scene.skull.thickness) - 0.9
    for turn in scene.rng.uniform(0, 2 * np.pi, 3):
        y, z = middle[1] + size * np.cos(turn), middle[2] + size * np.sin(turn)
        across = np.sqrt((scene.points.y - y) ** 2 + (scene.points.z - z) ** 2) - 4.5
        plate = np.maximum(np.maximum(across, outer), 30 - side * scene.points.x)
        found.append(Layer(np.asarray(plate, np.float32), 2200.0, "any"))
    below = np.maximum(from_middle - 0.8 * size, np.abs(scene.skull.depth - 1.4) - 1.2)
    found.append(Layer(below, scene.rng.uniform(14, 46), "inside"))
    return found


def _shunt(scene: Scene) -> list[Layer]:
    side = scene.side
    tube = capsule(scene.points, (side * 62, 42, 48), (side * 9, -6, 18), (1.3, 1.3))
    under_skin = capsule(scene.points, (side * 66, 46, 50), (side * 76, 30, -20), (1.8, 1.8))
    return [
        Layer(tube, 420.0, "any"),
        Layer(tube + 0.9, 30.0, "any"),
        Layer(under_skin, 350.0, "any"),
    ]


def _metal(scene: Scene) -> list[Layer]:
    """A clip or coils at the base, or a fragment."""
    side = scene.side
    place = (side * 10.0, -14.0, -22.0) if scene.rng.random() < 0.7 else (side * 64.0, 20.0, 30.0)
    length = float(scene.rng.uniform(2, 5))
    clip = ellipsoid(scene.points, place, (1.4, length, 1.6))
    return [Layer(clip, METAL_HU, "any")]


def _air(scene: Scene) -> list[Layer]:
    """Bubbles of air below the vault or in fissures, after injury or surgery."""
    found = []
    for _ in range(int(scene.rng.integers(2, 7))):
        angle, z = scene.rng.uniform(-np.pi, np.pi), scene.rng.uniform(-10, 50)
        far = np.sqrt(1 - (z / 80) ** 2) * scene.rng.uniform(0.75, 0.97)
        middle = (float(64 * far * np.sin(angle)), float(-80 * far * np.cos(angle)), float(z))
        size = float(scene.rng.uniform(1.5, 7))
        found.append(Layer(ellipsoid(scene.points, middle, (size, size, size)), -900.0, "inside"))
    return found


def _fracture(scene: Scene) -> list[Layer]:
    """A thin line through the vault."""
    normal = scene.rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    points = scene.points
    plane = normal[0] * points.x + normal[1] * points.y + normal[2] * points.z
    plane = np.abs(plane - scene.rng.uniform(-40, 40) + 2 * scene.soft) - scene.rng.uniform(
        0.4, 1.4
    )
    half = -scene.side * points.x
    return [Layer(np.asarray(np.maximum(plane, half), np.float32), 45.0, "bone")]


DRAWN: dict[str, Callable[[Scene], list[Layer]]] = {
    "infarct": _infarct,
    "tumour": _tumour,
    "hygroma": _hygroma,
    "ganglia": _ganglia,
    "meningioma": _meningioma,
    "pineal": _pineal,
    "choroid": _choroid,
    "siphon": _siphon,
    "plaque": _plaque,
    "scalp": _scalp,
    "craniotomy": _craniotomy,
    "shunt": _shunt,
    "metal": _metal,
    "air": _air,
    "fracture": _fracture,
}
"""Those with a shape of their own; the others change a tissue's density, or the scan."""


def paint_layer(hu: Array, layer: Layer, distance: Array, inside: Array, tissue: Array) -> None:
    """Paint one layer.

    Args:
        hu: [rows, columns, planes], changed.
        layer: what.
        distance: its distance at the pixels.
        inside: share of each pixel within the skull.
        tissue: share of each pixel that is brain rather than fluid.
    """
    share = np.clip(np.float32(0.5) - distance / np.float32(layer.edge_mm), 0, 1)
    if layer.where == "inside":
        share *= inside
    elif layer.where == "brain":
        share *= tissue
    elif layer.where == "bone":
        share *= np.clip((hu - 250) / 200, 0, 1)
    if layer.adds:
        hu += share * np.minimum(np.float32(layer.hu), 0)
        np.maximum(hu, np.where(share > 0.5, np.float32(layer.floor_hu), -1100), out=hu)
    else:
        hu += share * (np.float32(layer.hu) - hu)
