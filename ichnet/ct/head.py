"""Finds the head in a scan, by its skull.

The networks see a square part of each slice. It is centred on the image if the head is. A head that
lies off the centre (trauma, a reconstruction of the whole body's width) would leave that square, so
the square is then centred on the skull.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.ct.volume import AIR_HU, Volume

OFF_CENTRE_MM = 20.0
"""From this distance between the middle of the skull and that of the image on, the square is
centred on the skull. At less, a head of usual size (up to 190 mm long) still lies wholly in the
networks' 230 mm."""

STEP_MM = 2.0
"""Distance between the pixels that are looked at; skulls are thicker."""

BONE_HU = 300

SUTURE_MM = 4.0
"""Bones that are no further apart than this are one skull: sutures, burr holes."""

SKULL_CM2 = (40.0, 450.0)
"""Smallest and largest area that a skull encloses on a slice: from a newborn's to more than any
adult's."""

CRANIUM_MM = 100.0
"""Height below the top of the skull that is checked: it holds the brain. Further down are nose and
chin, which may leave the image."""

LEAST_CRANIUM_MM = 30.0
"""Least height of the slices that show the cranium; with less, there is no head."""

CUT_OFF_MM = 20.0
"""Length over which soft tissue inside the skull meets the edge of the image: where the skull alone
is cut off, no hemorrhage can be missed."""

CUT_OFF_SHARE = 0.1
"""Least share of the cranium's slices, and two at least, for a head to count as cut off."""

VERTEX_SHARE = 0.7
"""Where the topmost slice of a scan shows more than this share of the skull's largest area, the
vertex is missing: three centimetres or more of an adult's head."""

SOFT_TISSUE_HU = (-50, 150)

SOFT_TISSUE_SHARE = 0.5
"""Least share of soft tissue (brain, water, blood) within the skull on its middle slice."""


class Skull(NamedTuple):
    """The cranium that was found in a scan.

    Attributes:
        slices: int64 [n], the slices that show it.
        hulls: bool [n, rows, columns], the area it encloses on each of them, on a coarser grid.
        pixel_mm: spacing of that grid's rows and columns.
        steps: pixels of the scan per pixel of that grid, down and across.
        centre_mm: position of its middle, from the middle of the image down and to the right.
    """

    slices: NDArray[np.int64]
    hulls: NDArray[np.bool_]
    pixel_mm: tuple[float, float]
    steps: tuple[int, int]
    centre_mm: tuple[float, float]


def head_centre_mm(
    hu: NDArray[np.int16],
    pixel_spacing_mm: tuple[float, float],
    slice_spacing_mm: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the point of the slices on which the networks' square is centred.

    Args:
        hu: int16 [slices, rows, columns], from feet to head.
        pixel_spacing_mm: distance between rows, distance between columns.
        slice_spacing_mm: float64 [slices], extent that each slice stands for.

    Returns:
        mm from the middle of the image down and to the right: the middle of the skull where it is
        more than :data:`OFF_CENTRE_MM` away, else 0 and 0, also without a skull.
    """
    skull = find_skull(hu, pixel_spacing_mm, slice_spacing_mm)
    if skull is None or math.hypot(*skull.centre_mm) <= OFF_CENTRE_MM:
        return 0.0, 0.0
    return skull.centre_mm


def require_head(volume: Volume, path: Path) -> None:
    """Check that a scan shows a head, and the whole width of it.

    Args:
        volume: the scan.
        path: one of its files, for the error.

    Raises:
        ReadError: ``no-head`` without a skull, or with one that does not enclose soft tissue (HU
            may be wrong); ``incomplete-head`` when it leaves the image at the sides, or the scan
            ends below the vertex.
    """
    skull = find_skull(volume.hu, volume.pixel_spacing_mm, volume.slice_spacing_mm)
    if skull is None or volume.slice_spacing_mm[skull.slices].sum() < LEAST_CRANIUM_MM:
        raise ReadError(path, "no-head", "no skull is found in it")
    coarse = _coarse(volume.hu, skull.steps)[skull.slices]
    low, high = SOFT_TISSUE_HU
    soft = (coarse >= low) & (coarse <= high)
    shares = [np.mean(one[hull]) for one, hull in zip(soft, skull.hulls, strict=True)]
    if np.median(shares) < SOFT_TISSUE_SHARE:
        detail = f"its skull encloses {np.median(shares):.0%} soft tissue: HU may be wrong"
        raise ReadError(path, "no-head", detail)
    areas = skull.hulls.sum(axis=(1, 2))
    if skull.slices[-1] == len(volume.hu) - 1 and areas[-1] > VERTEX_SHARE * areas.max():
        raise ReadError(path, "incomplete-head", "the scan ends below the top of the head")
    at_edge_px = (soft & skull.hulls & _edge(coarse)).sum(axis=(1, 2))
    cut_off = np.count_nonzero(at_edge_px * max(skull.pixel_mm) >= CUT_OFF_MM)
    if cut_off >= max(2, CUT_OFF_SHARE * len(skull.slices)):
        detail = f"the head leaves the image on {cut_off} slices"
        raise ReadError(path, "incomplete-head", detail)


def find_skull(
    hu: NDArray[np.int16],
    pixel_spacing_mm: tuple[float, float],
    slice_spacing_mm: NDArray[np.float64],
) -> Skull | None:
    """Find the cranium; arguments as of :func:`head_centre_mm`.

    It is the largest connected bone. On each slice its convex hull is taken as the area that it
    encloses, so that a skull with an opening is found too.

    Returns:
        the cranium, the uppermost :data:`CRANIUM_MM` of the skull; ``None`` without one.
    """
    (row_mm, column_mm), (rows, columns) = pixel_spacing_mm, hu.shape[1:]
    steps = (_step(row_mm, rows), _step(column_mm, columns))
    pixel_mm = (row_mm * steps[0], column_mm * steps[1])
    bone = _largest_bone(_coarse(hu, steps) >= BONE_HU, pixel_mm)
    hulls = {number: _hull(one) for number, one in enumerate(bone) if one.any()}
    low_cm2, high_cm2 = SKULL_CM2
    pixel_cm2 = pixel_mm[0] * pixel_mm[1] / 100
    shown = [n for n, hull in hulls.items() if low_cm2 <= hull.sum() * pixel_cm2 <= high_cm2]
    if not shown:
        return None
    heights_mm = np.cumsum(slice_spacing_mm)
    slices = np.array([n for n in shown if heights_mm[shown[-1]] - heights_mm[n] <= CRANIUM_MM])
    found = np.stack([hulls[number] for number in slices])
    down_mm, right_mm = (
        _middle(np.asarray(found.any(axis=axis)), step, size) * mm
        for axis, step, size, mm in zip((2, 1), steps, hu.shape[1:], pixel_spacing_mm, strict=True)
    )
    return Skull(slices, found, pixel_mm, steps, (down_mm, right_mm))


def _step(spacing_mm: float, size: int) -> int:
    return min(max(1, int(STEP_MM / spacing_mm)), size)


def _coarse(hu: NDArray[np.int16], steps: tuple[int, int]) -> NDArray[np.int16]:
    return hu[:, steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]]


def _largest_bone(bone: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the largest connected bone, bool [slices, rows, columns]."""
    from scipy import ndimage  # not needed for finding series, and slow to import

    row_px, column_px = (round(SUTURE_MM / 2 / mm) for mm in pixel_mm)
    kernel = np.ones((2 * row_px + 1, 2 * column_px + 1), np.uint8)
    wide = np.stack([cv2.dilate(one, kernel) for one in bone.astype(np.uint8)])
    pieces, _ = ndimage.label(wide, structure=np.ones((3, 3, 3)))
    pieces[~bone] = 0
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(bone & (pieces == sizes.argmax()))


def _hull(bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what the convex hull of bone encloses on a slice, [rows, columns]."""
    points = np.argwhere(bone)[:, ::-1].astype(np.int32)
    filled = np.zeros(bone.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled.astype(bool)


def _middle(lines: NDArray[np.bool_], step: int, size: int) -> float:
    """Return the middle of hulls along one axis, in the scan's pixels from the image's middle.

    Args:
        lines: bool [slices, coarse pixels], which lines across the axis a hull meets.
        step: scan's pixels from one coarse pixel to the next.
        size: scan's pixels along the axis.
    """
    first, last = lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    return float(np.median(first + last) / 2 * step + step // 2 - (size - 1) / 2)


def _edge(coarse: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the edge of the measured field, one pixel wide, [rows, columns].

    Where all corners are padding, the measured field is the largest circle in the image.
    """
    rows, columns = coarse.shape[1:]
    down, right = np.mgrid[:rows, :columns]
    radii = np.hypot((down + 0.5) / rows * 2 - 1, (right + 0.5) / columns * 2 - 1)
    if (coarse[:, radii > 1] <= AIR_HU).all():
        inside = (radii <= 1).astype(np.uint8)
    else:
        inside = np.ones((rows, columns), np.uint8)
    within = cv2.erode(
        inside, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(inside > within)
