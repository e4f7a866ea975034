"""One bad file costs one file, and a bad series one series: whatever else is there is read."""

from __future__ import annotations

import os
import struct
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

import ichnet.ct.discover
from ichnet.ct import source
from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.errors import Exclusion, ReadError

KEY = bytes(32)
FLAT = np.full((64, 64), 40, np.int16)
SECRET = "DOE^JOHN"


@pytest.fixture
def beside_a_good_scan(write_series, tmp_path):
    """Discover what lies beside a good scan, which must be read: the others, and exclusions."""

    def find(odd: Path):
        good = write_series(tmp_path / "good", [FLAT] * 4, SeriesInstanceUID="1.2.99")
        series, exclusions = discover([odd, tmp_path / "good"], tmp_path / "scratch")
        *others, last = series
        assert last.names == tuple(good)
        assert read_series(last.files, KEY).hu.shape == (4, 64, 64)
        return others, exclusions

    return find


@pytest.fixture
def odd(tmp_path) -> Path:
    (tmp_path / "odd").mkdir()
    return tmp_path / "odd"


@pytest.fixture
def zipped(write_series, tmp_path):
    """Write a series of four slices into an archive."""

    def write(path: Path, method=zipfile.ZIP_DEFLATED, name="{}", **more: bytes) -> Path:
        with zipfile.ZipFile(path, "w", method) as archive:
            for file in write_series(tmp_path / "source", [FLAT] * 4):
                archive.writestr(name.format(file.name), file.read_bytes())
            for member, content in more.items():
                archive.writestr(member, content)
        return path

    return write


def reasons(exclusions: list[Exclusion]) -> dict[str, int]:
    return dict(Counter(one.reason for one in exclusions))


# archives -----------------------------------------------------------------------------------------


def test_a_member_named_dot(beside_a_good_scan, zipped, odd):
    zipped(odd / "a.zip", **{".": b"x"})
    others, exclusions = beside_a_good_scan(odd)
    assert [len(one.files) for one in others] == [4]
    assert reasons(exclusions) == {"not-dicom": 1}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_archives_of_rare_methods(beside_a_good_scan, zipped, odd, method):
    path = zipped(odd / "a.zip", method)
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + 200] = bytes(byte ^ 0x5A for byte in content[third : third + 200])
    path.write_bytes(bytes(content))
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"bad-archive": 1})


def test_names_of_members_that_are_not_what_they_claim(beside_a_good_scan, zipped, odd):
    path = zipped(odd / "a.zip", name="é{}")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xe9\xe9"))
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"bad-archive": 1})


# names and links ----------------------------------------------------------------------------------


def test_names_that_are_no_utf8(beside_a_good_scan, write_series, odd, tmp_path):
    for file in write_series(tmp_path / "source", [FLAT] * 4):
        target = os.path.join(os.fsencode(odd), b"M\xfcller " + os.fsencode(file.name))  # noqa: PTH118
        Path(os.fsdecode(target)).write_bytes(file.read_bytes())
    Path(os.fsdecode(os.path.join(os.fsencode(odd), b"M\xfcller.txt"))).write_bytes(b"x")  # noqa: PTH118
    others, exclusions = beside_a_good_scan(odd)
    assert [len(one.files) for one in others] == [4]
    assert reasons(exclusions) == {"not-dicom": 1}


@pytest.mark.parametrize(("target", "reason"), [("loop", "not-dicom"), ("nothing", "missing-file")])
def test_links_that_lead_nowhere(beside_a_good_scan, odd, target, reason):
    (odd / "loop").symlink_to(target)
    assert reasons(beside_a_good_scan(odd)[1]) == {reason: 1}


def test_a_file_that_the_system_refuses(beside_a_good_scan, write_series, odd, monkeypatch):
    files = write_series(odd, [FLAT] * 4)

    def refuse(path, *args, **kwargs):
        if path == files[2]:
            raise PermissionError(13, "Permission denied", str(path))
        return open(path, *args, **kwargs)  # noqa: PTH123 - what it takes the place of

    monkeypatch.setattr(source, "open", refuse, raising=False)
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"unreadable": 1, "incomplete-series": 3})


# headers ------------------------------------------------------------------------------------------


def sequences(depth: int) -> bytes:
    """Sequences within each other, of undefined lengths."""
    begin = struct.pack("<HH2sHI", 0x0020, 0x9221, b"SQ", 0, 0xFFFFFFFF)
    begin += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    end = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return begin * depth + end * depth


@pytest.mark.parametrize("depth", [400, 100_000])
def test_nested_sequences(beside_a_good_scan, write_series, odd, depth):
    path = write_series(odd, [FLAT] * 4)[1]
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x02\x00US")  # SamplesPerPixel follows
    path.write_bytes(content[:at] + sequences(depth) + content[at:])
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"bad-header": 1, "incomplete-series": 3})


@pytest.mark.parametrize(
    "keyword",
    ["PatientID", "Modality", "SeriesInstanceUID", "ImagePositionPatient", "RescaleSlope"],
)
@pytest.mark.parametrize("vr", [b"US", b"FD", b"SL", b"AT", b"SS"])
def test_text_that_is_marked_as_numbers(beside_a_good_scan, write_series, odd, keyword, vr):
    path = write_series(odd, [FLAT] * 4)[1]
    content = path.read_bytes()
    tag = pydicom.datadict.tag_for_keyword(keyword)
    at = content.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
    path.write_bytes(content[: at + 4] + vr + content[at + 6 :])
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"bad-header": 1, "incomplete-series": 3})


@pytest.mark.parametrize("elements", [{"RescaleSlope": "774971440"}, {"RescaleIntercept": "-2E31"}])
def test_hounsfield_units_that_cannot_be(beside_a_good_scan, write_series, odd, elements):
    write_series(odd, [FLAT] * 4, **elements)
    assert reasons(beside_a_good_scan(odd)[1]) == {"bad-header": 4}


# pixels -------------------------------------------------------------------------------------------


def with_claimed_size(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.save_as(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"\xff\x4f\xff\x51")
    content[at + 8 : at + 16] = struct.pack(">II", 65535, 65535)
    path.write_bytes(bytes(content))


def test_a_codestream_that_claims_65535_squared(beside_a_good_scan, write_series, odd):
    files = write_series(odd, [FLAT] * 4)
    with_claimed_size(files[1])
    (series,), exclusions = beside_a_good_scan(odd)
    assert exclusions == []  # its header is right
    with pytest.raises(ReadError) as error:
        read_series(series.files, KEY)
    assert error.value.reason == "truncated"
    assert reasons(series.exclusions(error.value)) == {"truncated": 4}


def test_a_header_that_claims_65535_squared(beside_a_good_scan, write_series, odd):
    path = write_series(odd, [FLAT] * 4)[1]
    content = path.read_bytes()
    for tag in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        content = content.replace(tag + b"\x40\x00", tag + b"\xff\xff")
    path.write_bytes(content)
    exclusions = beside_a_good_scan(odd)[1]
    assert reasons(exclusions) == {"too-large": 1, "incomplete-series": 3}


# mistakes of this program -------------------------------------------------------------------------


def test_a_mistake_of_the_program_has_a_number_and_no_header(
    beside_a_good_scan, write_series, odd, monkeypatch
):
    write_series(odd, [FLAT] * 4, PatientID=SECRET)
    stack = ichnet.ct.discover.stack_slices

    def fail(headers):
        if headers[0].patient_id == SECRET:
            raise KeyError(headers[0].patient_id)
        return stack(headers)

    monkeypatch.setattr(ichnet.ct.discover, "stack_slices", fail)
    others, exclusions = beside_a_good_scan(odd)
    assert (others, reasons(exclusions)) == ([], {"internal-error": 4})
    details = {one.detail for one in exclusions}
    assert all("KeyError" in detail and "number" in detail for detail in details)
    assert not any(SECRET in detail for detail in details)


def test_no_reason_quotes_a_header_or_a_name(write_series, write_slice, tmp_path):
    folder = tmp_path / SECRET
    for number, elements in enumerate(
        [
            {"Modality": SECRET[:8]},
            {"Modality": None, "SOPClassUID": "1.2.840.99.19500101"},
            {"HighBit": 3},
            {"PixelSpacing": [0.5, 0.5, 0.5]},
            {"ImageType": [SECRET, "LOCALIZER"]},
            {"SamplesPerPixel": 3},
        ]
    ):
        write_slice(folder / f"{SECRET}-{number}.dcm", FLAT, (0, 0, number), **elements)
    for number, elements in enumerate([{"PatientID": SECRET}, {"PatientID": "other"}]):
        uid = {"SeriesInstanceUID": "1.2.5", "PatientName": SECRET}
        write_slice(folder / f"{SECRET}{number}", FLAT, (0, 0, number), **uid, **elements)
    series, exclusions = discover([folder], tmp_path / "scratch")
    assert series == []
    assert len(exclusions) == 8
    for exclusion in exclusions:
        error = ReadError(exclusion.path, exclusion.reason, exclusion.detail)
        assert SECRET[:8] not in str(error)
        assert "19500101" not in str(error)
