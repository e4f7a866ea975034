"""Splits by patient: whoever is in one is in no other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.cohorts.case import ScanEntry
from ichnet.config import ConfigError
from ichnet.subtypes import LABELS


class PatientOverlapError(ConfigError):
    """The same patient is in two sets that must not share patients."""


def patient_strata(entries: Iterable[ScanEntry]) -> dict[str, str]:
    """Return all patients by the source's key, and the stratum each belongs to.

    The stratum is the subtype when the patient's scans show only one, ``mixed`` for several,
    ``ANY`` for a hemorrhage of unknown subtype, or empty. This way the specialists, which learn
    from scans with their subtype alone, find some in every split even of a small cohort.
    """
    labels: dict[str, NDArray[np.bool_]] = {}
    for entry in entries:
        here = np.array(entry.scan_labels) == 1
        labels[entry.patient_key] = labels.get(entry.patient_key, False) | here
    return {patient: stratum_of(has) for patient, has in labels.items()}


def split_patients(
    strata: Mapping[str, str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Assign each patient to one split, at random within each stratum.

    Every split gets its share of each stratum, rounded by largest remainder. A split with a share
    above 0 gets at least one patient of each stratum that has as many patients as there are
    splits.

    Args:
        strata: by patient, see :func:`patient_strata`. Its order does not matter.
        shares: by split; they add up to 1. A split of share 0 stays empty.
        seed: decides who goes where.

    Returns:
        the split of each patient.

    Raises:
        ValueError: when a share is negative or they do not add up to 1.
    """
    if min(shares.values(), default=0) < 0 or not math.isclose(sum(shares.values()), 1):
        raise ValueError(f"shares must be 0 or more and add up to 1, not {dict(shares)}")
    rng = np.random.default_rng(seed)
    splits: dict[str, str] = {}
    for stratum in sorted(set(strata.values())):
        patients = sorted(patient for patient, kind in strata.items() if kind == stratum)
        counts = _counts(len(patients), list(shares.values()))
        names = np.repeat(np.array(list(shares), dtype=object), counts)
        for index, name in zip(rng.permutation(len(patients)), names, strict=True):
            splits[patients[index]] = name
    return splits


def require_disjoint(first: Mapping[str, str], second: Mapping[str, str]) -> None:
    """Refuse two sets that share a patient.

    Args:
        first: where each patient is, by pseudonym, e.g. ``aihub-slices train``.
        second: the same for the other side.

    Raises:
        PatientOverlapError: naming every shared patient and both places.
    """
    shared = sorted(first.keys() & second.keys())
    if shared:
        places = ", ".join(f"{patient} ({first[patient]}; {second[patient]})" for patient in shared)
        raise PatientOverlapError(f"{len(shared)} patients are on both sides: {places}")


def stratum_of(has: NDArray[np.bool_]) -> str:
    """Return the stratum of a patient who has some of ``LABELS``, [6]; see above."""
    subtypes = [LABELS[index] for index in range(1, len(LABELS)) if has[index]]
    if subtypes:
        return subtypes[0] if len(subtypes) == 1 else "mixed"
    return LABELS[0] if has[0] else ""


def _counts(patients: int, shares: Sequence[float]) -> list[int]:
    """Divide patients by largest remainder; where possible no split with a share is empty."""
    exact = [share * patients for share in shares]
    counts = [math.floor(value + 1e-9) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], -shares[i]))
    for index in by_remainder[: patients - sum(counts)]:
        counts[index] += 1
    empty = [i for i, share in enumerate(shares) if share > 0 and counts[i] == 0]
    if patients >= sum(share > 0 for share in shares):
        for index in empty:
            counts[int(np.argmax(counts))] -= 1
            counts[index] = 1
    return counts
