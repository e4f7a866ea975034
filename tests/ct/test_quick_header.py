"""The quick reader of headers says what pydicom says, or leaves the file to pydicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

import ichnet.ct.header
from ichnet.ct.errors import ReadError
from ichnet.ct.header import WANTED, read_header
from ichnet.ct.pixels import read_hu
from ichnet.ct.quick_header import QUICK_BYTES, QuickHeader, read_quickly
from ichnet.ct.slice_header import SliceHeader

STORED = np.arange(-48, 48, dtype=np.int16).reshape(8, 12)


def quickly(path: Path) -> QuickHeader | None:
    content = path.read_bytes()
    return read_quickly(content[:QUICK_BYTES], len(content), WANTED)


def comparable(header: SliceHeader) -> dict[str, object]:
    """Return a header's fields; without a VR in the file, padding may have either sign."""
    padding = None if header.padding is None else [value % 65536 for value in header.padding]
    return dict(vars(header), plain_offset=None, fragments_offset=None, padding=padding)


@pytest.fixture
def both(monkeypatch):
    """Read a file in the usual way and by pydicom alone: a header and HU, or the reason."""

    def read(path: Path) -> tuple[object, np.ndarray | None]:
        try:
            header = read_header(path)
            return header, read_hu(header)
        except ReadError as error:
            return error.reason, None

    def compare(path: Path) -> object:
        usual, usual_hu = read(path)
        with monkeypatch.context() as patch:
            patch.setattr(ichnet.ct.header, "read_quickly", lambda *_: None)
            slow, slow_hu = read(path)
        if isinstance(slow, SliceHeader):
            assert isinstance(usual, SliceHeader)
            left, right = map(comparable, (usual, slow))
            assert left == right
            np.testing.assert_array_equal(usual_hu, slow_hu)
        else:
            assert usual == slow
        return slow

    return compare


def test_all_files_of_pydicom_read_the_same(both):
    names = [
        path
        for name in get_testdata_files()
        if (path := Path(str(name))).is_file() and path.stat().st_size < 1 << 20
    ]
    found = [both(path) for path in names]
    assert len(found) > 50
    assert sum(isinstance(one, SliceHeader) for one in found) >= 1


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Manufacturer": "Two  words ", "KVP": 120, "ConvolutionKernel": ["H30s", "3"]},
        {"PixelPaddingValue": -48, "SliceThickness": "5.000"},
        {"ImageType": "LOCALIZER"},
        {"PatientID": None, "StudyInstanceUID": None},
        {"Manufacturer": "Müller", "SpecificCharacterSet": "ISO_IR 100"},
        {"RescaleSlope": 0.5, "RescaleIntercept": "-12.25"},
        {"ImageType": []},
    ],
)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_elements_of_all_kinds_read_the_same(write_slice, tmp_path, both, elements, syntax):
    both(write_slice(tmp_path / "slice.dcm", STORED, syntax=syntax, **elements))


def test_a_plain_file_is_read_quickly(write_slice, tmp_path):
    path = write_slice(tmp_path / "slice.dcm", STORED, KVP=120)
    quick = quickly(path)
    assert quick is not None
    assert quick.get("PixelSpacing") == ["0.5", "0.5"]
    assert (quick.get("Rows"), quick.get("KVP"), quick.get("Manufacturer")) == (8, "120.0", None)
    assert quick.pixel_bytes == STORED.nbytes
    assert path.read_bytes()[quick.pixel_offset :] == STORED.tobytes()


@pytest.mark.parametrize("bits", [12, 16])
def test_bits_above_those_stored_are_no_part_of_a_value(write_slice, tmp_path, both, bits):
    stored = np.array([[5, 0xF005], [0x0FFF, 0x8800]], np.uint16)
    both(write_slice(tmp_path / "unsigned.dcm", stored, bits_stored=bits))
    both(write_slice(tmp_path / "signed.dcm", stored.view(np.int16), bits_stored=bits))


def item(**elements) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_are_stepped_over(write_slice, tmp_path, both, undefined):
    images = [item(ReferencedSOPInstanceUID="1.2"), item(ReferencedSOPInstanceUID="1.3")]
    path = tmp_path / "slice.dcm"
    write_slice(path, STORED, ReferencedImageSequence=images)
    assert quickly(path) is not None
    if undefined:
        content = path.read_bytes()
        at = content.index(b"\x08\x00\x40\x11SQ\0\0")
        length = int.from_bytes(content[at + 8 : at + 12], "little")
        end = at + 12 + length
        path.write_bytes(
            content[: at + 8]
            + b"\xff\xff\xff\xff"
            + content[at + 12 : end]
            + b"\xfe\xff\xdd\xe0\0\0\0\0"
            + content[end:]
        )
        assert quickly(path) is not None
    both(path)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings_are_left_to_pydicom(write_slice, tmp_path, syntax):
    path = write_slice(tmp_path / "slice.dcm", STORED, syntax=syntax)
    assert quickly(path) is None
    assert np.array_equal(read_hu(read_header(path)), STORED)


def test_random_damage_reads_the_same(write_slice, tmp_path, both):
    path = write_slice(tmp_path / "slice.dcm", STORED, Manufacturer="Maker", KVP=120)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(whole)
        for position in rng.integers(128, len(whole) - STORED.nbytes, 2):
            damaged[position] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        both(path)
