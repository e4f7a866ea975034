"""A head of ellipsoids, brain in a skull, without noise."""

from __future__ import annotations

import numpy as np

SPACING_MM = (2.0, 2.0)
SLICES, GAP_MM = 20, 6.0
HEIGHTS_MM = (np.arange(SLICES) - 8) * GAP_MM
"""Of the slices above the widest one; the vertex is at 75 mm, the last slice at 66."""


def head_hu(
    down_mm=0.0,
    right_mm=0.0,
    size=(128, 128),
    brain_hu=30,
    skull_hu=1000,
    heights_mm=HEIGHTS_MM,
    air_hu=-1000,
):
    """An ellipsoid of 150 x 190 mm, its skull 8 mm thick; pixels of 2 mm."""
    rows, columns = size
    y = (np.arange(rows) - (rows - 1) / 2)[:, None] * 2 - down_mm
    x = (np.arange(columns) - (columns - 1) / 2)[None, :] * 2 - right_mm
    hu = np.full((len(heights_mm), *size), air_hu, np.int16)
    for image, height_mm in zip(hu, heights_mm, strict=True):
        for inward_mm, value in ((0, skull_hu), (8, brain_hu)):
            size_mm = (95 - inward_mm, 75 - inward_mm, 75 - inward_mm)
            radii = (y / size_mm[0]) ** 2 + (x / size_mm[1]) ** 2 + (height_mm / size_mm[2]) ** 2
            image[radii <= 1] = value
    return hu
