"""A head as a scanner sees it: tilted slices, partial volume, point spread, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import AIR_HU, slice_normal
from ichnet.phantom.head import AIR, SCALP_MM, dissect, make_points, tissue_hu
from ichnet.phantom.hemorrhage import Placed, paint_lesions, place_lesions
from ichnet.phantom.patient import Patient, generator
from ichnet.subtypes import SUBTYPES

SUB_PLANES = 3
"""Planes averaged over a slice's thickness; a pixel is lesion where half of them or more are."""

POINT_SPREAD_PX = 0.6
NOISE_GAUSSIANS = ((1.126, 1.0), (1.907, -1.166))
"""Sigma in pixels and weight of two Gaussians whose difference shapes white noise: fitted to the
autocorrelation of a real scan, .64, .05, -.22 at one, two and three pixels."""

THICKEST_SLICE_MM = 5.0
FIRST_SLICE_Z_MM = -58.0
LAST_SLICE_Z_MM = 74.0


@dataclass(frozen=True)
class Site:
    """What differs between hospitals.

    Attributes:
        tilt_degrees: largest gantry tilt.
        tilted_share: share of scans with any.
        noise_hu: standard deviation of the noise.
        offset_hu: error of the HU scale.
        field_of_view_mm: smallest and largest.
    """

    tilt_degrees: float
    tilted_share: float
    noise_hu: float
    offset_hu: float
    field_of_view_mm: tuple[float, float]


SITES: dict[str, Site] = {
    "rsna": Site(15, 0.3, 3.4, 0.0, (215, 250)),
    "aihub": Site(20, 0.5, 3.2, 0.5, (205, 240)),
    "dumc": Site(24, 0.8, 4.2, -1.5, (210, 250)),
    "cq500": Site(28, 0.6, 3.8, 1.5, (220, 256)),
}


@dataclass(frozen=True, eq=False)
class Scan:
    """A rendered scan.

    Attributes:
        hu: int16 [slices, rows, columns], ordered from feet to head.
        mask: uint8 bits [slices, rows, columns].
        pixel_spacing_mm: of rows and columns alike.
        slice_spacing_mm: perpendicular distance of slices.
        orientation: float [6], as DICOM's ImageOrientationPatient.
        positions_mm: float [slices, 3], as DICOM's ImagePositionPatient.
    """

    hu: NDArray[np.int16]
    mask: NDArray[np.uint8]
    pixel_spacing_mm: float
    slice_spacing_mm: float
    orientation: NDArray[np.float64]
    positions_mm: NDArray[np.float64]


def scan_patient(patient: Patient, seed: int, matrix: int, slices: tuple[int, int]) -> Scan:
    """Render a patient at the cohort's site.

    Args:
        patient: who.
        seed: of the whole phantom.
        matrix: rows and columns.
        slices: fewest and most.
    """
    site = SITES[patient.cohort]
    rng = generator(seed, patient.cohort, patient.index, purpose=1)
    count = int(rng.integers(slices[0], slices[1] + 1))
    tilt = np.radians(rng.uniform(3, site.tilt_degrees)) if rng.random() < site.tilted_share else 0
    orientation = np.array([1, 0, 0, 0, np.cos(tilt), np.sin(tilt)])
    normal = slice_normal(orientation)
    pixel_mm = float(rng.uniform(*site.field_of_view_mm)) / matrix
    spacing_mm = (LAST_SLICE_Z_MM - FIRST_SLICE_Z_MM) / (count - 1)
    thickness_mm = min(spacing_mm, THICKEST_SLICE_MM)
    heights_mm = FIRST_SLICE_Z_MM + spacing_mm * np.arange(count)
    off_centre_mm = rng.normal(0, 3, 2)
    centres_mm = heights_mm[:, None] * normal + np.array([*off_centre_mm, 0.0])
    corner_mm = (matrix - 1) / 2 * pixel_mm * (orientation[:3] + orientation[3:])
    positions_mm = centres_mm - corner_mm

    placed = place_lesions(patient)
    hu = np.empty((count, matrix, matrix), np.int16)
    mask = np.empty((count, matrix, matrix), np.uint8)
    for index in range(count):
        density, mask[index] = _render_slice(
            patient,
            placed,
            positions_mm[index],
            orientation,
            normal,
            pixel_mm,
            thickness_mm,
            matrix,
        )
        density = cv2.GaussianBlur(density, (0, 0), POINT_SPREAD_PX) + site.offset_hu
        density += site.noise_hu * shaped_noise(rng, matrix)
        hu[index] = np.clip(np.rint(density), AIR_HU, 3071)
    return Scan(hu, mask, pixel_mm, spacing_mm, orientation, positions_mm)


def _render_slice(
    patient: Patient,
    placed: tuple[Placed, ...],
    position_mm: NDArray[np.float64],
    orientation: NDArray[np.float64],
    normal: NDArray[np.float64],
    pixel_mm: float,
    thickness_mm: float,
    matrix: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the mean density over the slice's thickness, and the mask of its majority."""
    density = np.zeros((matrix, matrix), np.float32)
    votes = np.zeros((len(SUBTYPES), matrix, matrix), np.uint8)
    steps = np.arange(matrix) * pixel_mm
    in_plane = (
        position_mm
        + steps[None, :, None] * orientation[:3]
        + steps[:, None, None] * orientation[3:]
    )
    for share in (np.arange(SUB_PLANES) + 0.5) / SUB_PLANES - 0.5:
        xyz = (in_plane + share * thickness_mm * normal).astype(np.float32)
        points = make_points(patient, *(np.ascontiguousarray(xyz[..., i]) for i in range(3)))
        # all else is air, and half of the work
        head = points.depth > -(patient.skull_mm + 2 * SCALP_MM)
        anatomy = dissect(points.where(head), patient)
        hu = tissue_hu(anatomy, patient)
        bits = paint_lesions(hu, anatomy, placed)
        density[head] += hu - np.float32(AIR)
        for index in range(len(SUBTYPES)):
            votes[index][head] += (bits >> index) & 1
    mask = np.zeros((matrix, matrix), np.uint8)
    for index in range(len(SUBTYPES)):
        mask |= ((2 * votes[index] >= SUB_PLANES).astype(np.uint8)) << index
    return density / np.float32(SUB_PLANES) + np.float32(AIR), mask


def shaped_noise(rng: np.random.Generator, matrix: int) -> NDArray[np.float32]:
    """Return band-passed noise of unit standard deviation, float32 [matrix, matrix]."""
    white = rng.standard_normal((matrix, matrix), dtype=np.float32)
    noise = np.zeros_like(white)
    for sigma, weight in NOISE_GAUSSIANS:
        noise += np.float32(weight) * cv2.GaussianBlur(white, (0, 0), sigma)
    return np.asarray(noise / noise.std(), np.float32)
