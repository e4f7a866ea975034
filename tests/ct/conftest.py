"""Small scans and DICOM files for the tests of ``ichnet.ct``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
PATIENT_ID = "Secret^Patient"


@pytest.fixture(scope="session")
def make_volume():
    """Build a Volume around HU; ``gaps_mm`` apart along the normal of its orientation."""

    def make(hu, orientation=AXIAL, pixel_spacing_mm=(1.0, 1.0), gaps_mm=5.0) -> Volume:
        hu = np.asarray(hu, np.int16)
        cosines = np.asarray(orientation, float)
        heights_mm = np.concatenate([[0.0], np.cumsum(np.full(len(hu) - 1, gaps_mm))])
        positions_mm = heights_mm[:, None] * slice_normal(cosines)
        return Volume(
            hu=hu,
            pixel_spacing_mm=pixel_spacing_mm,
            orientation=cosines,
            positions_mm=positions_mm,
            slice_spacing_mm=slice_spacing_from_positions(positions_mm, slice_normal(cosines)),
            scan_id="0123456789abcdef",
            patient_id="fedcba9876543210",
        )

    return make


@pytest.fixture(scope="session")
def real_head() -> list[Path]:
    """The 28 files of a real, tilted head CT; skips where it is not at hand."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "head_ct_ge"
    if not folder.is_dir():
        pytest.skip("the real head CT (../shared/data/head_ct_ge) is not at hand")
    return sorted(folder.glob("*.dcm"))


@pytest.fixture(scope="session")
def write_slice():
    """Write one CT slice as DICOM; any element can be set by keyword, or removed with None."""

    def write(
        path: Path,
        stored,
        position_mm=(0.0, 0.0, 0.0),
        syntax=ExplicitVRLittleEndian,
        bits_stored=16,
        **elements,
    ) -> Path:
        stored = np.asarray(stored)
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        values = {
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": "1.2.3." + ".".join(str(round(1000 + x * 100)) for x in position_mm),
            "SeriesInstanceUID": "1.2.3.1",
            "StudyInstanceUID": "1.2.3.2",
            "PatientID": PATIENT_ID,
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "ImagePositionPatient": [float(np.format_float_positional(x, 8)) for x in position_mm],
            "ImageOrientationPatient": list(AXIAL),
            "PixelSpacing": [0.5, 0.5],
            "RescaleSlope": 1,
            "RescaleIntercept": 0,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": stored.shape[0],
            "Columns": stored.shape[1],
            "BitsAllocated": stored.dtype.itemsize * 8,
            "BitsStored": bits_stored,
            "HighBit": bits_stored - 1,
            "PixelRepresentation": int(stored.dtype.kind == "i"),
        }
        with disable_value_validation():
            for keyword, value in {**values, **elements}.items():
                if value is not None:
                    setattr(dataset, keyword, value)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
            order = "<" if syntax.is_little_endian else ">"
            if "PixelData" not in elements:
                dataset.PixelData = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
                dataset["PixelData"].VR = "OW"
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture(scope="session")
def write_series(write_slice):
    """Write slices [slices, rows, columns] ``gap_mm`` apart; returns the files, feet first."""

    def write(folder: Path, stored, gap_mm=5.0, prefix="", **elements) -> list[Path]:
        return [
            write_slice(
                folder / f"{prefix}{index:03d}.dcm", slice_, (0, 0, index * gap_mm), **elements
            )
            for index, slice_ in enumerate(stored)
        ]

    return write
