"""Scan planning: scanner, gantry tilt, field of view and slice positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import slice_normal
from ichnet.phantom.ablation import site_without
from ichnet.phantom.head import Head
from ichnet.phantom.patient import WIDE
from ichnet.phantom.sites import SITES, Site
from ichnet.phantom.wide import draw_wide_site


@dataclass(frozen=True, eq=False)
class Plan:
    """Scanner and slice positions of a scan.

    Attributes:
        site: the scanner.
        field_of_view_mm: side of the square field of view.
        spacing_mm: distance of slices along their normal.
        thickness_mm: slice thickness.
        orientation: float [6], as DICOM's ImageOrientationPatient.
        corners_mm: float [slices, 3], first corner of each slice's field of view.
    """

    site: Site
    field_of_view_mm: float
    spacing_mm: float
    thickness_mm: float
    orientation: NDArray[np.float64]
    corners_mm: NDArray[np.float64]


def drawn_site(rng: np.random.Generator, cohort: str) -> Site:
    """Draw a scanner of a cohort; the first draw of each scan."""
    if cohort == WIDE:
        return draw_wide_site(rng)
    sites = SITES[cohort]
    return sites[int(rng.integers(len(sites)))]


def draw_plan(rng: np.random.Generator, head: Head, slices: tuple[int, int], sites_of: str) -> Plan:
    """Draw a cohort's scanner and slice positions, such that no lesion falls between two slices."""
    site = drawn_site(rng, sites_of)
    if head.patient.without:
        site = site_without(site, rng, head.patient.without)
    count = int(rng.integers(slices[0], slices[1] + 1))
    tilt = np.radians(rng.uniform(3, site.tilt_degrees)) if rng.random() < site.tilted_share else 0
    orientation = np.array([1, 0, 0, 0, np.cos(tilt), np.sin(tilt)])
    normal = slice_normal(orientation)
    field_of_view_mm = float(rng.uniform(*site.field_of_view_mm))
    spacing_mm = (site.last_mm - site.first_mm) / (count - 1)
    heights_mm = site.first_mm + spacing_mm * np.arange(count)
    peaks_mm = np.array([float(np.dot(one.peak_mm, normal)) for one in head.placed])
    if len(peaks_mm):
        offsets = spacing_mm * (np.arange(9) - 4) / 9
        far = np.abs(peaks_mm[None, :, None] - offsets[:, None, None] - heights_mm).min(axis=2)
        heights_mm = heights_mm + offsets[int(np.argmin(far.max(axis=1)))]
    off_centre_mm = np.array([*rng.normal(0, site.off_centre_mm, 2), 0.0])
    half_mm = field_of_view_mm / 2 * (orientation[:3] + orientation[3:])
    corners_mm = heights_mm[:, None] * normal + off_centre_mm - half_mm
    thickness_mm = min(spacing_mm, site.thickest_mm)
    return Plan(site, field_of_view_mm, spacing_mm, thickness_mm, orientation, corners_mm)
