"""What three readers make of a scan: alike where it is plain, apart where it is not.

A finding has a visibility that all readers share, since they look at the same scan: it grows with
volume and with contrast to brain, and differs from case to case. Each reader sees it a little
higher or lower and calls it above zero. The numbers are set so that votes come as often as in
CQ500: of 491 scans 245, 41, 37 and 168 have 0, 1, 2 and 3 votes for hemorrhage.
"""

from __future__ import annotations

import numpy as np

from ichnet.phantom.patient import Lesion, Patient
from ichnet.subtypes import SUBTYPES

BRAIN_HU = 33.0
LEAST_CONTRAST_HU = 2.0

VISIBLE, BY_VOLUME, BY_CONTRAST = 0.2, 0.9, 1.1
"""Visibility of 1 mL with 20 HU of contrast, and what ln mL and ln contrast add."""

NOTHING = -4.3
"""Visibility of a subtype where there is no blood."""

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
"""Which subtype a mimic is taken for, and by how much it raises that one's visibility."""

CASE_DEVIATION, READER_DEVIATION = 1.0, 1.15


def reader_votes(
    rng: np.random.Generator, patient: Patient, readers: int = 3
) -> list[dict[str, bool]]:
    """Return the subtypes that each reader finds.

    Args:
        rng: of this patient's readers alone.
        patient: who is read.
        readers: how many.
    """
    seen = visibility(patient)
    shared = np.array([seen[name] for name in SUBTYPES])
    shared = shared + rng.normal(0, CASE_DEVIATION, len(SUBTYPES))
    called = shared + rng.normal(0, READER_DEVIATION, (readers, len(SUBTYPES))) > 0
    return [dict(zip(SUBTYPES, map(bool, row), strict=True)) for row in called]


def visibility(patient: Patient) -> dict[str, float]:
    """Return how plainly each subtype, or what resembles it, can be seen; 0 is a coin's toss."""
    seen = dict.fromkeys(SUBTYPES, NOTHING)
    for mimic in sorted(patient.mimics & LOOKS_LIKE.keys()):
        subtype, appeal = LOOKS_LIKE[mimic]
        seen[subtype] += appeal
    for lesion in patient.lesions:
        seen[lesion.subtype] = max(seen[lesion.subtype], lesion_visibility(lesion))
    return seen


def lesion_visibility(lesion: Lesion) -> float:
    """Return a hemorrhage's visibility; blood as dense as brain is the hardest."""
    contrast_hu = max(abs(lesion.hu - BRAIN_HU), LEAST_CONTRAST_HU)
    return float(
        VISIBLE + BY_VOLUME * np.log(lesion.volume_ml) + BY_CONTRAST * np.log(contrast_hu / 20)
    )
