"""Calcifications that are normal with age. Each function returns the layers of one."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.field import both_sides, capsule, ellipsoid
from ichnet.phantom.mimics.scene import Layer, Scene


def pineal(scene: Scene) -> list[Layer]:
    """The pineal gland and the habenula in front of it."""
    hu, size = scene.rng.uniform(80, 320), scene.rng.uniform(1.2, 3.0)
    gland = ellipsoid(scene.points, (0.5, 27, 1), (size, size, 1.2 * size)) + 0.5 * scene.rough
    habenula = ellipsoid(scene.points, (1, 21, 4), (1.5, 1, 1.2))
    return [Layer(gland, hu, "inside"), Layer(habenula, 0.6 * hu, "inside")]


def choroid(scene: Scene) -> list[Layer]:
    """Choroid plexus in the atrium of both lateral ventricles."""
    found = []
    for side in (-1, 1):
        hu, size = scene.rng.uniform(55, 380), scene.rng.uniform(1.5, 3.4)
        middle = (side * scene.rng.normal(23, 1), scene.rng.normal(33, 1.5), 11.0)
        glomus = ellipsoid(scene.points, middle, (size, 1.8 * size, 1.5 * size))
        found.append(Layer(glomus + 0.7 * scene.rough, hu, "inside"))
    return found


def siphon(scene: Scene) -> list[Layer]:
    """Walls of the carotid siphons and of the vertebral arteries."""
    hu = scene.rng.uniform(150, 700)
    walls = capsule(both_sides(scene.points), (8, -15, -26), (11, -8, -31), (1.6, 2.0))
    vertebral = capsule(both_sides(scene.points), (8, 13, -60), (4, 8, -54), (1.3, 1.0))
    return [Layer(np.abs(walls) - np.float32(0.5), hu, "any"), Layer(vertebral, 0.5 * hu, "any")]


def plaque(scene: Scene) -> list[Layer]:
    """One to three plaques of the falx."""
    found = []
    for _ in range(int(scene.rng.integers(1, 4))):
        y, z = scene.rng.choice([-55.0, 50.0]) + scene.rng.normal(0, 9), scene.rng.uniform(22, 58)
        length = scene.rng.uniform(3, 11)
        spot = np.maximum(
            np.abs(scene.dura.falx) - scene.rng.uniform(0.8, 2.0),
            ellipsoid(scene.points, (0, y, z), (20, length, 5)),
        )
        found.append(Layer(spot, scene.rng.uniform(70, 320), "inside"))
    return found


def ganglia(scene: Scene) -> list[Layer]:
    """Both globi pallidi."""
    found = []
    hu = scene.rng.uniform(52, 110)
    for side in (-1, 1):
        size = scene.rng.uniform(2.0, 4.5)
        pallidum = ellipsoid(scene.points, (side * 19, -2, 2), (size, 1.7 * size, size))
        found.append(Layer(pallidum + 1.2 * scene.rough, hu, "brain", edge_mm=2.5))
    return found
