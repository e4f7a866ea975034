"""A network whose every answer is known, and its export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.config import Config, load_config
from ichnet.inference.export import export_model
from ichnet.statistics.calibration import PlattCalibration

MATRIX = 32
TOP_PIXELS = 4
TILT_DEGREES = 20.0


@pytest.fixture(scope="session")
def config() -> Config:
    """The demonstration's configuration at 32 x 32 pixels of 4 mm."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    return replace(
        demo,
        data_statement="Not trained at all.",
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=128.0),
        evaluation=replace(demo.evaluation, top_pixels=TOP_PIXELS, threshold=0.5),
    )


@pytest.fixture(scope="session")
def bright_pixels() -> keras.Model:
    """A segmenter by hand: 0 up to 50 HU, 1 from 70 HU on, in between in proportion."""
    hu = keras.Input((MATRIX, MATRIX), name="hu")
    scaled = keras.layers.Rescaling(1 / 20, offset=-50 / 20)(hu)
    return keras.Model(hu, keras.layers.ReLU(max_value=1.0, name="map")(scaled))


@pytest.fixture(scope="session")
def classifier() -> keras.Model:
    """Says how bright a slice is on the average; has the two outputs of a classifier."""
    hu = keras.Input((MATRIX, MATRIX), name="hu")
    saliency = keras.layers.Rescaling(0.01)(hu)
    flat = keras.layers.Flatten()(saliency)
    mean = keras.layers.Dense(
        1, kernel_initializer=keras.initializers.Constant(1 / MATRIX**2), use_bias=False
    )(flat)
    return keras.Model(
        hu, {"probability": keras.layers.Activation("sigmoid")(mean), "saliency": saliency}
    )


@pytest.fixture(scope="session")
def calibration() -> PlattCalibration:
    """Leaves scores as they are."""
    return PlattCalibration(a=1.0, b=0.0)


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
