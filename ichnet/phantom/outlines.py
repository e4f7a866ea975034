"""Ground-truth masks of hemorrhages, as an annotator would draw them on the slices."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array
from ichnet.subtypes import SUBTYPES, bit_of

OUTLINE_SHARE: dict[str, float] = {"EDH": 0.5, "IPH": 0.5, "IVH": 0.45, "SAH": 0.38, "SDH": 0.5}
"""A pixel belongs to a subtype's mask when blood fills at least this share of it. The share is
lower for thin subarachnoid blood, which annotators outline generously."""

SMALLEST_OUTLINE_MM2 = 12.0
"""Smaller components are left out, as annotators do, unless a lesion has no larger one."""


def outlined(shares: list[dict[str, Array]], matrix: int, pixel_mm: float) -> NDArray[np.uint8]:
    """Return the masks of all subtypes, uint8 bits [slices, matrix, matrix].

    Every subtype that a scan has gets a mask on at least one slice.

    Args:
        shares: for each slice, by subtype, the share of each pixel that blood fills.
        matrix: rows and columns of the masks.
        pixel_mm: pixel size of the masks.
    """
    mask = np.zeros((len(shares), matrix, matrix), np.uint8)
    for subtype in SUBTYPES:
        filled = [
            cv2.resize(one[subtype], (matrix, matrix), interpolation=cv2.INTER_LINEAR)
            if subtype in one and one[subtype].any()
            else None
            for one in shares
        ]
        highest = max((float(one.max()) for one in filled if one is not None), default=0.0)
        # partial volume may leave no pixel of a small lesion half full
        limit = min(OUTLINE_SHARE[subtype], 0.6 * highest)
        regions = {
            index: (one >= limit).astype(np.uint8)
            for index, one in enumerate(filled)
            if one is not None and highest > 0
        }
        seen = {index: _without_specks(one, pixel_mm) for index, one in regions.items()}
        if not any(one.any() for one in seen.values()):
            seen = regions
        for index, one in seen.items():
            mask[index] |= one * np.uint8(bit_of(subtype))
    return mask


def _without_specks(region: NDArray[np.uint8], pixel_mm: float) -> NDArray[np.uint8]:
    """Return a region without components smaller than ``SMALLEST_OUTLINE_MM2``."""
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(region, connectivity=8)
    kept = boxes[:, cv2.CC_STAT_AREA] * pixel_mm**2 >= SMALLEST_OUTLINE_MM2
    kept[0] = False
    return np.asarray(kept[parts], np.uint8)
