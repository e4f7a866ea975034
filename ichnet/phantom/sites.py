"""What differs between hospitals: scanners, their settings, how heads lie in them."""

from __future__ import annotations

from dataclasses import dataclass

THICKEST_SLICE_MM = 5.0
FIRST_SLICE_Z_MM = -62.0
LAST_SLICE_Z_MM = 74.0


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
        defaced: whether what lies in front of the skull has been removed: see ``without_face``.
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
