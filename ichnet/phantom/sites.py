"""Scanners of the cohorts: settings, artefacts and positioning."""

from __future__ import annotations

from dataclasses import dataclass

THICKEST_SLICE_MM = 5.0
FIRST_SLICE_Z_MM = -62.0
LAST_SLICE_Z_MM = 74.0


@dataclass(frozen=True)
class Site:
    """A scanner with its usual settings.

    Attributes:
        tilt_degrees: largest gantry tilt.
        tilted_share: share of scans with gantry tilt.
        noise_hu: standard deviation of the noise of a 5 mm slice.
        offset_hu: offset of the HU scale.
        field_of_view_mm: smallest and largest field of view.
        blur_mm: sigma of a soft reconstruction kernel; negative for a sharp one.
        cupping_hu: amplitude of the brightening of brain near bone.
        streaks: strength of beam hardening, 1 for the usual.
        holder: kind of head holder (see ``artefacts.holder``).
        contrast: factor on the difference of soft tissue from 32 HU.
        glow_mm: distance from bone over which brain is brighter.
        first_mm, last_mm: height of the lowest and of the highest slice.
        off_centre_mm: standard deviation of the head's position in the field of view.
        thickest_mm: largest slice thickness; thinner when slices are closer.
        defaced: whether soft tissue in front of the skull is removed (see ``without_face``).
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
    # external test sets: darker and noisier, or brighter and sharper, than the training cohorts
    "dumc": (Site(24, 0.8, 4.2, -2.0, (210, 250), 0.5, 3.5, 1.3, 1),),
    "cq500": (
        Site(28, 0.6, 3.9, 2.0, (220, 256), -0.6, 2.0, 1.2, 2),
        Site(18, 0.6, 4.6, 1.0, (215, 245), 0.0, 4.0, 1.4, 0),
    ),
}
"""Scanners of each cohort."""
