"""The simplest detector, a baseline for all networks: bright tissue within the skull.

Tissue counts as blood where it is brighter than a threshold, no denser than blood can be, away
from the bone, and part of a component that is large enough. :mod:`ichnet.training.baselines` finds
the three numbers on training scans.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ichnet.files import write_whole

BONE_HU = 250.0
DENSEST_BLOOD_HU = 100.0
CLOSED_MM = 6.0
"""Gaps of the skull's section up to twice this are closed before it is filled."""

SMOOTHED_MM = 1.5


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan prepared once, so that many rules can be tried on it.

    Attributes:
        hu: smoothed in the plane, float32 [slices, rows, columns].
        depth_mm: distance from bone within the skull, 0 elsewhere, of the same shape.
        voxel_ml: volume of one voxel of each slice, [slices].
    """

    hu: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    voxel_ml: NDArray[np.float64]

    def cropped_to_skull(self) -> Prepared:
        """Return the scan without the rows and columns that are outside of the skull everywhere."""
        inside = self.depth_mm.max(axis=0) > 0
        found = ndimage.find_objects(inside.view(np.uint8))
        if not found:
            return self
        box = (slice(None), *found[0])
        return Prepared(self.hu[box], self.depth_mm[box], self.voxel_ml)


@dataclass(frozen=True)
class ThresholdRule:
    """What counts as blood.

    Attributes:
        threshold_hu: blood has at least this HU.
        margin_mm: tissue nearer to bone does not count.
        smallest_ml: smaller components do not count.
    """

    threshold_hu: float
    margin_mm: float
    smallest_ml: float

    def blood(self, scan: Prepared) -> NDArray[np.bool_]:
        """Return what counts as blood, bool [slices, rows, columns]."""
        parts, counts = components_of(scan, self.threshold_hu, self.margin_mm)
        kept = np.append(False, scan.voxel_ml @ counts >= self.smallest_ml)
        return np.asarray(kept[parts])

    def write(self, path: Path) -> None:
        """Write the rule as JSON."""
        with write_whole(path) as handle:
            json.dump(asdict(self), handle, indent=2)

    @classmethod
    def read(cls, path: Path) -> ThresholdRule:
        """Read a rule that was written.

        Raises:
            FileNotFoundError: when none has been fitted.
            ValueError: when the file is not a rule; the message names it.
        """
        if not path.exists():
            raise FileNotFoundError(f"{path}: no rule; fit it (models/fit_baselines.py)")
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: not a threshold rule ({error})") from error


def prepare_scan(
    hu: NDArray[np.float32], pixel_mm: float, slice_spacing_mm: NDArray[np.float64]
) -> Prepared:
    """Smooth a scan and find the inside of its skull, slice by slice.

    Args:
        hu: [slices, rows, columns].
        pixel_mm: spacing of rows and of columns.
        slice_spacing_mm: of each slice, [slices].
    """
    smooth, depth = np.empty_like(hu), np.zeros_like(hu)
    size = 2 * max(1, round(CLOSED_MM / pixel_mm)) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    for index, image in enumerate(hu):
        smooth[index] = cv2.GaussianBlur(image, (0, 0), SMOOTHED_MM / pixel_mm)
        bone = (image > BONE_HU).astype(np.uint8)
        ring = cv2.morphologyEx(bone, cv2.MORPH_CLOSE, disk)
        inside = ndimage.binary_fill_holes(ring) & (bone == 0)
        depth[index] = pixel_mm * cv2.distanceTransform(
            inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
    return Prepared(smooth, depth, pixel_mm**2 * np.asarray(slice_spacing_mm, float) / 1000)


def slice_scores(blood: NDArray[np.bool_], voxel_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a score in [0, 1) of each slice: mL / (mL + 1) of the blood in it, [slices]."""
    volume_ml = np.count_nonzero(blood, axis=(1, 2)) * voxel_ml
    return np.asarray(volume_ml / (volume_ml + 1.0), float)


def components_of(
    scan: Prepared, threshold_hu: float, margin_mm: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label the bright components, and count the pixels of each in every slice.

    Returns:
        the number of each pixel's component from 1, int32 [slices, rows, columns], 0 outside of
        all; and their pixels, int64 [slices, components].
    """
    bright = (scan.hu >= threshold_hu) & (scan.hu <= DENSEST_BLOOD_HU)
    parts, count = ndimage.label(bright & (scan.depth_mm > margin_mm))
    counts = [np.bincount(one.ravel(), minlength=count + 1)[1:] for one in parts]
    return parts, np.stack(counts)
