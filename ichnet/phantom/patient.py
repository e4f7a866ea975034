"""Who a synthetic patient is: head, age, lesions. Numbers only, no pixels yet.

``draw.draw_patient`` draws one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.config import LeftOut

WIDE = "wide"
"""The cohort whose heads, blood and scanners vary far beyond what is usual: see ``wide``."""

COHORT_NUMBER: dict[str, int] = {"rsna": 1, "aihub": 2, "dumc": 3, "cq500": 4, WIDE: 5}
"""Part of the seed of a cohort's random numbers."""


@dataclass(frozen=True)
class Lesion:
    """One hemorrhage.

    Attributes:
        subtype: one of ``SUBTYPES``.
        volume_ml: what it is meant to fill.
        hu: density of the blood.
        side: -1 right, +1 left (patient's axes: left is positive).
        seed: of its place and shape.
        site: one of ``SITES_OF[subtype]``.
        age: ``acute``, ``isodense``, ``chronic`` or ``mixed`` for SDH, ``faint`` or ``acute`` for
            SAH, ``acute`` for others.
    """

    subtype: str
    volume_ml: float
    hu: float
    side: int
    seed: int
    site: str
    age: str = "acute"


@dataclass(frozen=True)
class Patient:
    """A synthetic patient, reproducible alone from seed, cohort and index.

    Attributes:
        cohort, index: which one.
        age_years, sex: ``F`` or ``M``.
        size: factor of the head's size along x, y, z.
        skull_mm, scalp_mm: thickness of skull and scalp.
        atrophy: 0 to 1; widens ventricles and sulci.
        lesions: hemorrhages; none in a normal head.
        mimics: keys of ``MIMICS`` that this head has.
        seed: of the anatomy's texture.
        pose_degrees: pitch, roll and yaw of the head in the holder.
        sinus: 0 to 1, size of the frontal sinus.
        pallor: 0 to 1, how much ageing darkens white matter.
        haematocrit_hu: density of flowing blood, less the mean.
        hydrocephalus_mm: by which the ventricles' walls are pushed outwards.
        swelling: 0 to 1, how far swollen brain has closed sulci and cisterns.
        darkening_hu: by which swollen brain is darker.
        rim_mm: of fluid over the convexity, beside what atrophy leaves; negative for none.
        fullness: 0 to 1, how far a young brain fills sulci and cisterns.
        grey_hu, white_hu, csf_hu, muscle_hu: density of these tissues.
        base_rough_mm: height of the ridges of the anterior skull base.
        brawn_mm: by which muscles are thicker than those of a slender neck.
        tongue_hu: by which the tongue is denser than other muscle, as between teeth and fillings.
        sinus_widths: of the right and the left transverse sinus, relative to the usual.
        scalp_lumps: bruises of the scalp, where there are any.
        mantle_hu: by which brain is denser at its surface than in its middle.
        without: what scans of this patient leave out: see ``ablation``.
    """

    cohort: str
    index: int
    age_years: int
    sex: str
    size: tuple[float, float, float]
    skull_mm: float
    atrophy: float
    lesions: tuple[Lesion, ...]
    mimics: frozenset[str]
    seed: int
    scalp_mm: float = 5.5
    pose_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sinus: float = 0.5
    pallor: float = 0.5
    haematocrit_hu: float = 0.0
    hydrocephalus_mm: float = 0.0
    swelling: float = 0.0
    darkening_hu: float = 0.0
    rim_mm: float = 0.7
    fullness: float = 0.0
    grey_hu: float = 37.0
    white_hu: float = 28.0
    csf_hu: float = 8.0
    muscle_hu: float = 52.0
    mantle_hu: float = 2.0
    base_rough_mm: float = 1.2
    scalp_lumps: int = 1
    brawn_mm: float = 1.5
    tongue_hu: float = 0.0
    sinus_widths: tuple[float, float] = (1.0, 1.0)
    without: tuple[LeftOut, ...] = ()


def generator(seed: int, cohort: str, index: int, purpose: int = 0) -> np.random.Generator:
    """Return the random numbers of one patient, independent of all others."""
    return np.random.default_rng([seed, COHORT_NUMBER[cohort], index, purpose])
