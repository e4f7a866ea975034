"""Slices as pictures: small enough for 161 scans on a page, with enough HU to switch windows.

HU become 256 codes: one for each HU where brain and blood lie, wider ones towards bone and air. A
slice is a WebP picture of codes; the page turns codes back into HU and HU into grey.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import AIR_HU, Volume

LONGER_SIDE_PX = 360
"""Longer side of a slice's picture, cut to the head: about 0.6 mm a pixel."""

WEBP_QUALITY = 95
"""On a real head CT it changes brain by 1.3 HU (RMS), where the scanner's noise is 3.4 HU."""

MARGIN_MM = 6.0
TISSUE_HU = -200
SMALLEST_LESION_PX = 4

# lower ends of the codes: 12 HU in fat, 1 HU in brain and blood, 2 HU up to 200, then coarse
_LOWEST_HU = np.concatenate(
    [
        [AIR_HU],
        np.arange(-1000, -200, 100),
        np.arange(-200, -20, 12),
        np.arange(-20, 100),
        np.arange(100, 200, 2),
        np.arange(200, 400, 8),
        np.linspace(400, 3000, 37).round(),
    ]
).astype(np.int64)

CODE_HU: NDArray[np.float64] = np.append((_LOWEST_HU[:-1] + _LOWEST_HU[1:] - 1) / 2, _LOWEST_HU[-1])
"""The HU that each code stands for, the middle of its range, float64 [256]."""

Outline = list[float]
"""A closed line as x0, y0, x1, y1, ... in pixels of the picture; x to the right, y down."""


@dataclass(frozen=True)
class EncodedScan:
    """A scan for the review page.

    Attributes:
        width, height: of a picture, in its pixels.
        pictures: one WebP for each slice, base64, from feet to head.
        outlines: of a mask, for each slice; ``None`` when there is no mask to show.
    """

    width: int
    height: int
    pictures: tuple[str, ...]
    outlines: tuple[list[Outline], ...] | None


def encode_scan(
    volume: Volume, mask: NDArray[np.bool_] | NDArray[np.uint8] | None = None
) -> EncodedScan:
    """Return slices cut to the head, as pictures, and a mask's outlines.

    Args:
        volume: the scan.
        mask: [slices, rows, columns], outlined where it is not zero.

    Raises:
        ValueError: when the mask does not fit the scan.
    """
    if mask is not None and mask.shape != volume.hu.shape:
        raise ValueError(f"the mask has shape {mask.shape}, the scan {volume.hu.shape}")
    hu = volume.hu
    marked = None if mask is None else np.asarray(mask != 0)
    shown = hu.max(axis=0) > TISSUE_HU
    if marked is not None:
        shown |= marked.any(axis=0)
    row_mm, column_mm = volume.pixel_spacing_mm
    rows = _extent(shown.any(axis=1), MARGIN_MM / row_mm)
    columns = _extent(shown.any(axis=0), MARGIN_MM / column_mm)
    height_mm = (rows.stop - rows.start) * row_mm
    width_mm = (columns.stop - columns.start) * column_mm
    scale = LONGER_SIDE_PX / max(height_mm, width_mm)
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    pictures = tuple(_picture(one[rows, columns], size) for one in hu)
    outlines = None
    if marked is not None:
        outlines = tuple(outlines_of(one[rows, columns], size) for one in marked)
    return EncodedScan(*size, pictures, outlines)


def to_codes(hu: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the code of each HU, uint8 of the same shape."""
    above = np.searchsorted(_LOWEST_HU, np.rint(hu), side="right")
    codes: NDArray[np.uint8] = (above - 1).clip(0).astype(np.uint8)
    return codes


def outlines_of(marked: NDArray[np.bool_], size: tuple[int, int]) -> list[Outline]:
    """Return the outlines of a mask [rows, columns] on a picture of another size.

    Lesions that would be smaller than a few pixels get a square that can be seen.

    Args:
        marked: the mask.
        size: width and height of the picture.
    """
    contours, _ = cv2.findContours(
        np.ascontiguousarray(marked, np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
    )
    scale = np.array(size) / marked.shape[::-1]
    lines: list[Outline] = []
    for contour in contours:
        points = (contour[:, 0] + 0.5) * scale
        if np.ptp(points, axis=0).max() < SMALLEST_LESION_PX:
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * SMALLEST_LESION_PX
            points = points.mean(axis=0) + corners
        lines.append(points.round(1).ravel().tolist())
    return lines


def _extent(occupied: NDArray[np.bool_], margin: float) -> slice:
    """Return the range of what is occupied, with a margin; all when nothing is."""
    where = np.flatnonzero(occupied)
    if not len(where):
        return slice(0, len(occupied))
    return slice(max(0, int(where[0] - margin)), min(len(occupied), int(where[-1] + margin) + 1))


def _picture(hu: NDArray[np.int16], size: tuple[int, int]) -> str:
    shrinks = size[1] < hu.shape[0]
    sized = cv2.resize(
        hu.astype(np.float32),
        size,
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    done, picture = cv2.imencode(".webp", to_codes(sized), [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not done:
        raise RuntimeError("OpenCV was built without WebP")
    return base64.b64encode(picture.tobytes()).decode("ascii")
