"""The simplest detector, which whatever learns must beat: bright tissue within the skull.

Tissue counts as blood where it is brighter than a threshold, no denser than blood can be, away
from the bone, and part of a component that is large enough. The three numbers are those with the
highest scan AUC on training scans.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ichnet.files import write_whole
from ichnet.statistics.roc import roc_auc

BONE_HU = 250.0
DENSEST_BLOOD_HU = 100.0
CLOSED_MM = 6.0
"""Gaps of the skull's section up to twice this are closed before it is filled."""

SMOOTHED_MM = 1.5

THRESHOLDS_HU = tuple(range(40, 79, 3))
MARGINS_MM = (2.0, 4.0, 7.0)
SMALLEST_ML = (0.05, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan, ready to be tried with many rules.

    Attributes:
        hu: smoothed in the plane, float32 [slices, rows, columns].
        depth_mm: distance from bone within the skull, 0 elsewhere, of the same shape.
        voxel_ml: volume of one voxel of each slice, [slices].
    """

    hu: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    voxel_ml: NDArray[np.float64]


@dataclass(frozen=True)
class ThresholdRule:
    """What counts as blood.

    Attributes:
        threshold_hu: blood is brighter.
        margin_mm: tissue nearer to bone does not count.
        smallest_ml: smaller components do not count.
    """

    threshold_hu: float
    margin_mm: float
    smallest_ml: float

    def blood(self, scan: Prepared) -> NDArray[np.bool_]:
        """Return what counts as blood, bool [slices, rows, columns]."""
        parts, counts = _components(scan, self.threshold_hu, self.margin_mm)
        kept = np.append(False, scan.voxel_ml @ counts >= self.smallest_ml)
        return np.asarray(kept[parts])

    def write(self, path: Path) -> None:
        """Write the rule as JSON."""
        with write_whole(path) as handle:
            json.dump(asdict(self), handle, indent=2)


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


def tune(scans: Sequence[Prepared], truth: Sequence[bool]) -> tuple[ThresholdRule, float]:
    """Return the rule with the highest scan AUC, and that AUC.

    A scan's score is the highest of its slices', as of every model.

    Args:
        scans: of the training split.
        truth: whether each holds hemorrhage; both kinds are needed.

    Raises:
        ValueError: when all scans are of one kind.
    """
    rules = [
        (hu, margin, smallest)
        for hu, margin in itertools.product(THRESHOLDS_HU, MARGINS_MM)
        for smallest in SMALLEST_ML
    ]
    scores = np.zeros((len(rules), len(scans)))
    for column, scan in enumerate(scans):
        scores[:, column] = _scores_of_rules(scan)
    aucs = [roc_auc(truth, row) for row in scores]
    best = int(np.argmax(aucs))
    return ThresholdRule(*map(float, rules[best])), float(aucs[best])


def _scores_of_rules(scan: Prepared) -> list[float]:
    """Return the score of a scan by each rule, in the order of ``tune``."""
    scores = []
    for hu, margin in itertools.product(THRESHOLDS_HU, MARGINS_MM):
        _, counts = _components(scan, hu, margin)
        volumes_ml = scan.voxel_ml @ counts
        for smallest in SMALLEST_ML:
            volume_ml = counts[:, volumes_ml >= smallest].sum(axis=1) * scan.voxel_ml
            scores.append(float(np.max(volume_ml / (volume_ml + 1.0))))
    return scores


def _components(
    scan: Prepared, threshold_hu: float, margin_mm: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return components by number from 1, and the pixels of each in each slice.

    Returns:
        int32 [slices, rows, columns], 0 where there is none; int64 [slices, components].
    """
    bright = (scan.hu >= threshold_hu) & (scan.hu <= DENSEST_BLOOD_HU)
    parts, count = ndimage.label(bright & (scan.depth_mm > margin_mm))
    counts = [np.bincount(one.ravel(), minlength=count + 1)[1:] for one in parts]
    return parts, np.stack(counts)
