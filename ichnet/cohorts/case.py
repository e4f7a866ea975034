"""A labelled scan, whatever the cohort it came from, and the listing it is read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.volume import Volume
from ichnet.subtypes import LABELS, SUBTYPES

UNKNOWN = -1
"""A label nobody gave: never counted as negative."""


@dataclass(frozen=True)
class ScanEntry:
    """One scan of a cohort as its listing knows it: labels and files, no pixels yet.

    Selection and splitting work on entries, so that a scan that is not wanted is never decoded.

    Attributes:
        cohort: ``rsna``, ``aihub``, ``dumc``, ``cq500``, ...
        scan_key: the source's own name of the scan. Identifying: never written.
        patient_key: the source's own name of the patient. Identifying: never written.
        files: the DICOM files of the scan, or the directory or volume file that holds it.
        scan_labels: int8 [6] in the order of ``LABELS``: 1, 0 or :data:`UNKNOWN`.
        slice_labels: by SOP instance UID (or any key the cohort's loader understands), int8 [6]
            for each slice; empty where the cohort labels scans only.
        votes: each reader's opinion of ANY (0 or 1), CQ500 only.
        age_years, sex: where the cohort tells them (sex is ``F``, ``M`` or empty).
        extra: what the cohort's loader needs besides (annotation files and the like).
        headers: of its slices, where the scan is a DICOM series.
    """

    cohort: str
    scan_key: str
    patient_key: str
    files: tuple[Path, ...]
    scan_labels: tuple[int, ...]
    slice_labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    votes: tuple[int, ...] = ()
    age_years: float | None = None
    sex: str = ""
    extra: Mapping[str, Path] = field(default_factory=dict)
    headers: SeriesHeaders | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Case:
    """A scan with its pixels, labels and (for strongly annotated cohorts) its outlines.

    Attributes:
        cohort: as in :class:`ScanEntry`.
        volume: the scan.
        scan_labels: int8 [6] in the order of ``LABELS``: 1, 0 or :data:`UNKNOWN`.
        slice_labels: int8 [slices, 6], :data:`UNKNOWN` where only the scan is labelled.
        mask: uint8 [slices, rows, columns], bit i set where ``SUBTYPES[i]`` was outlined;
            ``None`` where nobody drew (a normal scan of a strong cohort has an empty mask).
        votes, age_years, sex: as in :class:`ScanEntry`.
    """

    cohort: str
    volume: Volume
    scan_labels: NDArray[np.int8]
    slice_labels: NDArray[np.int8]
    mask: NDArray[np.uint8] | None = None
    votes: tuple[int, ...] = ()
    age_years: float | None = None
    sex: str = ""

    def __post_init__(self) -> None:
        slices = len(self.volume.hu)
        if self.scan_labels.shape != (len(LABELS),):
            raise ValueError(f"scan_labels must have shape [6], not {self.scan_labels.shape}")
        if self.slice_labels.shape != (slices, len(LABELS)):
            raise ValueError(
                f"slice_labels must have shape [{slices}, 6], not {self.slice_labels.shape}"
            )
        if self.mask is not None and self.mask.shape != self.volume.hu.shape:
            raise ValueError(
                f"the mask has shape {self.mask.shape}, the scan {self.volume.hu.shape}"
            )

    @classmethod
    def of(
        cls,
        entry: ScanEntry,
        volume: Volume,
        slice_labels: NDArray[np.int8],
        mask: NDArray[np.uint8] | None = None,
    ) -> Case:
        """Join what a listing knows of a scan with what was read of it."""
        return cls(
            cohort=entry.cohort,
            volume=volume,
            scan_labels=np.array(entry.scan_labels, np.int8),
            slice_labels=slice_labels,
            mask=mask,
            votes=entry.votes,
            age_years=entry.age_years,
            sex=entry.sex,
        )

    def volume_ml(self) -> NDArray[np.float64]:
        """Return the hemorrhage volume in mL of ANY and each subtype, float64 [6]; NaN unknown.

        Volumes come from pixel area times perpendicular gaps. A pixel that bears two subtypes
        counts once in ANY.
        """
        if self.mask is None:
            return np.full(len(LABELS), np.nan)
        voxel_ml = self.volume.voxel_ml
        pixels = [np.count_nonzero(self.mask, axis=(1, 2))]
        pixels += [
            np.count_nonzero(self.mask & (1 << bit), axis=(1, 2)) for bit in range(len(SUBTYPES))
        ]
        volumes: NDArray[np.float64] = np.array([counts @ voxel_ml for counts in pixels])
        return volumes
