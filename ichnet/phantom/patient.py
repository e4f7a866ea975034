"""Who a synthetic patient is: head, age, lesions. Drawn from numbers, no pixels yet.

Volumes in mL are log-normal by subtype, with the published mean and standard deviation of ln mL;
densities follow the published HU of acute and subacute blood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ichnet.subtypes import SUBTYPES

LN_VOLUME_ML: dict[str, tuple[float, float]] = {
    "EDH": (1.72, 1.49),
    "IPH": (2.04, 1.72),
    "IVH": (0.82, 1.76),
    "SAH": (0.92, 1.66),
    "SDH": (1.95, 1.53),
}
"""Mean and standard deviation of ln(mL) per scan."""

CLOT_HU: dict[str, tuple[float, float]] = {
    "EDH": (60.0, 8.0),
    "IPH": (47.5, 8.0),
    "IVH": (45.0, 9.0),
    "SAH": (52.0, 8.0),
    "SDH": (56.0, 9.0),
}
"""Mean and standard deviation between patients of acute blood before partial volume."""

AGE_SHARES: dict[str, float] = {"acute": 0.66, "isodense": 0.20, "chronic": 0.07, "mixed": 0.07}
"""How old subdural blood is. Isodense and chronic SDH have 30 to 45 and 20 to 30 HU."""

FAINT_SAH_SHARE, FAINT_SAH_HU = 0.25, (36.0, 44.0)
"""Subarachnoid blood that is thinned by fluid to the density of brain."""

VOLUME_LIMITS_ML: dict[str, tuple[float, float]] = {
    "EDH": (0.3, 110.0),
    "IPH": (0.1, 110.0),
    "IVH": (0.15, 45.0),
    "SAH": (0.15, 32.0),
    "SDH": (0.4, 130.0),
}
"""The tails of the log-normal that fit into a head and can be seen on a slice."""

SITES_OF: dict[str, dict[str, float]] = {
    "EDH": {"temporal": 0.6, "frontal": 0.2, "parietal": 0.12, "occipital": 0.08},
    "IPH": {"ganglia": 0.40, "thalamus": 0.20, "lobar": 0.28, "cerebellum": 0.08, "pons": 0.04},
    "IVH": {"level": 1.0},
    "SAH": {"basal": 0.3, "sylvian": 0.25, "convexity": 0.45},
    "SDH": {"convexity": 0.86, "falx": 0.09, "tentorium": 0.05},
}
"""Where each subtype lies; IPH as published (basal ganglia and thalamus 60 %)."""

MIMICS: dict[str, float] = {
    "pineal": 0.55,
    "choroid": 0.55,
    "siphon": 0.35,
    "falx": 0.18,
    "sinus": 0.15,
    "plaque": 0.14,
    "ganglia": 0.12,
    "infarct": 0.11,
    "scalp": 0.10,
    "hygroma": 0.05,
    "tumour": 0.05,
    "meningioma": 0.04,
    "pseudo-sah": 0.05,
    "craniotomy": 0.05,
    "shunt": 0.04,
    "metal": 0.03,
    "motion": 0.08,
    "air": 0.01,
    "fracture": 0.03,
    "filling": 0.2,
}
"""How often a head has what resembles blood, hides it, or is disease without blood."""

MIX: dict[str, dict[str, float]] = {
    "aihub": {"IPH": 1744, "IVH": 135, "EDH": 159, "SDH": 1442, "SAH": 700, "mixed": 2833},
    "rsna": {"IPH": 1008, "IVH": 239, "EDH": 73, "SDH": 1298, "SAH": 456, "mixed": 4425},
    "dumc": {"IPH": 221, "IVH": 8, "EDH": 1, "SDH": 15, "SAH": 82, "mixed": 0},
    "cq500": {"IPH": 45, "IVH": 0, "EDH": 0, "SDH": 0, "SAH": 0, "mixed": 115},
}
"""Scans of each exclusive subtype in the paper's Table 1."""

AGE_YEARS: dict[str, tuple[float, float]] = {
    "rsna": (57.5, 19.9),
    "aihub": (57.5, 19.9),
    "dumc": (65.7, 14.9),
    "cq500": (57.5, 19.9),
}
"""Mean and standard deviation of age (Table 1; RSNA and CQ500 do not say: as AI-Hub)."""

FEMALE_SHARE: dict[str, float] = {"rsna": 0.475, "aihub": 0.475, "dumc": 0.355, "cq500": 0.475}

EVEN_MIX: dict[str, dict[str, float]] = {
    # evened out, so that small cohorts hold slices of each subtype for balanced training
    "rsna": {"EDH": 0.18, "IPH": 0.12, "IVH": 0.22, "SAH": 0.15, "SDH": 0.15, "mixed": 0.18},
    "aihub": {"EDH": 0.16, "IPH": 0.13, "IVH": 0.20, "SAH": 0.16, "SDH": 0.17, "mixed": 0.18},
    # between the paper's Table 1 and evened out, so that a small test set has SDH and SAH
    "dumc": {"EDH": 0.08, "IPH": 0.34, "IVH": 0.08, "SAH": 0.25, "SDH": 0.25, "mixed": 0.0},
    "cq500": {"EDH": 0.04, "IPH": 0.26, "IVH": 0.02, "SAH": 0.10, "SDH": 0.16, "mixed": 0.42},
}
"""Share of each exclusive subtype, and of mixed hemorrhages, where ``mix`` is ``even``."""

MIXED_SHARE: dict[str, float] = {
    "EDH": 0.075,
    "IPH": 0.573,
    "IVH": 0.399,
    "SAH": 0.609,
    "SDH": 0.457,
}
"""How often each subtype takes part in a mixed hemorrhage of AI-Hub."""

COHORT_NUMBER: dict[str, int] = {"rsna": 1, "aihub": 2, "dumc": 3, "cq500": 4, "wide": 5}

WIDE = "wide"
"""The cohort whose heads, blood and scanners vary far beyond what is usual (domain randomisation:
Billot et al., Med Image Anal 2023), so that a network learns what holds for all of them."""


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
        scalp_lumps: bruises of the scalp, where there are any.
        mantle_hu: by which brain is denser at its surface than in its middle.
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


def generator(seed: int, cohort: str, index: int, purpose: int = 0) -> np.random.Generator:
    """Return the random numbers of one patient, independent of all others."""
    return np.random.default_rng([seed, COHORT_NUMBER[cohort], index, purpose])


def draw_patient(
    seed: int, cohort: str, index: int, has_ich: bool, mix: Literal["even", "paper"] = "even"
) -> Patient:
    """Draw one patient.

    Args:
        seed: of the whole phantom.
        cohort: decides age, sex and the mix of subtypes.
        index: of the patient in the cohort.
        has_ich: whether there is a hemorrhage.
        mix: the paper's Table 1, or subtypes evened out.
    """
    if cohort == WIDE:
        return draw_wide_patient(seed, index, has_ich)
    rng = generator(seed, cohort, index)
    age_years = int(np.clip(rng.normal(*AGE_YEARS[cohort]), 18, 97))
    size = rng.normal(1.0, 0.02) * rng.normal(1.0, [0.025, 0.025, 0.02])
    lesions = _draw_lesions(rng, cohort, mix) if has_ich else ()
    mimics = frozenset(name for name, chance in MIMICS.items() if rng.random() < chance)
    swelling = float(rng.uniform(0.6, 1.0)) if "pseudo-sah" in mimics else 0.0
    return Patient(
        cohort=cohort,
        index=index,
        age_years=age_years,
        sex="F" if rng.random() < FEMALE_SHARE[cohort] else "M",
        size=(float(size[0]), float(size[1]), float(size[2])),
        skull_mm=float(rng.uniform(5.0, 8.5)),
        atrophy=float(np.clip((age_years - 35) / 75 + rng.normal(0, 0.14), 0, 1)),
        lesions=lesions,
        mimics=mimics,
        seed=int(rng.integers(2**31)),
        scalp_mm=float(rng.uniform(4.0, 8.0)),
        pose_degrees=(float(rng.normal(0, 5)), float(rng.normal(0, 3)), float(rng.normal(0, 6))),
        sinus=float(rng.uniform(0, 1)),
        pallor=float(rng.uniform(0, 1)),
        haematocrit_hu=float(rng.normal(0, 3)),
        swelling=swelling,
        darkening_hu=8 * swelling,
    )


def _draw_lesions(
    rng: np.random.Generator, cohort: str, mix: Literal["even", "paper"]
) -> tuple[Lesion, ...]:
    shares = EVEN_MIX[cohort] if mix == "even" else MIX[cohort]
    numbers = np.array(list(shares.values()), float)
    kind = str(rng.choice(list(shares), p=numbers / numbers.sum()))
    subtypes = _draw_mixed(rng) if kind == "mixed" else [kind]
    return tuple(draw_lesion(rng, subtype) for subtype in subtypes)


def _draw_mixed(rng: np.random.Generator) -> list[str]:
    """Draw two subtypes or more, each as often as in AI-Hub's mixed scans."""
    while True:
        drawn = [name for name in SUBTYPES if rng.random() < MIXED_SHARE[name]]
        if len(drawn) >= 2:
            return drawn


def draw_lesion(rng: np.random.Generator, subtype: str) -> Lesion:
    """Draw one hemorrhage of a subtype: volume, age and density of the blood, place."""
    mean, deviation = LN_VOLUME_ML[subtype]
    volume_ml = float(np.clip(np.exp(rng.normal(mean, deviation)), *VOLUME_LIMITS_ML[subtype]))
    hu = float(np.clip(rng.normal(*CLOT_HU[subtype]), 40, 82))
    age = "acute"
    if subtype == "SDH":
        age = str(rng.choice(list(AGE_SHARES), p=list(AGE_SHARES.values())))
        limits = {"isodense": (30.0, 42.0), "chronic": (18.0, 28.0)}
        hu = float(rng.uniform(*limits[age])) if age in limits else hu
    elif subtype == "SAH" and rng.random() < FAINT_SAH_SHARE:
        age, hu = "faint", float(rng.uniform(*FAINT_SAH_HU))
    sites = SITES_OF[subtype]
    return Lesion(
        subtype=subtype,
        volume_ml=volume_ml,
        hu=hu,
        side=int(rng.choice([-1, 1])),
        seed=int(rng.integers(2**31)),
        site=str(rng.choice(list(sites), p=list(sites.values()))),
        age=age,
    )


def draw_wide_patient(seed: int, index: int, has_ich: bool) -> Patient:
    """Draw a patient of the cohort ``wide``; arguments as ``draw_patient``'s."""
    rng = generator(seed, WIDE, index)
    age_years = int(rng.uniform(2, 95))
    child = age_years < 14
    small = rng.uniform(0.82, 0.95) if child else 1.0
    size = small * rng.normal(1.02, 0.045) * rng.normal(1.0, [0.05, 0.05, 0.05])
    atrophy = float(np.clip((age_years - 40) / 70 + rng.normal(0, 0.2), 0, 1))
    full = rng.uniform(0, 1) if atrophy < 0.25 else rng.uniform(0, 0.4)
    lesions = tuple(_draw_wide_lesions(rng)) if has_ich else ()
    mimics = frozenset(
        name for name, chance in MIMICS.items() if rng.random() < WIDE_MIMICS.get(name, chance)
    )
    swelling = float(rng.uniform(0.6, 1.0)) if "pseudo-sah" in mimics else 0.0
    white = float(rng.uniform(23, 33))
    return Patient(
        cohort=WIDE,
        index=index,
        age_years=age_years,
        sex="F" if rng.random() < 0.5 else "M",
        size=(float(size[0]), float(size[1]), float(size[2])),
        skull_mm=float(rng.uniform(2.5, 5.0) if child else rng.uniform(3.5, 10.0)),
        atrophy=atrophy,
        lesions=lesions,
        mimics=mimics,
        seed=int(rng.integers(2**31)),
        scalp_mm=float(rng.uniform(2.0, 10.0)),
        pose_degrees=(float(rng.normal(0, 9)), float(rng.normal(0, 5)), float(rng.normal(0, 12))),
        sinus=float(rng.uniform(0, 1)),
        pallor=float(rng.uniform(0, 1.3)),
        haematocrit_hu=float(rng.normal(0, 6)),
        swelling=swelling,
        darkening_hu=8 * swelling,
        rim_mm=float(rng.uniform(-0.8, 1.2)),
        fullness=float(full),
        white_hu=white,
        grey_hu=white + float(rng.uniform(3, 15)),
        csf_hu=float(rng.uniform(0, 16)),
        muscle_hu=float(rng.uniform(40, 68)),
        mantle_hu=float(rng.uniform(0, 10)),
        base_rough_mm=float(rng.uniform(0.5, 4.5)),
        scalp_lumps=int(rng.integers(1, 5)),
        brawn_mm=float(rng.uniform(-1, 6)),
    )


WIDE_MIMICS: dict[str, float] = {
    "falx": 0.3,
    "sinus": 0.3,
    "scalp": 0.5,
    "hygroma": 0.08,
    "infarct": 0.15,
    "air": 0.08,
    "fracture": 0.15,
    "filling": 0.3,
}
"""Mimics that are more frequent in ``wide``."""


def _draw_wide_lesions(rng: np.random.Generator) -> list[Lesion]:
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    subtypes = rng.choice(SUBTYPES, count, replace=False, p=[0.26, 0.24, 0.12, 0.18, 0.20])
    return [_draw_wide_lesion(rng, str(subtype)) for subtype in subtypes]


def _draw_wide_lesion(rng: np.random.Generator, subtype: str) -> Lesion:
    """Draw a hemorrhage of any size, density and place that its subtype can have."""
    low, high = VOLUME_LIMITS_ML[subtype]
    volume_ml = float(np.exp(rng.uniform(np.log(low), np.log(0.8 * high))))
    hu = float(np.clip(rng.normal(60, 9), 44, 88))
    age = "acute"
    if subtype == "SDH":
        age = str(rng.choice(["acute", "isodense", "chronic", "mixed"], p=[0.7, 0.12, 0.08, 0.1]))
        limits = {"isodense": (32.0, 44.0), "chronic": (16.0, 30.0)}
        hu = float(rng.uniform(*limits[age])) if age in limits else hu
    elif subtype == "SAH" and rng.random() < FAINT_SAH_SHARE:
        age, hu = "faint", float(rng.uniform(38.0, 48.0))
    site = "anywhere"
    if subtype == "IVH" or rng.random() < 0.45:
        sites = SITES_OF[subtype]
        site = str(rng.choice(list(sites), p=list(sites.values())))
    return Lesion(
        subtype=subtype,
        volume_ml=volume_ml,
        hu=hu,
        side=int(rng.choice([-1, 1])),
        seed=int(rng.integers(2**31)),
        site=site,
        age=age,
    )
