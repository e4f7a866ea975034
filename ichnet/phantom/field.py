"""Points of a head and smooth functions of them: textures, distances, the patient's pose.

Axes are DICOM's: x to the patient's left, y to the back, z to the head, in mm from the middle of
the brain. A *distance* is in mm, negative inside a thing and exact near its surface only. Smooth
functions are evaluated on a coarse grid of each slice and interpolated: see ``Lattice``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.patient import Patient

Array = NDArray[np.float32]
Vector = tuple[float, float, float]

WARP_WAVELENGTH_MM, WARP_MM = 120.0, 2.2
"""Slow deformation that makes heads differ and each of them a little asymmetric."""


@dataclass(frozen=True, eq=False)
class Texture:
    """A smooth random function of unit variance: plane waves of about one length.

    Attributes:
        vectors: float32 [waves, 3], radians per mm.
        phases: float32 [waves].
    """

    vectors: Array
    phases: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, wavelength_mm: float, waves: int = 6) -> Texture:
        """Draw one; the waves' lengths differ by a seventh."""
        directions = rng.normal(size=(waves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * np.exp(rng.normal(0, 0.14, (waves, 1)))
        phases = rng.uniform(0, 2 * np.pi, waves)
        return cls((2 * np.pi / lengths * directions).astype(np.float32), phases.astype(np.float32))

    def at(self, x: Array, y: Array, z: Array) -> Array:
        """Return the values at points."""
        total = np.zeros(np.shape(x), np.float32)
        for (kx, ky, kz), phase in zip(self.vectors, self.phases, strict=True):
            total += np.sin(kx * x + ky * y + kz * z + phase)
        total *= np.float32(np.sqrt(2 / len(self.phases)))
        return total


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a head of average size that lies straight; arrays of one shape.

    Attributes:
        x, y, z: mm.
        down: mm along gravity (the patient lies on the back), whatever the head's pose.
    """

    x: Array
    y: Array
    z: Array
    down: Array

    @cached_property
    def side(self) -> Array:
        """Distance from the middle."""
        return np.abs(self.x)

    def moved(self, x: Array, y: Array, z: Array) -> Points:
        """Return points moved by mm along the axes."""
        return replace(self, x=self.x + x, y=self.y + y, z=self.z + z)


@dataclass(frozen=True, eq=False)
class Textures:
    """The random functions that make one patient's head."""

    warp: tuple[Texture, Texture, Texture]
    fold: Texture
    deep: Texture
    slow: Texture
    soft: Texture
    fine: Texture
    cells: Texture

    @classmethod
    def draw(cls, seed: int) -> Textures:
        """Draw those of one patient."""
        rng = np.random.default_rng(seed)
        warp = [Texture.draw(rng, WARP_WAVELENGTH_MM, 4) for _ in range(3)]
        return cls(
            warp=(warp[0], warp[1], warp[2]),
            fold=Texture.draw(rng, 27.0, 12),
            deep=Texture.draw(rng, 38.0),
            slow=Texture.draw(rng, 60.0),
            soft=Texture.draw(rng, 24.0, 8),
            fine=Texture.draw(rng, 11.0, 8),
            cells=Texture.draw(rng, 7.5, 8),
        )


def pose_matrix(patient: Patient) -> NDArray[np.float64]:
    """Return the rotation from the straight head to the scanner's axes."""
    pitch, roll, yaw = np.radians(patient.pose_degrees)
    about_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    about_y = [[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]]
    about_z = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    return np.array(about_z) @ np.array(about_y) @ np.array(about_x)


def head_points(patient: Patient, textures: Textures, xyz: tuple[Array, Array, Array]) -> Points:
    """Return where points of the scanner's frame (mm) lie in the straight average head."""
    back = pose_matrix(patient).T.astype(np.float32)
    x, y, z = (
        (row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]) / np.float32(size)
        for row, size in zip(back, patient.size, strict=True)
    )
    moved = [np.float32(WARP_MM) * texture.at(x, y, z) for texture in textures.warp]
    return Points(x + moved[0], y + moved[1], z + moved[2], xyz[1])


def ellipsoid(points: Points, centre: Vector, radii: Vector) -> Array:
    """Return the distance from an ellipsoid."""
    parts = [
        (axis - np.float32(c)) / np.float32(r)
        for axis, c, r in zip((points.x, points.y, points.z), centre, radii, strict=True)
    ]
    norm = np.sqrt(parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2)
    steep = np.sqrt(sum((part / np.float32(r)) ** 2 for part, r in zip(parts, radii, strict=True)))
    return np.asarray(norm * (norm - 1) / np.maximum(steep, np.float32(1e-6)), np.float32)


def capsule(points: Points, start: Vector, end: Vector, radii: tuple[float, float]) -> Array:
    """Return the distance from a cone with round ends, of one radius at the start, one at the end.

    ``points`` may be mirrored: see ``both_sides``.
    """
    a, b = np.array(start, np.float32), np.array(end, np.float32)
    step = b - a
    x, y, z = points.x - a[0], points.y - a[1], points.z - a[2]
    share = np.clip((x * step[0] + y * step[1] + z * step[2]) / (step @ step), 0, 1)
    x, y, z = x - share * step[0], y - share * step[1], z - share * step[2]
    radius = np.float32(radii[0]) + share * np.float32(radii[1] - radii[0])
    return np.asarray(np.sqrt(x * x + y * y + z * z) - radius, np.float32)


def both_sides(points: Points) -> Points:
    """Return the points with the right side folded onto the left one."""
    return replace(points, x=points.side)


def ramp(values: Array, centre: float, width: float) -> Array:
    """Return a smooth step from 0 to 1 around ``centre``."""
    share = np.clip((values - np.float32(centre)) / np.float32(width) + np.float32(0.5), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def union(first: Array, *others: Array, smooth_mm: float = 0.0) -> Array:
    """Return the distance from the union; its inner edges rounded off by ``smooth_mm``."""
    total = first
    for other in others:
        if smooth_mm:
            near = np.maximum(np.float32(smooth_mm) - np.abs(total - other), 0)
            total = np.minimum(total, other) - near * near / np.float32(4 * smooth_mm)
        else:
            total = np.minimum(total, other)
    return total


def cover(distance: Array, width: float | Array) -> Array:
    """Return the share of a pixel that lies inside: a ramp of ``width`` mm across the surface."""
    share = np.float32(0.5) - distance / np.asarray(width, np.float32)
    return np.asarray(np.clip(share, 0, 1, out=share), np.float32)
