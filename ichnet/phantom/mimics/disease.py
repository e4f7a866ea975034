"""Disease without blood: infarct, tumours, hygroma. Each function returns the layers of one."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.field import ellipsoid
from ichnet.phantom.mimics.scene import Layer, Scene
from ichnet.phantom.tissue import CSF_HU


def infarct(scene: Scene) -> list[Layer]:
    """Old infarct: a territory of nearly fluid density up to the cortex, or small lacunes."""
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


def tumour(scene: Scene) -> list[Layer]:
    """Tumour of the density of grey matter, with finger-like oedema."""
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


def meningioma(scene: Scene) -> list[Layer]:
    """Meningioma: a dense tumour on the dura, sometimes calcified."""
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


def hygroma(scene: Scene) -> list[Layer]:
    """Subdural hygroma: fluid over one or both hemispheres."""
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
