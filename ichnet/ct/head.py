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

from ichnet.ct.connected import largest_piece
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
"""Where the topmost slice with bone shows more than this share of the skull's largest area, the
vertex is missing: three centimetres or more of an adult's head."""

LEAST_BONE_MM2 = 100.0
"""Least bone by which a slice counts as one with bone, not noise or metal."""

BASE_SHARE, MOST_BASE_MM = 0.6, 90.0
"""The cranium is expected to be shown, from its top, over this share of the square root of its
largest area, and over 90 mm at most. All of 82 whole heads show more, of their upper halves one in
ten does."""

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


def head_centre_mm(skull: Skull | None) -> tuple[float, float]:
    """Return the point of the slices on which the networks' square is centred.

    Args:
        skull: of the scan, ``None`` where none was found.

    Returns:
        mm from the middle of the image down and to the right: the middle of the skull where it is
        more than :data:`OFF_CENTRE_MM` away, else 0 and 0, also without a skull.
    """
    if skull is None or math.hypot(*skull.centre_mm) <= OFF_CENTRE_MM:
        return 0.0, 0.0
    return skull.centre_mm


def require_head(volume: Volume, skull: Skull | None, path: Path) -> Skull:
    """Check that a scan shows a head, and the whole width of it.

    Args:
        volume: the scan.
        skull: that was found in it.
        path: one of its files, for the error.

    Returns:
        the skull.

    Raises:
        ReadError: ``no-head`` without a skull, or with one that does not enclose soft tissue (HU
            may be wrong); ``incomplete-head`` when it leaves the image at the sides, or the scan
            ends below the vertex.
    """
    if skull is None or volume.slice_spacing_mm[skull.slices].sum() < LEAST_CRANIUM_MM:
        raise ReadError(path, "no-head", "no skull is found in it")
    coarse = coarse_grid(volume.hu, skull.steps)[skull.slices]
    low, high = SOFT_TISSUE_HU
    soft = (coarse >= low) & (coarse <= high)
    shares = [np.mean(one[hull]) for one, hull in zip(soft, skull.hulls, strict=True)]
    if np.median(shares) < SOFT_TISSUE_SHARE:
        detail = f"its skull encloses {np.median(shares):.0%} soft tissue: HU may be wrong"
        raise ReadError(path, "no-head", detail)
    areas = skull.hulls.sum(axis=(1, 2))
    top = skull.slices[-1]
    next_up = coarse_grid(volume.hu[top + 1 : top + 2], skull.steps)
    is_topmost = not slices_with_bone(next_up, skull.pixel_mm).any()
    if is_topmost and areas[-1] > VERTEX_SHARE * areas.max():
        raise ReadError(path, "incomplete-head", "the scan ends below the top of the head")
    at_edge_px = (soft & skull.hulls & _edge(coarse)).sum(axis=(1, 2))
    cut_off = np.count_nonzero(at_edge_px * max(skull.pixel_mm) >= CUT_OFF_MM)
    if cut_off >= max(2, CUT_OFF_SHARE * len(skull.slices)):
        detail = f"the head leaves the image on {cut_off} slices"
        raise ReadError(path, "incomplete-head", detail)
    return skull


def slices_with_bone(coarse: NDArray[np.int16], pixel_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which slices show bone, bool [slices].

    Args:
        coarse: int16 [slices, rows, columns], from :func:`coarse_grid`.
        pixel_mm: of that grid.
    """
    pixels = np.count_nonzero(coarse >= BONE_HU, axis=(1, 2))
    return np.asarray(pixels * pixel_mm[0] * pixel_mm[1] >= LEAST_BONE_MM2)


def caution_about_base(volume: Volume, skull: Skull) -> str:
    """Return a sentence that the base of the skull is not shown; empty when it seems to be.

    No reason to refuse: a short scan may be all that there is. But an answer about the upper half
    of a head must not look like one about the whole.
    """
    shown_mm = float(volume.slice_spacing_mm[skull.slices].sum())
    pixel_mm2 = skull.pixel_mm[0] * skull.pixel_mm[1]
    widest_mm = math.sqrt(float(skull.hulls.sum(axis=(1, 2)).max()) * pixel_mm2)
    if shown_mm >= min(BASE_SHARE * widest_mm, MOST_BASE_MM):
        return ""
    return (
        f"only the uppermost {shown_mm:.0f} mm of the skull are shown: nothing is known of what "
        "lies below, and slices may be missing"
    )


def find_skull(
    hu: NDArray[np.int16],
    pixel_spacing_mm: tuple[float, float],
    slice_spacing_mm: NDArray[np.float64],
) -> Skull | None:
    """Find the cranium.

    It is the largest connected bone. On each slice its convex hull is taken as the area that it
    encloses, so that a skull with an opening is found too.

    Args:
        hu: int16 [slices, rows, columns], from feet to head.
        pixel_spacing_mm: distance between rows, distance between columns.
        slice_spacing_mm: float64 [slices], extent that each slice stands for.

    Returns:
        the cranium, the uppermost :data:`CRANIUM_MM` of the skull; ``None`` without one.
    """
    (row_mm, column_mm), (rows, columns) = pixel_spacing_mm, hu.shape[1:]
    steps = (_step(row_mm, rows), _step(column_mm, columns))
    pixel_mm = (row_mm * steps[0], column_mm * steps[1])
    bone = _largest_bone(coarse_grid(hu, steps) >= BONE_HU, pixel_mm)
    hulls = _hulls(bone)
    low_cm2, high_cm2 = SKULL_CM2
    pixel_cm2 = pixel_mm[0] * pixel_mm[1] / 100
    shown = [
        number
        for number, hull in hulls.items()
        if low_cm2 <= np.count_nonzero(hull) * pixel_cm2 <= high_cm2
    ]
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


def coarse_grid(hu: NDArray[np.int16], steps: tuple[int, int]) -> NDArray[np.int16]:
    """Return the pixels of the grid on which the skull is searched."""
    return hu[:, steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]]


def _largest_bone(bone: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the largest connected bone, bool [slices, rows, columns]."""
    found = np.zeros(bone.shape, bool)
    if not bone.any():
        return found
    reach_px = (round(SUTURE_MM / 2 / pixel_mm[0]), round(SUTURE_MM / 2 / pixel_mm[1]))
    # in the box that holds all of it
    box = (
        _extent(np.asarray(bone.any(axis=(1, 2))), 0),
        _extent(np.asarray(bone.any(axis=(0, 2))), reach_px[0]),
        _extent(np.asarray(bone.any(axis=(0, 1))), reach_px[1]),
    )
    found[box] = largest_piece(bone[box], reach_px)
    return found


def _extent(line: NDArray[np.bool_], margin: int) -> slice:
    """Return from where to where a line has any ones, with a margin."""
    places = np.flatnonzero(line)
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def _hulls(bone: NDArray[np.bool_]) -> dict[int, NDArray[np.bool_]]:
    """Return what the convex hull of bone encloses, [rows, columns], on each slice with bone."""
    shown = np.asarray(bone.any(axis=2))
    # between the outermost pixels of a row none stands out
    left, right = bone.argmax(axis=2), bone.shape[2] - 1 - bone[:, :, ::-1].argmax(axis=2)
    hulls = {}
    for number in np.flatnonzero(shown.any(axis=1)).tolist():
        rows = np.flatnonzero(shown[number])
        points = np.empty((2, len(rows), 2), np.int32)
        points[:, :, 1] = rows
        points[0, :, 0], points[1, :, 0] = left[number, rows], right[number, rows]
        filled = np.zeros(bone.shape[1:], np.uint8)
        cv2.fillConvexPoly(filled, cv2.convexHull(points.reshape(-1, 2)), 1)
        hulls[number] = filled.view(bool)
    return hulls


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
