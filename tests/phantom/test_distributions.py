"""Size, density, height and number of parts of drawn hemorrhages, as published for real ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import ndimage

from ichnet.phantom.draw import draw_lesion, draw_patient
from ichnet.phantom.published import LN_VOLUME_ML
from ichnet.phantom.scanner import scan_patient
from ichnet.subtypes import SUBTYPES, bit_of

# draws hundreds of hemorrhages
pytestmark = pytest.mark.slow

SCANS, MATRIX, SLICES = 15, 128, 28

PUBLISHED_HU = {
    "EDH": (56.0, 9.5),
    "IPH": (47.5, 8.6),
    "IVH": (39.9, 8.9),
    "SAH": (43.9, 7.9),
    "SDH": (50.3, 12.5),
}
"""Mean and standard deviation within the outline, partial volume included."""

PUBLISHED_EXTENT_MM = {
    "EDH": (10.2, 19.1),
    "IPH": (6.9, 17.3),
    "IVH": (6.7, 20.5),
    "SAH": (5.4, 18.2),
    "SDH": (10.4, 24.5),
}
"""Height of a hemorrhage: the first number times ln mL plus the second."""

QUARTILE = 0.6745
"""The quartiles of a normal distribution lie this many standard deviations from its mean."""


@dataclass
class Measured:
    meant_ml: float
    volume_ml: float
    extent_mm: float
    hu: float
    parts: int
    slice_mm: float


def measure(subtype: str, index: int) -> Measured:
    """Draw a head with one hemorrhage and measure its outline."""
    lesion = draw_lesion(np.random.default_rng([9, index]), subtype)
    patient = replace(draw_patient(31, "aihub", index, False), lesions=(lesion,))
    scan = scan_patient(patient, 31, MATRIX, (SLICES, SLICES))
    drawn = (scan.mask & bit_of(subtype)) > 0
    voxel_ml = scan.pixel_spacing_mm**2 * scan.slice_spacing_mm / 1000
    return Measured(
        lesion.volume_ml,
        np.count_nonzero(drawn) * voxel_ml,
        np.count_nonzero(drawn.any(axis=(1, 2))) * scan.slice_spacing_mm,
        # published means are of pixels of half a mm; these of 1.8 mm hold bone at the rim
        float(np.median(scan.hu[drawn])),
        ndimage.label(drawn, np.ones((3, 3, 3)))[1],
        scan.slice_spacing_mm,
    )


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_hemorrhages_are_as_published(subtype):
    found = [measure(subtype, index) for index in range(SCANS)]
    volumes = np.array([one.volume_ml for one in found])
    meant = np.array([one.meant_ml for one in found])
    assert np.median(volumes / meant) == pytest.approx(1, abs=0.15)
    mean, deviation = LN_VOLUME_ML[subtype]
    assert np.median(np.log(volumes)) == pytest.approx(mean, abs=QUARTILE * deviation)

    mean, deviation = PUBLISHED_HU[subtype]
    assert np.median([one.hu for one in found]) == pytest.approx(mean, abs=QUARTILE * deviation)

    slope, least = PUBLISHED_EXTENT_MM[subtype]
    longer = [one.extent_mm - (slope * np.log(one.meant_ml) + least) for one in found]
    assert abs(np.median(longer)) <= 1.25 * found[0].slice_mm

    parts = np.median([one.parts for one in found])
    low, high = (3, 10) if subtype == "SAH" else (1, 2)
    assert low <= parts <= high
