"""Findings of several readers, who agree on obvious scans and disagree on subtle ones.

Each finding has a visibility, which grows with its volume and its contrast to brain and has a
random part for each case that all readers share. Each reader adds a random part of their own and
reports the finding when the sum is above zero. Parameters are chosen such that votes are as
frequent as in CQ500: of 491 scans, 245, 41, 37 and 168 have 0, 1, 2 and 3 votes for hemorrhage.
"""

from __future__ import annotations

import numpy as np

from ichnet.phantom.patient import Lesion, Patient
from ichnet.subtypes import SUBTYPES

BRAIN_HU = 33.0
LEAST_CONTRAST_HU = 2.0

VISIBLE, BY_VOLUME, BY_CONTRAST = 0.2, 0.9, 1.1
"""Visibility of 1 mL with 20 HU of contrast; coefficients of log volume and of log contrast."""

NOTHING = -4.3
"""Visibility of a subtype that is absent."""

LOOKS_LIKE: dict[str, tuple[str, float]] = {
    "pseudo-sah": ("SAH", 2.6),
    "ganglia": ("IPH", 1.8),
    "tumour": ("IPH", 1.8),
    "meningioma": ("SDH", 2.2),
    "hygroma": ("SDH", 2.4),
    "plaque": ("SDH", 1.6),
    "falx": ("SDH", 1.4),
    "sinus": ("SAH", 1.4),
    "choroid": ("IVH", 0.8),
}
"""The subtype that a mimic is mistaken for, and by how much it raises its visibility."""

CASE_DEVIATION, READER_DEVIATION = 1.0, 1.15


def reader_votes(
    rng: np.random.Generator, patient: Patient, readers: int = 3
) -> list[dict[str, bool]]:
    """Return, for each reader, whether each subtype is reported.

    Args:
        rng: random numbers for the readers of this patient.
        patient: the patient whose scan is read.
        readers: number of readers.
    """
    seen = visibility(patient)
    shared = np.array([seen[name] for name in SUBTYPES])
    shared = shared + rng.normal(0, CASE_DEVIATION, len(SUBTYPES))
    called = shared + rng.normal(0, READER_DEVIATION, (readers, len(SUBTYPES))) > 0
    return [dict(zip(SUBTYPES, map(bool, row), strict=True)) for row in called]


def visibility(patient: Patient) -> dict[str, float]:
    """Return the visibility of each subtype or its mimic; at 0, half of the readers report it."""
    seen = dict.fromkeys(SUBTYPES, NOTHING)
    for mimic in sorted(patient.mimics & LOOKS_LIKE.keys()):
        subtype, appeal = LOOKS_LIKE[mimic]
        seen[subtype] += appeal
    for lesion in patient.lesions:
        seen[lesion.subtype] = max(seen[lesion.subtype], lesion_visibility(lesion))
    return seen


def lesion_visibility(lesion: Lesion) -> float:
    """Return the visibility of a hemorrhage; lowest for blood that is isodense to brain."""
    contrast_hu = max(abs(lesion.hu - BRAIN_HU), LEAST_CONTRAST_HU)
    return float(
        VISIBLE + BY_VOLUME * np.log(lesion.volume_ml) + BY_CONTRAST * np.log(contrast_hu / 20)
    )
