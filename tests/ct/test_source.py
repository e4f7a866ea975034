"""Files inside archives are read without unpacking; what is wrong with an archive is said."""

from __future__ import annotations

import stat
import zipfile

import numpy as np
import pytest

import ichnet.ct.archive
import ichnet.ct.source
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


def test_links_and_bombs_are_refused_before_they_are_read(tmp_path, monkeypatch):
    link = zipfile.ZipInfo("a.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.dcm", bytes(4 << 20))
    monkeypatch.setattr(ichnet.ct.archive, "SMALL_BYTES", 1 << 20)
    for name, cause in (("link.zip", "is a link"), ("bomb.zip", "times its size")):
        with pytest.raises(ReadError, match=cause) as error:
            open_source(tmp_path / name / "a.dcm")
        assert error.value.reason == "unsafe-archive"


def test_a_member_too_large_for_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ichnet.ct.source, "LARGEST_FILE_BYTES", 9)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("small.dcm", b"123456789")
        opened.writestr("large.dcm", b"1234567890")
    with open_source(tmp_path / "a.zip" / "small.dcm") as file:
        assert file.read() == b"123456789"
    (one,) = read_headers([tmp_path / "a.zip" / "large.dcm"])[1]
    assert one.reason == "unsafe-archive"


def test_an_archive_in_an_archive_is_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as opened:
        opened.writestr("a.dcm", b"x")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as opened:
        opened.write(tmp_path / "inner.zip", "inner.zip")
    assert members(tmp_path / "outer.zip") == [tmp_path / "outer.zip" / "inner.zip"]
    (one,) = read_headers(members(tmp_path / "outer.zip"))[1]
    assert (one.reason, "zip archive" in one.detail) == ("not-dicom", True)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ReadError) as error:
        members(tmp_path / "a.zip")
    assert error.value.reason == "bad-archive"
