"""CT series whose every pixel is known: fixtures of the tests of deployment and of examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

TILT_DEGREES = 20.0

HEIGHTS_MM = np.array([0, 5, 10, 22, 27, 32, 37, 42, 47, 52, 57])  # more slices than a batch holds
BLEEDING_SLICE = 2


def head(lesion_hu: float = 30.0) -> np.ndarray:
    """Eleven slices 64 x 64 of brain at 30 HU in a skull in air, with a square lesion on one.

    The topmost one shows the vertex.
    """
    hu = np.full((len(HEIGHTS_MM), 64, 64), -1000)
    hu[:, 8:56, 8:56] = 1000
    hu[:, 10:54, 10:54] = 30
    hu[-1] = -1000
    hu[-1, 24:40, 24:40] = 1000
    hu[BLEEDING_SLICE, 24:40, 16:32] = lesion_hu
    return hu


@pytest.fixture(scope="session")
def write_scan():
    """Write HU [slices, rows, columns] as a tilted CT series with 2 mm pixels, head first."""
    tilt = np.radians(TILT_DEGREES)

    def write(folder: Path, hu, heights_mm, series: str = "1", **elements) -> list[Path]:
        files = []
        for index, (pixels, z_mm) in enumerate(zip(hu, heights_mm, strict=True)):
            dataset = Dataset()
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            values = {
                "SOPClassUID": CTImageStorage,
                "SOPInstanceUID": f"1.2.826.0.1.3680043.{series}.{index}",
                "SeriesInstanceUID": f"1.2.826.0.1.3680043.{series}",
                "StudyInstanceUID": "1.2.826.0.1.3680043",
                "PatientID": f"HOSPITAL-{series}",
                "PatientName": "Doe^Jane",
                "StudyDate": "20230917",
                "Modality": "CT",
                "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
                "ImagePositionPatient": [0.0, 0.0, float(z_mm)],
                "ImageOrientationPatient": [
                    1,
                    0,
                    0,
                    0,
                    round(np.cos(tilt), 6),
                    round(np.sin(tilt), 6),
                ],
                "PixelSpacing": [2.0, 2.0],
                "SliceThickness": 1.0,  # untrue, as it often is
                "RescaleSlope": 1,
                "RescaleIntercept": 0,
                "SamplesPerPixel": 1,
                "PhotometricInterpretation": "MONOCHROME2",
                "Rows": pixels.shape[0],
                "Columns": pixels.shape[1],
                "BitsAllocated": 16,
                "BitsStored": 16,
                "HighBit": 15,
                "PixelRepresentation": 1,
                "PixelData": pixels.astype("<i2").tobytes(),
            }
            for keyword, value in {**values, **elements}.items():
                setattr(dataset, keyword, value)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{series}-{len(hu) - index:03d}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            files.append(path)
        return files

    return write
