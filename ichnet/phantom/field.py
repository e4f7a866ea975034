"""Points of a head and smooth functions of position: random textures, signed distances, pose.

Axes are DICOM's: x to the patient's left, y to the back, z to the top of the head, in mm from the
centre of the brain. A *distance* is a signed distance in mm, negative inside a structure and exact
near its surface only. Smooth functions are evaluated on a coarse grid of each slice and
interpolated: see ``Lattice``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.patient import Patient

Array = NDArray[np.float32]
Vector = tuple[float, float, float]

WARP_WAVELENGTH_MM, WARP_MM = 120.0, 2.2
"""Wavelength and amplitude of the smooth deformation that makes each head asymmetric."""


CHUNK = 8192
"""Number of points at which a texture is evaluated at a time."""


@dataclass(frozen=True, eq=False)
class Texture:
    """A smooth random function of unit variance: a sum of plane waves of similar wavelength.

    Attributes:
        vectors: wave vectors, float32 [waves, 3], radians per mm.
        phases: float32 [waves], radians.
    """

    vectors: Array
    phases: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, wavelength_mm: float, waves: int = 6) -> Texture:
        """Draw a texture; wavelengths vary with a standard deviation of 14 %."""
        directions = rng.normal(size=(waves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * np.exp(rng.normal(0, 0.14, (waves, 1)))
        phases = rng.uniform(0, 2 * np.pi, waves)
        return cls((2 * np.pi / lengths * directions).astype(np.float32), phases.astype(np.float32))

    def at(self, x: Array, y: Array, z: Array) -> Array:
        """Return the values at points of any shape."""
        return self._of(np.stack([np.ravel(axis) for axis in (x, y, z)])).reshape(np.shape(x))

    def on(self, points: Points) -> Array:
        """Return the values at points. They are cached in ``points`` and must not be changed."""
        return points.keep(self._at_points)

    def _at_points(self, points: Points) -> Array:
        return self._of(points.stacked).reshape(points.x.shape)

    def _of(self, xyz: Array) -> Array:
        """Return the values at points [3, n], in chunks that fit into the processor's cache."""
        weights = np.full(len(self.phases), np.sqrt(2 / len(self.phases)), np.float32)
        values = np.empty(xyz.shape[1], np.float32)
        for start in range(0, len(values), CHUNK):
            waves = self.vectors @ xyz[:, start : start + CHUNK]
            waves += self.phases[:, None]
            np.sin(waves, out=waves)
            np.matmul(weights, waves, out=values[start : start + CHUNK])
        return values


@dataclass(frozen=True, eq=False)
class Points:
    """Positions in a straight head of average size; arrays of one shape.

    Attributes:
        x, y, z: coordinates in mm, see the module.
        down: position along gravity in mm (the patient lies on the back), whatever the head's pose.
    """

    x: Array
    y: Array
    z: Array
    down: Array

    @cached_property
    def side(self) -> Array:
        """Distance from the midsagittal plane, ``abs(x)``."""
        return np.abs(self.x)

    @cached_property
    def stacked(self) -> Array:
        """All positions as one array, [3, n]."""
        return np.stack([np.ravel(axis) for axis in (self.x, self.y, self.z)])

    @cached_property
    def middle_plane(self) -> tuple[Array, Array, Array]:
        """``side``, ``y`` and ``z`` in the middle plane of points [rows, columns, planes]."""
        middle = self.x.shape[-1] // 2
        x, y, z = (np.ascontiguousarray(axis[..., middle]) for axis in (self.x, self.y, self.z))
        return np.abs(x), y, z

    @cached_property
    def known(self) -> dict[object, Array]:
        """Cache of values at these points: of textures, and of functions of position alone."""
        return {}

    def keep(self, function: Callable[[Points], Array]) -> Array:
        """Return a function's values at these points. They are cached and must not be changed."""
        if function not in self.known:
            self.known[function] = function(self)
        return self.known[function]

    def moved(self, x: Array, y: Array, z: Array) -> Points:
        """Return the points moved along the axes, mm."""
        return replace(self, x=self.x + x, y=self.y + y, z=self.z + z)


@dataclass(frozen=True, eq=False)
class Textures:
    """The random textures of one patient's head.

    Attributes:
        warp: deformation along x, y and z.
        fold: pattern of the sulci.
        deep: depth of the sulci.
        slow, soft, fine: irregularities of about 60, 24 and 11 mm.
        cells: air cells and folia, about 7.5 mm.
    """

    warp: tuple[Texture, Texture, Texture]
    fold: Texture
    deep: Texture
    slow: Texture
    soft: Texture
    fine: Texture
    cells: Texture

    @classmethod
    def draw(cls, seed: int) -> Textures:
        """Draw the textures of one patient."""
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
    """Return the rotation matrix [3, 3] from the straight head to the scanner's axes."""
    pitch, roll, yaw = np.radians(patient.pose_degrees)
    about_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    about_y = [[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]]
    about_z = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    return np.array(about_z) @ np.array(about_y) @ np.array(about_x)


def head_points(patient: Patient, textures: Textures, xyz: tuple[Array, Array, Array]) -> Points:
    """Return the positions in the straight average head of points in the scanner's frame, mm."""
    back = pose_matrix(patient).T.astype(np.float32)
    x, y, z = (
        (row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]) / np.float32(size)
        for row, size in zip(back, patient.size, strict=True)
    )
    moved = [np.float32(WARP_MM) * texture.at(x, y, z) for texture in textures.warp]
    return Points(x + moved[0], y + moved[1], z + moved[2], xyz[1])


def ellipsoid(points: Points, centre: Vector, radii: Vector) -> Array:
    """Return the distance from an ellipsoid."""
    squares, slopes = [], []
    for axis, c, r in zip((points.x, points.y, points.z), centre, radii, strict=True):
        part = axis - np.float32(c)
        part *= np.float32(1 / r)
        part *= part
        squares.append(part)
        slopes.append(part * np.float32(1 / r**2))
    norm, steep = sum_of(squares), sum_of(slopes)
    np.sqrt(norm, out=norm)
    np.sqrt(steep, out=steep)
    np.maximum(steep, np.float32(1e-6), out=steep)
    result = norm - np.float32(1)
    result *= norm
    result /= steep
    return np.asarray(result, np.float32)


def capsule(points: Points, start: Vector, end: Vector, radii: tuple[float, float]) -> Array:
    """Return the distance from a capsule whose radius changes linearly from start to end.

    ``points`` may be mirrored: see ``both_sides``.
    """
    a = np.array(start, np.float32)
    step = np.array(end, np.float32) - a
    offsets = [axis - low for axis, low in zip((points.x, points.y, points.z), a, strict=True)]
    share = sum_of(
        offset * along for offset, along in zip(offsets, step / (step @ step), strict=True) if along
    )
    share.clip(0, 1, out=share)
    for offset, along in zip(offsets, step, strict=True):
        if along:
            offset -= share * along
        offset *= offset
    far = sum_of(offsets)
    np.sqrt(far, out=far)
    if radii[1] != radii[0]:
        share *= np.float32(radii[1] - radii[0])
        far -= share
    far -= np.float32(radii[0])
    return np.asarray(far, np.float32)


def sum_of(parts: Iterable[Array]) -> Array:
    """Add all arrays to the first one, in place, and return it."""
    first, *others = parts
    for other in others:
        first += other
    return first


def both_sides(points: Points) -> Points:
    """Return the points with the right side mirrored onto the left one."""
    return replace(points, x=points.side)


def ramp(values: Array, centre: float, width: float) -> Array:
    """Return a smooth step from 0 to 1, of the given width around ``centre``."""
    share = values * np.float32(1 / width)
    share += np.float32(0.5 - centre / width)
    share.clip(0, 1, out=share)
    result = np.float32(-2) * share
    result += np.float32(3)
    result *= share
    result *= share
    return np.asarray(result, np.float32)


def union(first: Array, *others: Array, smooth_mm: float = 0.0) -> Array:
    """Return the distance from the union of shapes, concave edges rounded off by ``smooth_mm``."""
    total = first
    for other in others:
        if smooth_mm:
            near = total - other
            np.abs(near, out=near)
            np.subtract(np.float32(smooth_mm), near, out=near)
            np.maximum(near, 0, out=near)
            near *= near
            near *= np.float32(1 / (4 * smooth_mm))
            total = np.minimum(total, other)
            total -= near
        else:
            total = np.minimum(total, other)
    return total


def cover(distance: Array, width: float | Array) -> Array:
    """Return the share of each pixel inside a surface: a linear ramp of ``width`` mm across it."""
    share = distance / np.asarray(-width, np.float32)
    share += np.float32(0.5)
    return np.asarray(share.clip(0, 1, out=share), np.float32)
