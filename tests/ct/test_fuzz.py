"""A small share of the fuzz in ``benchmarks/dicom_fuzz.py``, and every CT file of pydicom."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydicom.data import get_testdata_files

from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_frames
from ichnet.ct.pixels import read_hu

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


def test_every_file_of_pydicom_is_read_or_refused_with_a_reason():
    read, details = 0, []
    for path in map(Path, map(str, get_testdata_files())):
        if not path.is_file():
            continue
        try:
            for header in read_frames(path):
                assert read_hu(header).shape == header.shape
                read += 1
        except ReadError as error:
            details.append(error.detail)
    assert read >= 1
    assert all(details)
    assert len(details) > 50
