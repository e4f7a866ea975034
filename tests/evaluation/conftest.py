"""Networks whose every answer is known, and record sets for them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from known_networks import (  # noqa: F401
    MATRIX,
    bright_pixels,
    calibration,
    classifier,
    config,
    members,
)

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.ct.volume import Volume
from ichnet.records.record_set import RecordSet
from ichnet.records.writer import RecordSetWriter


def case(name: str, lesion_hu: int | None, outlined: bool = True, votes: tuple[int, ...] = ()):
    """Three slices of 4 mm pixels, 5 mm apart; a lesion of 4 x 4 pixels on the second.

    The outline is two columns too far to the right.
    """
    hu = np.full((3, MATRIX, MATRIX), 30, np.int16)
    mask = np.zeros(hu.shape, np.uint8)
    labels = np.zeros((3, 6), np.int8)
    if lesion_hu is not None:
        hu[1, 8:12, 8:12] = lesion_hu
        mask[1, 8:12, 10:14] = 2  # IPH
        labels[1, [0, 2]] = 1
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(4.0, 4.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, z] for z in (0, 5, 10)]),
        slice_spacing_mm=np.full(3, 5.0),
        scan_id=name,
        patient_id=f"patient of {name}",
    )
    return Case(
        cohort="dumc" if votes else "aihub",
        volume=volume,
        scan_labels=labels.max(axis=0),
        slice_labels=labels if outlined else np.full((3, 6), UNKNOWN, np.int8),
        mask=mask if outlined else None,
        votes=votes,
    )


@pytest.fixture(scope="session")
def make_case():
    """The function :func:`case`."""
    return case


@pytest.fixture(scope="session")
def write_records(config):
    """Write cases as a record set: ``{split: [case, ...]}``."""

    def write(folder: Path, cases: dict[str, list[Case]]) -> RecordSet:
        with RecordSetWriter(folder, config.image) as writer:
            for split, chosen in cases.items():
                for one in chosen:
                    writer.add(one, split)
            writer.finish([], {"image": asdict(config.image), "cases": repr(sorted(cases))})
        return RecordSet.open(folder)

    return write


@pytest.fixture(scope="session")
def records(write_records, tmp_path_factory) -> Path:
    """AI-Hub's scans and the two test cohorts, tiny; nobody outlined the latter."""
    root = tmp_path_factory.mktemp("records")
    write_records(
        root / "aihub-scans",
        {
            "train": [case("t1", 65)],
            "validation": [case("v1", 65), case("v2", 65), case("v3", None), case("v4", None)],
            "ensemble": [case("e1", 75)],
        },
    )
    for cohort in ("dumc", "cq500"):
        write_records(
            root / cohort,
            {
                "test": [
                    case(f"{cohort}1", 66, outlined=False, votes=(1, 1, 0)),
                    case(f"{cohort}2", None, outlined=False, votes=(0, 0, 0)),
                ]
            },
        )
    return root
