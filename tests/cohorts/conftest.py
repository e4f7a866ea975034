"""Tiny cohorts on disk, in the exact formats of their sources."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.cohorts.case import ScanEntry

ROWS, COLUMNS = 6, 8


@pytest.fixture(scope="session")
def key() -> bytes:
    return bytes(range(32))


@pytest.fixture(scope="session")
def write_slice():
    """Write one CT slice of 6 rows x 8 columns at height ``z_mm``, all pixels ``hu``."""

    def write(path: Path, sop: str, series: str, patient: str, z_mm=0.0, hu=30, **elements) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        values = {
            "SOPInstanceUID": sop,
            "SeriesInstanceUID": series,
            "StudyInstanceUID": f"{series}.0",
            "PatientID": patient,
            "Modality": "CT",
            "ImagePositionPatient": [0.0, 0.0, float(z_mm)],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.5],
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": ROWS,
            "Columns": COLUMNS,
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 0,
        }
        with disable_value_validation():
            dataset.file_meta.MediaStorageSOPInstanceUID = sop
            flat = np.full((ROWS, COLUMNS), hu + 1024, np.uint16).tobytes()
            for keyword, value in {**values, "PixelData": flat, **elements}.items():
                setattr(dataset, keyword, value)
            dataset["PixelData"].VR = "OW"
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture(scope="session")
def write_series(write_slice):
    """Write ``slices`` slices ``gap_mm`` apart; slice i is ``<series>.<i>``, of i HU.

    Files are named so that their order by name is from head to feet.
    """

    def write(
        folder: Path, series: str, patient="P", slices=3, gap_mm=5.0, **elements
    ) -> list[str]:
        uids = [f"{series}.{index}" for index in range(slices)]
        for index, uid in enumerate(uids):
            path = folder / f"CT{slices - index:06d}.dcm"
            write_slice(path, uid, series, patient, index * gap_mm, hu=index, **elements)
        return uids

    return write


@pytest.fixture(scope="session")
def write_csv():
    def write(path: Path, header: str, *rows: str, end="\n", bom=False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = end.join([header, *rows])  # no final line break, as in CQ500
        path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
        return path

    return write


@pytest.fixture(scope="session")
def entry():
    """A scan without files, for selection and splitting: labels by slice as 6 digits."""

    def make(scan: str, patient: str, *slices: str, any_label=None) -> ScanEntry:
        labels = {f"{scan}.{i}": tuple(map(int, text)) for i, text in enumerate(slices)}
        scan_labels = tuple(max(column) for column in zip(*labels.values(), strict=True))
        if not slices:
            scan_labels = (any_label,) + (-1,) * 5
        return ScanEntry("rsna", scan, patient, (), scan_labels, labels)

    return make


@pytest.fixture(scope="session")
def count_reasons():
    """Exclusions by reason."""
    return lambda exclusions: dict(Counter(exclusion.reason for exclusion in exclusions))
