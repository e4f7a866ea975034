"""Traces of injury and surgery. Each function returns the layers of one."""

from __future__ import annotations

import numpy as np

from ichnet.phantom.field import capsule, ellipsoid
from ichnet.phantom.mimics.scene import Layer, Scene

METAL_HU = 3000.0


def scalp(scene: Scene) -> list[Layer]:
    """Scalp hematomas, from a small lump to a broad crescent."""
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


def craniotomy(scene: Scene) -> list[Layer]:
    """Craniotomy: a bone flap with its gap, titanium plates, a little air or fluid below."""
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


def shunt(scene: Scene) -> list[Layer]:
    """Ventricular shunt: a catheter in a lateral ventricle, and its tube below the skin."""
    side = scene.side
    tube = capsule(scene.points, (side * 62, 42, 48), (side * 9, -6, 18), (1.3, 1.3))
    under_skin = capsule(scene.points, (side * 66, 46, 50), (side * 76, 30, -20), (1.8, 1.8))
    return [
        Layer(tube, 420.0, "any"),
        Layer(tube + 0.9, 30.0, "any"),
        Layer(under_skin, 350.0, "any"),
    ]


def metal(scene: Scene) -> list[Layer]:
    """Metal: an aneurysm clip or coils at the skull base, or a fragment."""
    side = scene.side
    place = (side * 10.0, -14.0, -22.0) if scene.rng.random() < 0.7 else (side * 64.0, 20.0, 30.0)
    length = float(scene.rng.uniform(2, 5))
    clip = ellipsoid(scene.points, place, (1.4, length, 1.6))
    return [Layer(clip, METAL_HU, "any")]


def air(scene: Scene) -> list[Layer]:
    """Pneumocephalus: bubbles of air below the vault or in fissures."""
    found = []
    for _ in range(int(scene.rng.integers(2, 7))):
        angle, z = scene.rng.uniform(-np.pi, np.pi), scene.rng.uniform(-10, 50)
        far = np.sqrt(1 - (z / 80) ** 2) * scene.rng.uniform(0.75, 0.97)
        middle = (float(64 * far * np.sin(angle)), float(-80 * far * np.cos(angle)), float(z))
        size = float(scene.rng.uniform(1.5, 7))
        found.append(Layer(ellipsoid(scene.points, middle, (size, size, size)), -900.0, "inside"))
    return found


def fracture(scene: Scene) -> list[Layer]:
    """Linear fracture of the vault."""
    normal = scene.rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    points = scene.points
    plane = normal[0] * points.x + normal[1] * points.y + normal[2] * points.z
    plane = np.abs(plane - scene.rng.uniform(-40, 40) + 2 * scene.soft) - scene.rng.uniform(
        0.4, 1.4
    )
    half = -scene.side * points.x
    return [Layer(np.asarray(np.maximum(plane, half), np.float32), 45.0, "bone")]
