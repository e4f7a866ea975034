"""One slice of a head: distances on the coarse grid, densities and lesions at the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.dura import dura_of, paint_dura
from ichnet.phantom.face import FACE_TOP_MM, paint_face
from ichnet.phantom.field import Array, Points, head_points
from ichnet.phantom.head import Head
from ichnet.phantom.hemorrhage.families import FAMILIES
from ichnet.phantom.hemorrhage.lesion import Anatomy, Level, Surroundings
from ichnet.phantom.hemorrhage.mass_effect import brain_at
from ichnet.phantom.lattice import Lattice, cropped, cropped_points, interpolated
from ichnet.phantom.mimics.drawn import layers
from ichnet.phantom.mimics.scene import paint_layer
from ichnet.phantom.neck import NECK_TOP_MM, outline_of, paint_neck
from ichnet.phantom.skull import AIR_HU, Skull, paint_vault, skull_of, vault_depth
from ichnet.phantom.tissue import paint_brain, spaces_of

OUTSIDE_MM = 24.0
"""Largest distance of skin from the inner table, but for nape and face."""

SKIN_MM = 8.0
"""Margin around the outline of the neck within which pixels are painted."""

SOFT_TISSUE_HU = (5.0, 95.0)
"""Density of the tissue outside of the skull that ``Patient.patches_hu`` brightens: not fat."""

OUTSIDE_SKULL_MM = 2.0
"""Least distance from the inner surface of the skull, for the same."""

LESION_BLUR_MM = 1.2
"""Width of the blurred border of a hemorrhage."""


@dataclass(frozen=True, eq=False)
class Section:
    """A rendered slice before scanner effects.

    Attributes:
        hu: mean density over the slice's thickness, float32 [rows, columns].
        lesions: by subtype, the share of each pixel that blood fills, float32 [rows, columns].
    """

    hu: Array
    lesions: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Part:
    """A window of a slice: its points and the skull there."""

    points: Points
    skull: Skull


def section(
    head: Head,
    lattice: Lattice,
    corner_mm: NDArray[np.float64],
    orientation: NDArray[np.float64],
    normal: NDArray[np.float64],
    thickness_mm: float,
    planes: int,
) -> Section:
    """Render a slice of a head without the scanner's blur and noise.

    Args:
        head: the head.
        lattice: pixels and coarse grid of the field of view.
        corner_mm: position of the field of view's first corner, [3].
        orientation: float [6], as DICOM's ImageOrientationPatient.
        normal: unit normal of the slice, [3].
        thickness_mm: slice thickness, over which density is averaged.
        planes: number of planes that are averaged.
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
    near = points.keep(vault_depth) > -reach
    if points.z.min() < NECK_TOP_MM:
        near |= (points.keep(outline_of) < SKIN_MM) & (points.z < NECK_TOP_MM)
    if near.any():
        window = lattice.window(np.any(near, axis=-1))
        _paint(head, lattice, cropped_points(points, window), window, thickness_mm / planes, result)
    return result


def _paint(
    head: Head,
    lattice: Lattice,
    coarse: Points,
    window: tuple[slice, slice],
    gap_mm: float,
    result: Section,
) -> None:
    """Paint a window of a slice: bone, face and neck, then the content of the skull."""
    patient, textures = head.patient, head.textures
    coarse_skull = skull_of(coarse, textures, patient)
    skull = interpolated(lattice, coarse_skull)
    points = interpolated(lattice, coarse, smooth=False)
    texture = (
        lattice.interpolate(textures.soft.on(coarse), False),
        lattice.interpolate(textures.fine.on(coarse), False),
    )
    width = _width(skull.depth, lattice.pixel_mm)
    hu = np.full(skull.depth.shape, AIR_HU, np.float32)
    paint_vault(hu, skull, texture, width)
    if coarse.z.min() < FACE_TOP_MM:
        blur_mm = lattice.pixel_mm + 0.5 * gap_mm
        paint_face(hu, skull, points, lattice, coarse, textures, blur_mm)
        if coarse.z.min() < NECK_TOP_MM:
            paint_neck(hu, skull, points, lattice, coarse, textures, patient, texture[1])
    if patient.patches_hu:
        _brighten_patches(hu, skull, texture[0], patient.patches_hu)
    within = np.minimum(coarse_skull.depth, coarse_skull.base) > -lattice.coarse_mm
    if within.any():
        inner = lattice.window(np.any(within, axis=-1))
        pixels = lattice.pixels(inner)
        shares = _paint_within(
            head,
            lattice,
            Part(cropped_points(coarse, inner), cropped(coarse_skull, inner)),
            Part(cropped(points, pixels), cropped(skull, pixels)),
            (texture[0][pixels], texture[1][pixels]),
            hu[pixels],
        )
        rows, columns = (
            slice(outer.start * lattice.fold + one.start, outer.start * lattice.fold + one.stop)
            for outer, one in zip(window, pixels, strict=True)
        )
        for subtype, share in shares.items():
            result.lesions[subtype][rows, columns] = share
    result.hu[lattice.pixels(window)] = mean_of_planes(hu)


def _brighten_patches(hu: Array, skull: Skull, texture: Array, excess_hu: float) -> None:
    """Brighten patches of muscle, glands, orbits and scalp: denser tissue there is no blood.

    Args:
        hu: density at the pixels; changed in place.
        skull: distances of the skull's surfaces at the pixels.
        texture: of unit variance; patches are where it is high.
        excess_hu: that a patch reaches where the texture is 1.5 or more.
    """
    low, high = SOFT_TISSUE_HU
    outside = np.minimum(skull.depth, skull.base) < -OUTSIDE_SKULL_MM
    patch = outside & (hu > low) & (hu < high)
    hu += np.float32(excess_hu) * np.clip(texture - np.float32(0.5), 0, 1) * patch


def _paint_within(
    head: Head,
    lattice: Lattice,
    coarse: Part,
    fine: Part,
    texture: tuple[Array, Array],
    hu: Array,
) -> dict[str, Array]:
    """Paint brain, dura, mimics and lesions; return the share that each subtype fills.

    Args:
        head: the head.
        lattice: pixels and coarse grid of the section.
        coarse: coarse points of a window, and the skull there.
        fine: pixels of the same window, and the skull there.
        texture: ``soft`` and ``fine`` texture at the pixels.
        hu: density at the pixels; changed in place.
    """
    patient, textures = head.patient, head.textures
    points, skull = fine.points, fine.skull
    coarse_dura = dura_of(coarse.points, textures)
    around = Surroundings(coarse.points, coarse.skull, coarse_dura, textures)
    dura = interpolated(lattice, coarse_dura)
    brain = interpolated(lattice, brain_at(around, patient, head.placed))
    tissue = spaces_of(brain, skull, _width(skull.depth, lattice.pixel_mm), patient)
    paint_brain(hu, brain, tissue, texture, patient)
    paint_dura(hu, dura, brain.fossa, skull, points, tissue.inside, patient)
    solid = tissue.inside * (1 - tissue.ventricles) * (1 - tissue.csf)
    for layer in layers(coarse.points, coarse.skull, coarse_dura, textures, patient):
        paint_layer(hu, layer, lattice.interpolate(layer.distance), tissue.inside, solid)
    there = Anatomy(brain, dura, tissue, points.down, *texture)
    return _paint_lesions(head, lattice, around, there, hu)


def _paint_lesions(
    head: Head, lattice: Lattice, around: Surroundings, there: Anatomy, hu: Array
) -> dict[str, Array]:
    """Paint the lesions; return the share of each pixel that each subtype fills."""
    shares: dict[str, Array] = {}
    for one in head.placed:
        subtype = one.lesion.subtype
        coarse = FAMILIES[subtype].level(around, one)
        profile = None if coarse.profile is None else lattice.interpolate(coarse.profile)
        level = Level(lattice.interpolate(coarse.far), profile)
        share = mean_of_planes(FAMILIES[subtype].paint(hu, one, level, there, LESION_BLUR_MM))
        before = shares.get(subtype)
        shares[subtype] = share if before is None else np.maximum(before, share)
    return shares


def mean_of_planes(values: Array) -> Array:
    """Return the mean over the last of three axes, ten times as fast as ``numpy.mean``."""
    planes = values.shape[-1]
    return np.asarray(values @ np.full(planes, 1 / planes, np.float32), np.float32)


def _width(depth: Array, pixel_mm: float) -> Array:
    """Return the width of the vault's blurred surfaces, mm; larger where it is cut obliquely."""
    across = np.float32(1.2 * pixel_mm)
    if depth.shape[-1] == 1:
        return np.full_like(depth, across)
    step = np.abs(depth[..., -1:] - depth[..., :1]) / np.float32(depth.shape[-1] - 1)
    return np.asarray(np.broadcast_to(across + step, depth.shape), np.float32)
