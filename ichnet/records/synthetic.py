"""Record sets of the phantom's cohort ``wide``, drawn at the networks' matrix, without files.

Segmenters train on them as they do on AI-Hub's scans: every scan has outlines, six labels and
volumes, and each synthetic patient is in one split.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ichnet.cohorts.case import Case
from ichnet.cohorts.labels import labels_from_mask
from ichnet.cohorts.splits import split_patients, stratum_of
from ichnet.config import Config, LeftOut
from ichnet.phantom.cohort import with_hemorrhage
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import WIDE
from ichnet.phantom.scanner import scan_patient
from ichnet.records.assembly import write_record_set
from ichnet.records.choice import split_shares
from ichnet.records.parts import Chosen
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.subtypes import LABELS


@dataclass(frozen=True)
class SyntheticScan:
    """The description of a scan: its patient's number, and whether there is a hemorrhage."""

    index: int
    has_ich: bool


@dataclass(frozen=True)
class Drawing:
    """Draws scans; its ``repr`` and a scan's description determine the scan's pixels.

    Attributes:
        seed: of the whole phantom.
        matrix: rows and columns.
        slices: fewest and most.
        without: features of the phantom to leave out, for ablations.
    """

    seed: int
    matrix: int
    slices: tuple[int, int]
    without: tuple[LeftOut, ...] = ()

    def __call__(self, wanted: SyntheticScan) -> Case:
        """Draw a scan with its outlines."""
        patient = draw_patient(self.seed, WIDE, wanted.index, wanted.has_ich, without=self.without)
        scan = scan_patient(patient, self.seed, self.matrix, self.slices)
        labels = np.array([labels_from_mask(mask) for mask in scan.mask], np.int8)
        return Case(
            cohort=WIDE,
            volume=scan.volume(f"{WIDE}{wanted.index:06d}"),
            scan_labels=labels.max(axis=0),
            slice_labels=labels,
            mask=scan.mask,
            age_years=float(patient.age_years),
            sex=patient.sex,
        )


def write_synthetic_scans(config: Config, folder: Path, workers: int = 1) -> RecordSet:
    """Write the record set that segmenters train on from scans of the cohort ``wide``.

    An interrupted run continues where it stopped; the number of workers does not change the result.
    Scans are drawn at ``phantom.matrix`` and, where that is not the networks' matrix, resampled.

    Args:
        config: ``phantom`` says how many scans and slices, ``selection`` the share of each split.
        folder: the record set to write; an existing one is replaced when the new one is whole.
        workers: number of processes.

    Raises:
        ConfigError: when the configuration asks for no scan of this cohort.
        RecordSetError: when a worker was killed.
    """
    phantom = config.phantom
    drawing = Drawing(config.seed, phantom.matrix, phantom.slices, phantom.without)
    source = MadeScans(drawing, most_slices=phantom.slices[1])
    info = {"cohort": WIDE, "seed": config.seed, "phantom": asdict(phantom)}
    return write_record_set(_chosen(config), source, config.image, folder, info, workers)


def _chosen(config: Config) -> Chosen:
    """Return all scans with their splits; every split has its share of each subtype."""
    wanted = [
        SyntheticScan(index, bool(has_ich))
        for index, has_ich in enumerate(with_hemorrhage(config.phantom, config.seed, WIDE))
    ]
    strata = {f"{one.index:06d}": _stratum(config, one) for one in wanted}
    split_of = split_patients(strata, split_shares(config.selection), config.seed)
    return [(one, split_of[f"{one.index:06d}"], None) for one in wanted]


def _stratum(config: Config, wanted: SyntheticScan) -> str:
    """Return the subtype that a patient has alone, ``mixed``, or nothing."""
    patient = draw_patient(
        config.seed, WIDE, wanted.index, wanted.has_ich, without=config.phantom.without
    )
    subtypes = {one.subtype for one in patient.lesions}
    return stratum_of(np.array([label in subtypes for label in LABELS]))
