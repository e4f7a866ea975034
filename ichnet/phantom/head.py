"""One slice of a head: distances on a coarse grid, densities and lesions at the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.brain import paint_brain, paint_dura, spaces_of
from ichnet.phantom.field import Array, Points, head_points
from ichnet.phantom.hemorrhage import (
    COLLECTIONS,
    Head,
    brain_at,
    level_of,
    paint_lesion,
    profile_of,
    surface_of,
)
from ichnet.phantom.lattice import Lattice, cropped, interpolated
from ichnet.phantom.mimics import layers, paint_layer
from ichnet.phantom.neck import NECK_TOP_MM, neck_of, outline_of, paint_neck
from ichnet.phantom.skull import (
    AIR_HU,
    FACE_TOP_MM,
    Skull,
    face_of,
    paint_face,
    paint_vault,
    skull_of,
    vault_depth,
)

OUTSIDE_MM = 24.0
"""No part of the head is farther outside of the inner table, but the nape and the face."""

SKIN_MM = 8.0
"""No part of the neck is farther outside of its outline."""


@dataclass(frozen=True, eq=False)
class Section:
    """A slice as densities.

    Attributes:
        hu: float32 [rows, columns], mean over the slice's thickness.
        lesions: share of each pixel that a subtype fills, float32 [rows, columns].
    """

    hu: Array
    lesions: dict[str, Array]


def section(
    head: Head,
    lattice: Lattice,
    corner_mm: NDArray[np.float64],
    orientation: NDArray[np.float64],
    normal: NDArray[np.float64],
    thickness_mm: float,
    planes: int,
) -> Section:
    """Return a slice of a head without the scanner's blur and noise.

    Args:
        head: whose.
        lattice: covers the field of view.
        corner_mm: position of the field of view's first corner, [3].
        orientation: of rows and columns, as DICOM's.
        normal: of the slice.
        thickness_mm: over which density is averaged.
        planes: how many planes are averaged.
    """
    row, column = (
        (np.arange(count) + 0.5) * lattice.coarse_mm for count in (lattice.rows, lattice.columns)
    )
    steps = thickness_mm * ((np.arange(planes) + 0.5) / planes - 0.5)
    xyz = tuple(
        (
            corner_mm[i]
            + row[:, None, None] * orientation[3 + i]
            + column[None, :, None] * orientation[i]
            + steps[None, None, :] * normal[i]
        ).astype(np.float32)
        for i in range(3)
    )
    points = head_points(head.patient, head.textures, (xyz[0], xyz[1], xyz[2]))
    size = (lattice.rows * lattice.fold, lattice.columns * lattice.fold)
    result = Section(
        np.full(size, AIR_HU, np.float32),
        {one.lesion.subtype: np.zeros(size, np.float32) for one in head.placed},
    )
    reach = np.where(points.z < -20, OUTSIDE_MM + 24, OUTSIDE_MM)
    near = vault_depth(points) > -reach
    if points.z.min() < NECK_TOP_MM:
        near |= (outline_of(points) < SKIN_MM) & (points.z < NECK_TOP_MM)
    if near.any():
        window = lattice.window(np.any(near, axis=-1))
        _paint(head, lattice, cropped(points, window), window, thickness_mm / planes, result)
    return result


def _paint(
    head: Head,
    lattice: Lattice,
    coarse: Points,
    window: tuple[slice, slice],
    gap_mm: float,
    result: Section,
) -> None:
    """Paint a window of a slice: the head as a whole, then what lies within the skull."""
    patient, textures = head.patient, head.textures
    coarse_skull = skull_of(coarse, textures, patient)
    skull = interpolated(lattice, coarse_skull)
    soft = textures.soft.at(coarse.x, coarse.y, coarse.z)
    fine = textures.fine.at(coarse.x, coarse.y, coarse.z)
    texture = (lattice.interpolate(soft, False), lattice.interpolate(fine, False))
    width = _width(skull.depth, lattice.pixel_mm)
    hu = np.full(skull.depth.shape, AIR_HU, np.float32)
    paint_vault(hu, skull, texture, width)
    if coarse.z.min() < FACE_TOP_MM:
        face = interpolated(lattice, face_of(coarse, textures))
        points = interpolated(lattice, coarse, smooth=False)
        paint_face(hu, skull, face, points, lattice.pixel_mm + 0.5 * gap_mm)
        if coarse.z.min() < NECK_TOP_MM:
            neck = interpolated(lattice, neck_of(coarse, textures, patient))
            paint_neck(hu, skull, neck, points, patient, texture[1])
    within = np.minimum(coarse_skull.depth, coarse_skull.base) > -lattice.coarse_mm
    if within.any():
        inner = lattice.window(np.any(within, axis=-1))
        pixels = lattice.pixels(inner)
        shares = _paint_within(
            head,
            lattice,
            cropped(coarse, inner),
            cropped(coarse_skull, inner),
            (texture[0][pixels], texture[1][pixels]),
            hu[pixels],
        )
        rows, columns = (
            slice(outer.start * lattice.fold + one.start, outer.start * lattice.fold + one.stop)
            for outer, one in zip(window, pixels, strict=True)
        )
        for subtype, share in shares.items():
            result.lesions[subtype][rows, columns] = share
    result.hu[lattice.pixels(window)] = hu.mean(axis=-1)


def _paint_within(
    head: Head,
    lattice: Lattice,
    coarse: Points,
    coarse_skull: Skull,
    texture: tuple[Array, Array],
    hu: Array,
) -> dict[str, Array]:
    """Paint brain, dura, mimics and lesions; return the share that each subtype fills."""
    patient, textures = head.patient, head.textures
    coarse_brain = brain_at(coarse, coarse_skull, textures, patient, head.placed)
    points = interpolated(lattice, coarse, smooth=False)
    skull = interpolated(lattice, coarse_skull)
    brain = interpolated(lattice, coarse_brain)
    tissue = spaces_of(brain, skull, _width(skull.depth, lattice.pixel_mm), patient)
    paint_brain(hu, brain, tissue, points, texture, patient)
    paint_dura(hu, brain, skull, points, tissue.inside, patient)
    solid = tissue.inside * (1 - tissue.ventricles) * (1 - tissue.csf)
    for layer in layers(coarse, coarse_skull, coarse_brain, textures, patient):
        paint_layer(hu, layer, lattice.interpolate(layer.distance), tissue.inside, solid)
    shares: dict[str, Array] = {}
    for one in head.placed:
        surface = None
        if one.lesion.subtype in COLLECTIONS:
            level = profile_of(coarse, one, textures)
            surface = lattice.interpolate(surface_of(coarse_skull, coarse_brain, one))
        else:
            level = level_of(coarse, one, textures)
        level = lattice.interpolate(level)
        share = paint_lesion(hu, one, level, surface, brain, tissue, points.down, texture, 1.2)
        mean = share.mean(axis=-1)
        before = shares.get(one.lesion.subtype)
        shares[one.lesion.subtype] = mean if before is None else np.maximum(before, mean)
    return shares


def _width(depth: Array, pixel_mm: float) -> Array:
    """Return over how many mm the vault's surfaces are blurred: more where it is cut aslant."""
    across = np.float32(1.2 * pixel_mm)
    if depth.shape[-1] == 1:
        return np.full_like(depth, across)
    step = np.abs(depth[..., -1:] - depth[..., :1]) / np.float32(depth.shape[-1] - 1)
    return np.asarray(np.broadcast_to(across + step, depth.shape), np.float32)
