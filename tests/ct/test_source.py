"""Files inside archives are read without unpacking; what is wrong with an archive is said."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from ichnet.ct.dicom import read_headers, read_series
from ichnet.ct.errors import ReadError
from ichnet.ct.source import archive_of, members, open_source

STORED = np.arange(96, dtype=np.int16).reshape(8, 12)


def test_a_series_in_an_archive_is_the_series_outside(write_series, tmp_path):
    files = write_series(tmp_path / "series", [STORED, STORED + 1])
    archive = tmp_path / "Study.ZIP"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in files:
            opened.write(path, f"a/{path.name}")
        opened.writestr("a/readme.txt", "text")
    inside = members(archive)
    assert inside == [archive / "a" / name for name in ("000.dcm", "001.dcm", "readme.txt")]
    headers, exclusions = read_headers(inside)
    assert [(one.path.name, one.reason) for one in exclusions] == [("readme.txt", "not-dicom")]
    volume = read_series([header.path for header in headers], bytes(32))
    expected = read_series(files, bytes(32))
    np.testing.assert_array_equal(volume.hu, expected.hu)
    assert volume.scan_id == expected.scan_id
    assert (
        list(tmp_path.iterdir()) == [tmp_path / "series", archive]
        or len(list(tmp_path.iterdir())) == 2
    )


def test_ordinary_files_and_folders_named_zip_are_no_archives(tmp_path):
    (tmp_path / "a.zip").mkdir()
    (tmp_path / "a.zip" / "b.dcm").write_bytes(b"x")
    assert archive_of(tmp_path / "a.zip" / "b.dcm") is None
    assert archive_of(tmp_path / "b.dcm") is None
    with open_source(tmp_path / "a.zip" / "b.dcm") as file:
        assert file.read() == b"x"


def test_members_that_are_missing_or_damaged(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("b.dcm", b"0123456789" * 10)
    with pytest.raises(FileNotFoundError, match="no such member"):
        open_source(archive / "c.dcm")
    archive.write_bytes(archive.read_bytes().replace(b"0123", b"3210"))
    with pytest.raises(ReadError) as error:
        open_source(archive / "b.dcm")
    assert error.value.reason == "bad-archive"


@pytest.mark.parametrize("name", ["../a.dcm", "/a.dcm", "c:\\a.dcm"])
def test_archives_with_members_that_lead_out_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(name, b"x")
    with pytest.raises(ReadError) as error:
        members(tmp_path / "a.zip")
    assert error.value.reason == "unsafe-archive"


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ReadError) as error:
        members(tmp_path / "a.zip")
    assert error.value.reason == "bad-archive"
