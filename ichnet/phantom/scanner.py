"""A head as a site's scanner sees it: slices, partial volume, kernel, noise, artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import AIR_HU, slice_normal
from ichnet.phantom.artefacts import (
    cupping,
    drawn_noise,
    hardening,
    holder,
    moved_head,
    noise_pool,
    sharpened,
)
from ichnet.phantom.field import Array, Lattice
from ichnet.phantom.head import Section, section
from ichnet.phantom.hemorrhage import Head, make_head
from ichnet.phantom.patient import WIDE, Patient, generator
from ichnet.subtypes import SUBTYPES, bit_of

THICKEST_SLICE_MM = 5.0
PLANE_MM = 2.5
"""A slice's density is the mean of planes at most this far apart."""

FIRST_SLICE_Z_MM = -62.0
LAST_SLICE_Z_MM = 74.0
WIDE_FIELD_OF_VIEW_MM = 230.0
OUTLINE_SHARE: dict[str, float] = {"EDH": 0.5, "IPH": 0.5, "IVH": 0.45, "SAH": 0.38, "SDH": 0.5}
"""A pixel belongs to a subtype's outline when blood fills this share of it. Outlines of thin
subarachnoid blood are drawn around what is bright rather than what is full."""

SMALLEST_OUTLINE_MM2 = 12.0
"""Nobody draws around smaller parts, unless a lesion has no larger one."""


@dataclass(frozen=True)
class Site:
    """What differs between hospitals.

    Attributes:
        tilt_degrees: largest gantry tilt.
        tilted_share: share of scans with any.
        noise_hu: standard deviation of the noise of a 5 mm slice.
        offset_hu: error of the HU scale.
        field_of_view_mm: smallest and largest.
        blur_mm: sigma of a soft kernel; negative for a sharp one.
        cupping_hu: how much brighter brain is near bone.
        streaks: beam hardening, 1 as usual.
        holder: kind of head holder.
        contrast: factor on differences of soft tissue from 32 HU.
        glow_mm: how far from bone brain is brighter.
        first_mm, last_mm: height of the lowest and of the highest slice.
        off_centre_mm: standard deviation of the head's place in the field of view.
        thickest_mm: slices are as thick as their distance, at most this.
        defaced: whether what lies in front of the skull has been removed.
    """

    tilt_degrees: float
    tilted_share: float
    noise_hu: float
    offset_hu: float
    field_of_view_mm: tuple[float, float]
    blur_mm: float
    cupping_hu: float
    streaks: float
    holder: int
    contrast: float = 1.0
    glow_mm: float = 9.0
    first_mm: float = FIRST_SLICE_Z_MM
    last_mm: float = LAST_SLICE_Z_MM
    off_centre_mm: float = 3.0
    thickest_mm: float = THICKEST_SLICE_MM
    defaced: bool = False


SITES: dict[str, tuple[Site, ...]] = {
    # many hospitals
    "rsna": (
        Site(15, 0.3, 3.4, 0.0, (215, 250), 0.0, 2.5, 1.0, 0),
        Site(20, 0.5, 2.6, 1.0, (220, 250), 0.6, 3.0, 0.8, 1),
        Site(6, 0.1, 4.4, -1.0, (205, 235), -0.6, 2.0, 1.2, 2),
    ),
    "aihub": (
        Site(20, 0.5, 3.2, 0.5, (205, 240), 0.4, 2.5, 0.9, 1),
        Site(12, 0.4, 3.6, 0.0, (215, 245), 0.0, 3.0, 1.0, 0),
    ),
    # the external test: darker and noisier, brighter and sharper than what models learn from
    "dumc": (Site(24, 0.8, 4.2, -2.0, (210, 250), 0.5, 3.5, 1.3, 1),),
    "cq500": (
        Site(28, 0.6, 3.9, 2.0, (220, 256), -0.6, 2.0, 1.2, 2),
        Site(18, 0.6, 4.6, 1.0, (215, 245), 0.0, 4.0, 1.4, 0),
    ),
}
"""Scanners of each cohort."""


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


@dataclass(frozen=True, eq=False)
class Planned:
    """Where a scan's slices lie."""

    site: Site
    field_of_view_mm: float
    spacing_mm: float
    thickness_mm: float
    orientation: NDArray[np.float64]
    corners_mm: NDArray[np.float64]


def scan_patient(patient: Patient, seed: int, matrix: int, slices: tuple[int, int]) -> Scan:
    """Render a patient at one of the cohort's sites.

    Args:
        patient: who.
        seed: of the whole phantom.
        matrix: rows and columns.
        slices: fewest and most.
    """
    rng = generator(seed, patient.cohort, patient.index, purpose=1)
    head = make_head(patient)
    plan = _plan(rng, head, slices)
    lattice = Lattice.over(plan.field_of_view_mm, matrix)
    normal = slice_normal(plan.orientation)
    planes = max(1, round(plan.thickness_mm / PLANE_MM))
    camera = Camera(rng, patient, plan, lattice, matrix)
    hu = np.empty((len(plan.corners_mm), matrix, matrix), np.int16)
    shares: list[dict[str, Array]] = []
    for index, corner_mm in enumerate(plan.corners_mm):
        seen = section(
            head, lattice, corner_mm, plan.orientation, normal, plan.thickness_mm, planes
        )
        hu[index] = camera.expose(seen)
        shares.append(seen.lesions)
    pixel_mm = plan.field_of_view_mm / matrix
    inward = 0.5 * pixel_mm * (plan.orientation[:3] + plan.orientation[3:])
    return Scan(
        hu=hu,
        mask=outlined(shares, matrix, pixel_mm),
        pixel_spacing_mm=pixel_mm,
        slice_spacing_mm=plan.spacing_mm,
        orientation=plan.orientation,
        positions_mm=plan.corners_mm + inward,
    )


def drawn_site(rng: np.random.Generator, cohort: str) -> Site:
    """Return one of a cohort's sites: the first thing that is drawn for a scan."""
    if cohort == WIDE:
        return _wide_site(rng)
    sites = SITES[cohort]
    return sites[int(rng.integers(len(sites)))]


def _wide_site(rng: np.random.Generator) -> Site:
    """Draw a scanner of the cohort ``wide``: anything that hospitals may have, and more."""
    return Site(
        tilt_degrees=28,
        tilted_share=0.6,
        noise_hu=float(np.exp(rng.uniform(np.log(1.0), np.log(9.0)))),
        offset_hu=float(rng.normal(0, 2.5)),
        field_of_view_mm=(WIDE_FIELD_OF_VIEW_MM, WIDE_FIELD_OF_VIEW_MM),
        blur_mm=float(rng.uniform(-0.9, 1.4)),
        cupping_hu=float(rng.uniform(0, 9)),
        streaks=float(rng.uniform(0, 2.2)),
        holder=int(rng.integers(3)),
        contrast=float(np.exp(rng.normal(0, 0.13))),
        glow_mm=float(rng.uniform(5, 16)),
        first_mm=float(rng.uniform(-118, -48)),
        last_mm=float(rng.uniform(62, 92)),
        off_centre_mm=7.0,
        thickest_mm=float(rng.uniform(1, 8)),
        defaced=bool(rng.random() < 0.35),
    )


def _plan(rng: np.random.Generator, head: Head, slices: tuple[int, int]) -> Planned:
    """Draw a site and where the slices lie, so that no lesion falls between two of them."""
    site = drawn_site(rng, head.patient.cohort)
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
    return Planned(site, field_of_view_mm, spacing_mm, thickness_mm, orientation, corners_mm)


class Camera:
    """Turns sections into a scanner's images."""

    def __init__(
        self,
        rng: np.random.Generator,
        patient: Patient,
        plan: Planned,
        lattice: Lattice,
        matrix: int,
    ) -> None:
        """Draw what a scan's slices share: the holder and the noise."""
        self.rng, self.plan, self.lattice, self.matrix = rng, plan, lattice, matrix
        self.restless = "motion" in patient.mimics
        self.pixel_mm = plan.field_of_view_mm / matrix
        self.pool = noise_pool(rng, matrix, self.pixel_mm)
        count = lattice.rows * lattice.fold
        along = (np.arange(count) + 0.5) * lattice.pixel_mm - plan.field_of_view_mm / 2
        x, y = np.meshgrid(along, along)
        self.holder = holder(x, y, plan.site.holder, rng)
        steps = (np.arange(matrix) + 0.5) / matrix * 2 - 1
        far = (steps**2)[:, None] + (steps**2)[None, :]
        # rays through the middle are weaker
        self.noise_map = (0.72 + 0.5 * np.exp(-far / 0.42)).astype(np.float32)
        self.noise_hu = plan.site.noise_hu * np.sqrt(THICKEST_SLICE_MM / plan.thickness_mm) ** 0.5

    def expose(self, seen: Section) -> NDArray[np.int16]:
        """Return a slice as it is stored, int16 [matrix, matrix]."""
        site, pixel_mm = self.plan.site, self.lattice.pixel_mm
        hu = np.maximum(seen.hu, self.holder)
        hu = hu + np.float32(site.streaks) * hardening(hu, pixel_mm)
        glow = cupping(seen.hu, pixel_mm, site.cupping_hu, site.glow_mm)
        hu += glow * np.clip((seen.hu + 100) / 100, 0, 1)
        if site.contrast != 1:
            hu += np.float32(site.contrast - 1) * (np.clip(hu, 0, 110) - 32)
        if self.restless and self.rng.random() < 0.45:
            hu = moved_head(hu, self.rng, pixel_mm)
        shrinks = self.matrix < hu.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        image = cv2.resize(hu, (self.matrix, self.matrix), interpolation=how)
        image = sharpened(np.asarray(image, np.float32), self.pixel_mm, site.blur_mm)
        noise = drawn_noise(self.rng, self.pool)
        noise *= self.noise_map
        noise *= np.float32(self.noise_hu)
        image += noise
        image += np.float32(site.offset_hu)
        np.rint(image, out=image)
        np.clip(image, AIR_HU, 3071, out=image)
        return image.astype(np.int16)


def outlined(shares: list[dict[str, Array]], matrix: int, pixel_mm: float) -> NDArray[np.uint8]:
    """Return the outlines of all subtypes, as a person draws them: every lesion of a scan has one.

    Args:
        shares: of each slice, the share of its pixels that a subtype fills.
        matrix: rows and columns of the outlines.
        pixel_mm: of the outlines.
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
    """Return a region without parts that are too small to be outlined."""
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(region, connectivity=8)
    kept = boxes[:, cv2.CC_STAT_AREA] * pixel_mm**2 >= SMALLEST_OUTLINE_MM2
    kept[0] = False
    return np.asarray(kept[parts], np.uint8)
