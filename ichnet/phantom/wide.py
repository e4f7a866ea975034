"""The cohort ``wide``: domain randomisation of heads, hemorrhages and scanners.

A network that is trained on realistic synthetic scans only learns peculiarities of the phantom. One
that is trained on a wider variety than reality has can take real heads for one more variation
(Billot et al., Med Image Anal 2023). Ranges are therefore wide on purpose, most of them uniform.
"""

from __future__ import annotations

import numpy as np

from ichnet.phantom.hemorrhage.lesion import ANYWHERE, STEM
from ichnet.phantom.patient import WIDE, Lesion, Patient, generator
from ichnet.phantom.published import MIMICS, SITES_OF, VOLUME_LIMITS_ML
from ichnet.phantom.sites import Site
from ichnet.subtypes import SUBTYPES

FIELD_OF_VIEW_MM = 230.0
"""One field of view for all scans, so that they are rendered at a network's matrix directly."""

FAINT_SHARE = 0.1
"""Share of subarachnoid hemorrhages that fluid dilutes to about the density of brain."""

STEM_SHARE = 0.2
"""Share of intraparenchymal hemorrhages that lie in the brain stem, from midbrain to medulla: rare,
but small, and never like those elsewhere."""

STEM_VOLUME_ML = (0.1, 8.0)

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
"""Frequency of mimics that are more frequent in ``wide`` than in ``MIMICS``."""


def draw_wide_patient(seed: int, index: int, has_ich: bool) -> Patient:
    """Draw a patient of the cohort ``wide``; for the arguments see ``draw.draw_patient``."""
    rng = generator(seed, WIDE, index)
    age_years = int(rng.uniform(2, 95))
    child = age_years < 14
    small = rng.uniform(0.82, 0.95) if child else 1.0
    size = small * rng.normal(1.02, 0.045) * rng.normal(1.0, [0.05, 0.05, 0.05])
    atrophy = float(np.clip((age_years - 40) / 70 + rng.normal(0, 0.2), 0, 1))
    full = rng.uniform(0, 1) if atrophy < 0.25 else rng.uniform(0, 0.4)
    white = float(rng.uniform(23, 33))
    grey, mantle = white + float(rng.uniform(3, 14)), float(rng.uniform(0, 10))
    lesions = tuple(_draw_wide_lesions(rng, grey + 0.6 * mantle)) if has_ich else ()
    mimics = frozenset(
        name for name, chance in MIMICS.items() if rng.random() < WIDE_MIMICS.get(name, chance)
    )
    swelling = float(rng.uniform(0.6, 1.0)) if "pseudo-sah" in mimics else 0.0
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
        grey_hu=grey,
        csf_hu=float(rng.uniform(0, 16)),
        muscle_hu=float(rng.uniform(40, 68)),
        mantle_hu=mantle,
        base_rough_mm=float(rng.uniform(0.5, 4.5)),
        scalp_lumps=int(rng.integers(1, 5)),
        brawn_mm=float(rng.uniform(-1, 6)),
        tongue_hu=float(max(rng.uniform(-20, 55), 0)),
        sinus_widths=(float(np.exp(rng.normal(0, 0.35))), float(np.exp(rng.normal(0, 0.35)))),
        patches_hu=float(max(rng.uniform(-15, 35), 0)),
    )


def _draw_wide_lesions(rng: np.random.Generator, densest_brain_hu: float) -> list[Lesion]:
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    subtypes = rng.choice(SUBTYPES, count, replace=False, p=[0.26, 0.24, 0.12, 0.18, 0.20])
    return [_draw_wide_lesion(rng, str(subtype), densest_brain_hu) for subtype in subtypes]


def _draw_wide_lesion(rng: np.random.Generator, subtype: str, densest_brain_hu: float) -> Lesion:
    """Draw volume, age, density and location of a hemorrhage from wide ranges."""
    low, high = VOLUME_LIMITS_ML[subtype]
    volume_ml = float(np.exp(rng.uniform(np.log(low), np.log(0.8 * high))))
    hu = float(np.clip(rng.normal(60, 9), 44, 88))
    age = "acute"
    if subtype == "SDH":
        age = str(rng.choice(["acute", "isodense", "chronic", "mixed"], p=[0.78, 0.06, 0.06, 0.1]))
        limits = {"isodense": (32.0, 44.0), "chronic": (16.0, 30.0)}
        hu = float(rng.uniform(*limits[age])) if age in limits else hu
    elif subtype == "SAH" and rng.random() < FAINT_SHARE:
        age, hu = "faint", float(rng.uniform(38.0, 48.0))
    if age in ("acute", "mixed"):
        # training on blood that is isodense to brain would teach false positives
        hu = max(hu, densest_brain_hu + float(rng.uniform(6, 16)))
    site = ANYWHERE
    if subtype == "IPH" and rng.random() < STEM_SHARE:
        site = STEM
        volume_ml = float(np.exp(rng.uniform(*np.log(STEM_VOLUME_ML))))
    elif subtype == "IVH" or rng.random() < 0.45:
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


def draw_wide_site(rng: np.random.Generator) -> Site:
    """Draw a scanner of the cohort ``wide`` from ranges beyond those of real scanners."""
    return Site(
        tilt_degrees=28,
        tilted_share=0.6,
        noise_hu=float(np.exp(rng.uniform(np.log(1.0), np.log(9.0)))),
        offset_hu=float(rng.normal(0, 2.5)),
        field_of_view_mm=(FIELD_OF_VIEW_MM, FIELD_OF_VIEW_MM),
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
