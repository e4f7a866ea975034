"""Scans made in memory: each slice a HU of its own, so that it is known wherever it turns up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.config import AugmentationConfig, ImageConfig, TrainingConfig, WindowConfig
from ichnet.ct.volume import Volume
from ichnet.records.assembly import write_record_set
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.subtypes import LABEL_INDEX, bit_of

MATRIX = 32
PIXEL_MM = 4.0


@pytest.fixture(scope="session")
def image() -> ImageConfig:
    """32 x 32 pixels of 4 mm, as the cases have: nothing is interpolated."""
    return ImageConfig(MATRIX, MATRIX * PIXEL_MM, (WindowConfig(40, 80),))


@pytest.fixture(scope="session")
def still() -> AugmentationConfig:
    """Changes nothing."""
    return AugmentationConfig(0.0, 0.0, 0.0, False, 0.0, 0.0)


@pytest.fixture(scope="session")
def lively() -> AugmentationConfig:
    """Changes everything."""
    return AugmentationConfig(10.0, 8.0, 0.1, True, 2.0, 2.0)


@pytest.fixture(scope="session")
def short_training() -> TrainingConfig:
    """Three epochs of three batches of four."""
    return TrainingConfig("adam", batch_size=4, epochs=3, steps_per_epoch=3)


def case(
    number: int,
    lesions: dict[int, str],
    slices: int = 3,
    patient: str | None = None,
    outlined: bool = True,
) -> Case:
    """A scan whose slice i is ``10 * number + i`` HU all over, 5 mm apart.

    ``lesions`` names the slices that have one, of 4 x 4 pixels (1.28 mL), and its subtype.
    """
    hu = np.empty((slices, MATRIX, MATRIX), np.int16)
    hu[:] = (10 * number + np.arange(slices))[:, None, None]
    mask = np.zeros(hu.shape, np.uint8)
    labels = np.zeros((slices, 6), np.int8)
    for index, subtype in lesions.items():
        mask[index, 8:12, 10:14] = bit_of(subtype)
        labels[index, [0, LABEL_INDEX[subtype]]] = 1
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(PIXEL_MM, PIXEL_MM),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 5 * i] for i in range(slices)]),
        slice_spacing_mm=np.full(slices, 5.0),
        scan_id=f"scan{number}",
        patient_id=patient or f"patient{number}",
        sop_instance_uids=tuple(f"1.2.{number}.{i}" for i in range(slices)),
    )
    unknown = np.full((slices, 6), UNKNOWN, np.int8)
    return Case(
        cohort="aihub",
        volume=volume,
        scan_labels=labels.max(axis=0),
        slice_labels=labels if outlined else unknown,
        mask=mask if outlined else None,
        votes=() if outlined else (1, 0, 1),
        age_years=61.0 if outlined else None,
        sex="F" if outlined else "",
    )


@pytest.fixture(scope="session")
def make_case():
    """The function :func:`case`."""
    return case


@pytest.fixture(scope="session")
def write_records(image):
    """Write cases as a record set: ``{split: [case, ...]}``."""

    def write(folder: Path, cases: dict[str, list[Case]]) -> RecordSet:
        chosen = [(one, split, None) for split, some in cases.items() for one in some]
        return write_record_set(chosen, MadeScans(lambda one: one, 3), image, folder, {})

    return write


@pytest.fixture(autouse=True)
def key_file(tmp_path_factory, monkeypatch) -> Path:
    """A pseudonym key of the tests' own, so that nobody's home is touched."""
    path = tmp_path_factory.getbasetemp() / "pseudonym.key"
    path.write_bytes(bytes(range(32)))
    monkeypatch.setenv("ICHNET_PSEUDONYM_KEY_FILE", str(path))
    return path
