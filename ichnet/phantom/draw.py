"""Draw patients from published distributions of age, subtype, volume and density."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np

from ichnet.config import LeftOut
from ichnet.phantom.ablation import USUAL, patient_without
from ichnet.phantom.patient import WIDE, Lesion, Patient, generator
from ichnet.phantom.published import (
    AGE_SHARES,
    AGE_YEARS,
    CLOT_HU,
    EVEN_MIX,
    FAINT_SAH_HU,
    FAINT_SAH_SHARE,
    FEMALE_SHARE,
    LN_VOLUME_ML,
    MIMICS,
    MIX,
    MIXED_SHARE,
    SITES_OF,
    VOLUME_LIMITS_ML,
)
from ichnet.phantom.wide import draw_wide_patient
from ichnet.subtypes import SUBTYPES


def draw_patient(
    seed: int,
    cohort: str,
    index: int,
    has_ich: bool,
    mix: Literal["even", "paper"] = "even",
    without: Collection[LeftOut] = (),
    mix_of: str | None = None,
) -> Patient:
    """Draw one patient.

    Args:
        seed: seed of the whole phantom.
        cohort: the cohort, which sets the distributions of age, sex and subtypes.
        index: number of the patient in the cohort.
        has_ich: whether the patient has a hemorrhage.
        mix: frequency of subtypes: as in the paper's Table 1, or evened out.
        without: features of the cohort ``wide`` to leave out (see ``ablation``).
        mix_of: cohort whose frequencies of subtypes to use; ``None`` for the cohort's own.
    """
    if cohort == WIDE:
        patient = draw_wide_patient(seed, index, has_ich)
        if not without:
            return patient
        return patient_without(patient, draw_patient(seed, USUAL, index, has_ich), without)
    rng = generator(seed, cohort, index)
    age_years = int(np.clip(rng.normal(*AGE_YEARS[cohort]), 18, 97))
    size = rng.normal(1.0, 0.02) * rng.normal(1.0, [0.025, 0.025, 0.02])
    lesions = _draw_lesions(rng, mix_of or cohort, mix) if has_ich else ()
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
    """Draw two or more subtypes, as often as they occur in AI-Hub's mixed scans."""
    while True:
        drawn = [name for name in SUBTYPES if rng.random() < MIXED_SHARE[name]]
        if len(drawn) >= 2:
            return drawn


def draw_lesion(rng: np.random.Generator, subtype: str) -> Lesion:
    """Draw volume, age, density and location of one hemorrhage of a subtype."""
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
