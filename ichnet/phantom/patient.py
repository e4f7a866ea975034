"""Who a synthetic patient is: head, age, lesions. Drawn from numbers, no pixels yet.

Volumes in mL are log-normal by subtype, with the published mean and standard deviation of ln mL;
densities follow the published HU of acute and subacute blood.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    "EDH": (62.0, 7.0),
    "IPH": (60.0, 7.0),
    "IVH": (54.0, 7.0),
    "SAH": (54.0, 7.0),
    "SDH": (56.0, 9.0),
}
"""Mean and standard deviation between patients of the clot before partial volume."""

SUBACUTE_SHARE = 0.2
"""Share of SDH that are subacute, 30 to 45 HU, near the density of brain."""

VOLUME_LIMITS_ML = (0.15, 120.0)
"""The tails of the log-normal that fit into a head and can be seen on a slice."""

SINGLE_SUBTYPE: dict[str, dict[str, float]] = {
    # evened out, so that small cohorts hold slices of each subtype for balanced training
    "rsna": {"EDH": 0.18, "IPH": 0.12, "IVH": 0.22, "SAH": 0.15, "SDH": 0.15, "mixed": 0.18},
    "aihub": {"EDH": 0.16, "IPH": 0.13, "IVH": 0.20, "SAH": 0.16, "SDH": 0.17, "mixed": 0.18},
    # between the paper's Table 1 and evened out, so that a small test set has SDH and SAH
    "dumc": {"EDH": 0.08, "IPH": 0.34, "IVH": 0.08, "SAH": 0.25, "SDH": 0.25, "mixed": 0.0},
    "cq500": {"EDH": 0.04, "IPH": 0.26, "IVH": 0.02, "SAH": 0.10, "SDH": 0.16, "mixed": 0.42},
}
"""Share of each exclusive subtype, and of mixed hemorrhages, among scans with hemorrhage."""

MIXED_SHARE: dict[str, float] = {
    "EDH": 0.075,
    "IPH": 0.573,
    "IVH": 0.399,
    "SAH": 0.609,
    "SDH": 0.457,
}
"""How often each subtype takes part in a mixed hemorrhage of AI-Hub."""

COHORT_NUMBER: dict[str, int] = {"rsna": 1, "aihub": 2, "dumc": 3, "cq500": 4}


@dataclass(frozen=True)
class Lesion:
    """One hemorrhage.

    Attributes:
        subtype: one of ``SUBTYPES``.
        volume_ml: what it is meant to fill.
        hu: density of the clot.
        side: -1 right, +1 left (patient's axes: left is positive).
        seed: of its place and shape.
    """

    subtype: str
    volume_ml: float
    hu: float
    side: int
    seed: int


@dataclass(frozen=True)
class Patient:
    """A synthetic patient, reproducible alone from seed, cohort and index.

    Attributes:
        cohort, index: which one.
        age_years, sex: ``F`` or ``M``.
        size: factor of the head's size along x, y, z.
        skull_mm: thickness of the skull.
        atrophy: 0 to 1; widens ventricles and sulci.
        lesions: hemorrhages; none in a normal head.
        mimics: what resembles blood or disease: ``pineal``, ``choroid``, ``falx``, ``infarct``.
        seed: of the anatomy's texture.
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


def generator(seed: int, cohort: str, index: int, purpose: int = 0) -> np.random.Generator:
    """Return the random numbers of one patient, independent of all others."""
    return np.random.default_rng([seed, COHORT_NUMBER[cohort], index, purpose])


def draw_patient(seed: int, cohort: str, index: int, has_ich: bool) -> Patient:
    """Draw one patient.

    Args:
        seed: of the whole phantom.
        cohort: decides the mix of subtypes.
        index: of the patient in the cohort.
        has_ich: whether there is a hemorrhage.
    """
    rng = generator(seed, cohort, index)
    age_years = int(np.clip(rng.normal(62, 17), 18, 97))
    size = rng.normal(1.0, [0.03, 0.03, 0.025])
    lesions = _draw_lesions(rng, cohort) if has_ich else ()
    chances = {"pineal": 0.6, "choroid": 0.5, "falx": 0.25, "infarct": 0.12}
    return Patient(
        cohort=cohort,
        index=index,
        age_years=age_years,
        sex="F" if rng.random() < 0.45 else "M",
        size=(float(size[0]), float(size[1]), float(size[2])),
        skull_mm=float(rng.uniform(5.5, 8.5)),
        atrophy=float(np.clip((age_years - 40) / 60 + rng.normal(0, 0.15), 0, 1)),
        lesions=lesions,
        mimics=frozenset(name for name, chance in chances.items() if rng.random() < chance),
        seed=int(rng.integers(2**31)),
    )


def _draw_lesions(rng: np.random.Generator, cohort: str) -> tuple[Lesion, ...]:
    mix = SINGLE_SUBTYPE[cohort]
    kind = rng.choice(list(mix), p=list(mix.values()))
    subtypes = _draw_mixed(rng) if kind == "mixed" else [str(kind)]
    return tuple(_draw_lesion(rng, subtype) for subtype in subtypes)


def _draw_mixed(rng: np.random.Generator) -> list[str]:
    """Draw two subtypes or more, each as often as in AI-Hub's mixed scans."""
    while True:
        drawn = [name for name in SUBTYPES if rng.random() < MIXED_SHARE[name]]
        if len(drawn) >= 2:
            return drawn


def _draw_lesion(rng: np.random.Generator, subtype: str) -> Lesion:
    mean, deviation = LN_VOLUME_ML[subtype]
    volume_ml = float(np.clip(np.exp(rng.normal(mean, deviation)), *VOLUME_LIMITS_ML))
    hu = float(rng.normal(*CLOT_HU[subtype]))
    if subtype == "SDH" and rng.random() < SUBACUTE_SHARE:
        hu = float(rng.uniform(34, 45))
    return Lesion(
        subtype=subtype,
        volume_ml=volume_ml,
        hu=max(hu, 34.0),
        side=int(rng.choice([-1, 1])),
        seed=int(rng.integers(2**31)),
    )
