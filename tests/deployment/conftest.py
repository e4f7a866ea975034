"""The export of a network whose every answer is known, and scans for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_networks import (  # noqa: F401
    bright_pixels,
    calibration,
    classifier,
    config,
    members,
)
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.deployment.export import export_model

TILT_DEGREES = 20.0


@pytest.fixture(scope="session")
def model_dir(bright_pixels, config, calibration, tmp_path_factory) -> Path:
    """An export of ``bright_pixels``."""
    folder = tmp_path_factory.mktemp("export") / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    return folder


@pytest.fixture(autouse=True)
def key_file(tmp_path_factory, monkeypatch) -> Path:
    """A pseudonym key of the tests' own, so that nobody's home is touched."""
    path = tmp_path_factory.getbasetemp() / "pseudonym.key"
    path.write_bytes(bytes(range(32)))
    monkeypatch.setenv("ICHNET_PSEUDONYM_KEY_FILE", str(path))
    return path


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
