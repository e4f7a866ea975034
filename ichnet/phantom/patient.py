"""Parameters of a synthetic patient: head, age, lesions; :mod:`ichnet.phantom.draw` draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.config import LeftOut

WIDE = "wide"
"""The domain-randomised cohort, see :mod:`ichnet.phantom.wide`."""

COHORT_NUMBER: dict[str, int] = {"rsna": 1, "aihub": 2, "dumc": 3, "cq500": 4, WIDE: 5}
"""Number of each cohort, part of the seed of its random numbers."""


@dataclass(frozen=True)
class Lesion:
    """One hemorrhage.

    Attributes:
        subtype: one of ``SUBTYPES``.
        volume_ml: intended volume.
        hu: density of the blood.
        side: -1 for the patient's right, +1 for the left.
        seed: seed of its location and shape.
        site: location, a key of ``SITES_OF[subtype]`` or ``anywhere``.
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
    """A synthetic patient, reproducible from seed, cohort and index.

    Attributes:
        cohort: name of the cohort.
        index: number of the patient in the cohort.
        age_years: age.
        sex: ``F`` or ``M``.
        size: size of the head along x, y and z, relative to the average.
        skull_mm, scalp_mm: thickness of skull and scalp.
        atrophy: 0 to 1; widens ventricles and sulci.
        lesions: hemorrhages; empty for a normal head.
        mimics: mimics of hemorrhage in this head, keys of ``MIMICS``.
        seed: seed of the anatomy's random textures.
        pose_degrees: pitch, roll and yaw of the head in the holder.
        sinus: size of the frontal sinus, 0 to 1.
        pallor: how much ageing lowers the density of white matter, 0 to 1.
        haematocrit_hu: deviation of the density of flowing blood from the mean.
        hydrocephalus_mm: outward displacement of the ventricles' walls.
        swelling: how far brain swelling has closed sulci and cisterns, 0 to 1.
        darkening_hu: decrease of the density of swollen brain.
        rim_mm: width of the fluid over the convexity without atrophy; negative for none.
        fullness: how far a young brain fills sulci and cisterns, 0 to 1.
        grey_hu, white_hu, csf_hu, muscle_hu: density of these tissues.
        mantle_hu: excess density of the brain's surface over its middle.
        base_rough_mm: height of the ridges of the anterior skull base.
        scalp_lumps: number of scalp hematomas when ``scalp`` is among the mimics.
        brawn_mm: additional thickness of the neck muscles.
        tongue_hu: excess density of the tongue over other muscle, as beside teeth and fillings.
        patches_hu: excess density of bright patches in the soft tissue outside of the skull.
        sinus_widths: width of the right and of the left transverse sinus, relative to the average.
        without: features that scans of this patient leave out (see ``ablation``).
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
    patches_hu: float = 0.0
    sinus_widths: tuple[float, float] = (1.0, 1.0)
    without: tuple[LeftOut, ...] = ()


def generator(seed: int, cohort: str, index: int, purpose: int = 0) -> np.random.Generator:
    """Return the random number generator of one patient and purpose, independent of all others."""
    return np.random.default_rng([seed, COHORT_NUMBER[cohort], index, purpose])
