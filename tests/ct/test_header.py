"""Every file that is no axial CT slice is refused with a reason and a sentence of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.ct.pixels import read_hu

STORED = np.full((8, 12), 40, np.int16)


@pytest.fixture
def refusal(write_slice, tmp_path):
    """Write one slice with changed elements and return why it is refused."""

    def refuse(stored=STORED, **elements) -> ReadError:
        path = write_slice(tmp_path / "slice.dcm", stored, **elements)
        with pytest.raises(ReadError) as error:
            read_header(path)
        assert error.value.path == path
        return error.value

    return refuse


@pytest.mark.parametrize(
    ("elements", "reason", "sentence"),
    [
        ({"Modality": "MR"}, "not-ct", "modality MR (CT Image Storage), not CT"),
        ({"Modality": None, "SOPClassUID": None}, "not-ct", "no modality (unknown object)"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer", "scout"),
        ({"ImageType": "LOCALIZER"}, "localizer", "scout"),
        ({"PixelData": None}, "no-pixels", "no image"),
        ({"Rows": None}, "no-pixels", "no image"),
        ({"NumberOfFrames": 3}, "multi-frame", "0 of 3 frames say where they lie"),
        ({"SamplesPerPixel": 3, "PlanarConfiguration": 0}, "no-geometry", "colour image"),
        ({"ImagePositionPatient": None}, "no-geometry", "no ImagePositionPatient"),
        ({"ImageOrientationPatient": None}, "no-geometry", "no ImageOrientationPatient"),
        ({"PixelSpacing": None}, "no-geometry", "no PixelSpacing"),
        ({"PixelSpacing": []}, "no-geometry", "no PixelSpacing"),
        ({"PixelSpacing": [0, 0.5]}, "bad-header", "PixelSpacing 0.0 x 0.5 mm"),
        ({"PixelSpacing": 0.5}, "bad-header", "PixelSpacing is not 2 finite numbers"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "bad-header", "orthogonal"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "bad-header", "orthogonal"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "not-axial", "sagittal"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not-axial", "coronal"),
        ({"RescaleIntercept": None}, "bad-header", "HU are unknown"),
        ({"RescaleSlope": 0}, "bad-header", "RescaleSlope 0"),
        ({"SOPInstanceUID": None}, "bad-header", "no SOPInstanceUID"),
        ({"SeriesInstanceUID": " "}, "bad-header", "no SeriesInstanceUID"),
        ({"BitsAllocated": None}, "bad-header", "cannot be read"),
    ],
)
def test_reasons(refusal, elements, reason, sentence):
    error = refusal(**elements)
    assert error.reason == reason
    assert sentence in error.detail
    assert "Secret" not in error.detail


def test_a_number_that_is_none_is_a_bad_header(write_slice, tmp_path):
    path = write_slice(tmp_path / "slice.dcm", STORED, PixelSpacing=[0.125, 0.125])
    path.write_bytes(path.read_bytes().replace(b"0.125\\0.125", b"0.1,5\\0.1,5"))
    with pytest.raises(ReadError, match="cannot be read") as error:
        read_header(path)
    assert error.value.reason == "bad-header"


def test_a_file_without_a_transfer_syntax_is_a_bad_header(write_slice, tmp_path):
    path = write_slice(tmp_path / "slice.dcm", STORED)
    syntax = b"\x02\x00\x10\x00UI"
    path.write_bytes(path.read_bytes().replace(syntax, b"\x02\x00\x11\x00UI"))
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "bad-header"


@pytest.mark.parametrize("elements", [{"Modality": None}, {"ImageType": None}, {"PatientID": None}])
def test_what_is_not_needed_may_be_missing(write_slice, tmp_path, elements):
    header = read_header(write_slice(tmp_path / "slice.dcm", STORED, **elements))
    assert header.shape == (8, 12)


@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_tilted_gantry_is_still_axial(write_slice, tmp_path, degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    path = write_slice(
        tmp_path / "slice.dcm",
        STORED,
        ImageOrientationPatient=[1, 0, 0, 0, round(float(cos), 6), round(float(sin), 6)],
    )
    assert read_header(path).orientation[4] == pytest.approx(cos, abs=1e-6)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"SOP,label\n", "not a DICOM file"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, content, kind):
    path = tmp_path / "image.dcm"
    path.write_bytes(content)
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "not-dicom"
    assert error.value.detail.startswith(kind)


@pytest.mark.parametrize("content", [b"", bytes(1), bytes(100), bytes(4000)])
def test_a_file_without_any_content_says_so(tmp_path, content):
    path = tmp_path / "image.dcm"
    path.write_bytes(content)
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "empty-file"


def test_missing_and_unreadable_files(tmp_path):
    for path, reason in [(tmp_path / "gone", "missing-file"), (tmp_path, "unreadable")]:
        with pytest.raises(ReadError) as error:
            read_header(path)
        assert error.value.reason == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MR_small.dcm", "not-ct"),
        ("test-SR.dcm", "not-ct"),
        ("rtdose.dcm", "not-ct"),
        ("rtplan_truncated.dcm", "truncated"),
        ("SC_rgb_small_odd.dcm", "not-ct"),
        ("UN_sequence.dcm", "bad-header"),
        ("README.txt", "not-dicom"),
        ("ExplVR_LitEndNoMeta.dcm", "not-dicom"),
    ],
)
def test_real_files_of_pydicom(name, reason):
    with pytest.raises(ReadError) as error:
        read_header(Path(str(get_testdata_file(name, download=False))))
    assert error.value.reason == reason


# damage -------------------------------------------------------------------------------------------


def test_pixels_that_were_cut_are_counted(write_slice, tmp_path):
    path = write_slice(tmp_path / "slice.dcm", STORED)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ReadError) as error:
        read_header(path)
    assert error.value.reason == "truncated"
    assert error.value.detail == "142 of 192 bytes of pixels are there"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_cut_pixels_are_seen_in_other_encodings(write_slice, tmp_path, syntax):
    path = write_slice(tmp_path / "slice.dcm", STORED, syntax=syntax)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReadError, match="191 of 192 bytes"):
        read_header(path)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_file_cut_anywhere_is_refused(write_slice, tmp_path, syntax):
    path = write_slice(tmp_path / "slice.dcm", STORED, syntax=syntax)
    whole = path.read_bytes()
    read_hu(read_header(path))
    # a deflated file may end in one byte of padding, which nobody misses
    content = whole.rstrip(b"\0") if syntax.is_deflated else whole
    for length in range(len(content)):
        path.write_bytes(whole[:length])
        with pytest.raises(ReadError):
            read_hu(read_header(path))


def test_random_damage_is_refused_or_read_but_never_a_crash(write_slice, tmp_path):
    path = write_slice(tmp_path / "slice.dcm", STORED, Manufacturer="Maker", KVP=120)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    details = []
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(128, len(whole) - STORED.nbytes, 2):
            damaged[position] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            hu = read_hu(read_header(path))
        except ReadError as error:
            details.append(error.detail)
        else:
            assert hu.dtype == np.int16
    assert len(details) > 30
    assert not any("Secret" in detail for detail in details)
