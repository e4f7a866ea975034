"""A network whose every answer is known, and its export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.cohorts.case import UNKNOWN, Case
from ichnet.config import SEGMENTERS, Config, ImageConfig, load_config
from ichnet.ct.volume import Volume
from ichnet.inference.export import export_model
from ichnet.networks.channels import hu_input
from ichnet.records.assembly import write_record_set
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.statistics.calibration import PlattCalibration

MATRIX = 32
TOP_PIXELS = 4
TILT_DEGREES = 20.0
LEVELS_HU = (50, 40, 60, 70, 80)


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


def bright(image: ImageConfig, level_hu: float) -> keras.Model:
    """A segmenter by hand: 0 up to a level, 1 from 20 HU above it on, in between in proportion.

    It looks at the second window, 80/200, so what it sees ends at 180 HU.
    """
    hu, channels = hu_input(image)
    convolution = keras.layers.Conv2D(1, 1)
    scaled = convolution(channels)
    kernel = np.array([0, 200 / 20, 0, 0], np.float32).reshape(1, 1, 4, 1)
    convolution.set_weights([kernel, np.array([-(level_hu + 20) / 20], np.float32)])
    flat = keras.layers.Reshape((image.matrix, image.matrix))(scaled)
    return keras.Model(hu, keras.layers.ReLU(max_value=1.0, name="map")(flat))


@pytest.fixture(scope="session")
def bright_pixels(config) -> keras.Model:
    """Sees what is brighter than 60 HU."""
    return bright(config.image, 50)


@pytest.fixture(scope="session")
def members(config) -> dict[str, keras.Model]:
    """Five segmenters that differ in what they call bright."""
    levels_hu = dict(zip(SEGMENTERS, LEVELS_HU, strict=True))
    return {name: bright(config.image, level_hu) for name, level_hu in levels_hu.items()}


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
        chosen = [(one, split, None) for split, some in cases.items() for one in some]
        info = {"cases": repr(sorted(cases))}
        return write_record_set(chosen, MadeScans(lambda one: one, 3), config.image, folder, info)

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
