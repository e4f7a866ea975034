"""Published distributions that cohorts are drawn from: volume, density, location and frequency.

Volumes are in mL, densities in HU.
"""

from __future__ import annotations

LN_VOLUME_ML: dict[str, tuple[float, float]] = {
    "EDH": (1.72, 1.49),
    "IPH": (2.04, 1.72),
    "IVH": (0.82, 1.76),
    "SAH": (0.92, 1.66),
    "SDH": (1.95, 1.53),
}
"""Mean and standard deviation of the logarithm of the volume per scan, by subtype."""

CLOT_HU: dict[str, tuple[float, float]] = {
    "EDH": (60.0, 8.0),
    "IPH": (47.5, 8.0),
    "IVH": (45.0, 9.0),
    "SAH": (52.0, 8.0),
    "SDH": (56.0, 9.0),
}
"""Density of acute blood without partial volume: mean and standard deviation between patients."""

AGE_SHARES: dict[str, float] = {"acute": 0.66, "isodense": 0.20, "chronic": 0.07, "mixed": 0.07}
"""Share of each age of subdural blood. Isodense SDH has 30 to 45 HU, chronic SDH 20 to 30 HU."""

FAINT_SAH_SHARE, FAINT_SAH_HU = 0.25, (36.0, 44.0)
"""Share and density of subarachnoid blood that fluid dilutes to about the density of brain."""

VOLUME_LIMITS_ML: dict[str, tuple[float, float]] = {
    "EDH": (0.3, 110.0),
    "IPH": (0.1, 110.0),
    "IVH": (0.15, 45.0),
    "SAH": (0.15, 32.0),
    "SDH": (0.4, 130.0),
}
"""Smallest and largest volume: what is visible on a slice, and what fits into a head."""

SITES_OF: dict[str, dict[str, float]] = {
    "EDH": {"temporal": 0.6, "frontal": 0.2, "parietal": 0.12, "occipital": 0.08},
    "IPH": {"ganglia": 0.40, "thalamus": 0.20, "lobar": 0.28, "cerebellum": 0.08, "pons": 0.04},
    "IVH": {"level": 1.0},
    "SAH": {"basal": 0.3, "sylvian": 0.25, "convexity": 0.45},
    "SDH": {"convexity": 0.86, "falx": 0.09, "tentorium": 0.05},
}
"""Share of each location by subtype; IPH as published (basal ganglia and thalamus 60 %)."""

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
"""Frequency of findings that resemble blood, hide it, or are disease without blood."""

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
"""Mean and standard deviation of age (Table 1; not given for RSNA and CQ500: as AI-Hub)."""

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
"""Share of AI-Hub's mixed hemorrhages that contain each subtype."""
