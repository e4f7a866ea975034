"""A small share of ``benchmarks/dicom_fuzz.py``, and every file of pydicom and pydicom-data."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_files

from ichnet.ct.dicom_file import lenient_pydicom
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_frames
from ichnet.ct.pixels import read_hu
from ichnet.ct.slice_header import SliceHeader

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "dicom_fuzz.py"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dicom_fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damaged_files_are_read_or_refused(fuzz, tmp_path):
    originals = fuzz.write_originals(tmp_path)
    outcomes, _ = fuzz.fuzz(originals, seed=0, count=420, path=tmp_path / "damaged.dcm")
    assert [outcome for outcome in outcomes if outcome.startswith("FAILED")] == []
    assert outcomes["read"] > 50
    assert sum(outcomes.values()) - outcomes["read"] > 50


def test_all_encodings_of_one_image_give_the_same_hu(fuzz, tmp_path):
    images = []
    for index, content in enumerate(fuzz.write_originals(tmp_path)):
        path = tmp_path / f"original-{index}.dcm"
        path.write_bytes(content)
        (header,) = read_frames(path)
        images.append(read_hu(header))
    assert len(images) == 7
    for image in images[1:]:
        np.testing.assert_array_equal(image, images[0])


PYDICOM_FILES = sorted(path for path in map(Path, map(str, get_testdata_files())) if path.is_file())
"""Those that come with pydicom, and those of pydicom-data, 2008 to 2020, in many a bad shape."""


def test_the_files_of_pydicom_data_are_there():
    assert {"693_J2KR.dcm", "eCT_Supplemental.dcm"} <= {path.name for path in PYDICOM_FILES}


def test_every_file_of_pydicom_is_read_right_or_refused_with_a_reason():
    read: Counter[str] = Counter()
    refused: dict[str, ReadError] = {}
    for path in PYDICOM_FILES:
        try:
            frames = read_frames(path)
            images = [read_hu(header) for header in frames]
        except ReadError as error:
            refused[path.name] = error
            continue
        read[path.name] = len(images)
        assert [image.shape for image in images] == [header.shape for header in frames]
        for header, image in zip(frames, images, strict=True):
            np.testing.assert_array_equal(image, hu_by_pydicom(header), path.name)
    assert set(refused) | set(read) == {path.name for path in PYDICOM_FILES}
    assert read["eCT_Supplemental.dcm"] == 2
    assert read["CT_small.dcm"] == read["693_J2KR.dcm"] == read["J2K_pixelrep_mismatch.dcm"] == 1
    reasons = Counter(error.reason for error in refused.values())
    assert reasons.keys() == {
        *("not-ct", "not-dicom", "bad-header", "localizer", "no-pixels", "truncated")
    }
    for error in refused.values():
        assert error.detail
        is_ct_image = _is_ct_with_pixels(error.path)
        assert not is_ct_image or error.reason in ("localizer", "bad-header"), str(error)


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [("693_J2KR.dcm", "693_UNCR.dcm"), ("693_J2KI.dcm", "693_UNCI.dcm")],
)
def test_jpeg_2000_of_pydicom_data_gives_the_hu_of_its_uncompressed_copy(compressed, plain):
    images = [
        read_hu(read_frames(path)[0])
        for name in (compressed, plain)
        for path in PYDICOM_FILES
        if path.name == name
    ]
    np.testing.assert_array_equal(images[0], images[1])


def hu_by_pydicom(header: SliceHeader) -> np.ndarray:
    """Decode a slice as pydicom does, without anything of ours but the limits."""
    with lenient_pydicom():
        dataset = dcmread(header.path)
        stored = dataset.pixel_array
        slope, intercept = header.rescale
    if header.frame is not None:
        stored = stored[header.frame]
    hu = np.rint(stored * slope + intercept)
    if header.padding is not None:
        hu[stored == header.padding[0]] = -1024
    return hu.clip(-1024, 32767).astype(np.int16)


def _is_ct_with_pixels(path: Path) -> bool:
    with lenient_pydicom():
        try:
            dataset = dcmread(path, stop_before_pixels=False)
            return bool(dataset.get("Modality") == "CT" and "PixelData" in dataset)
        except Exception:  # whatever pydicom makes of it: nothing that could have been read
            return False
