"""Archives are unpacked inside their folder, or refused."""

from __future__ import annotations

import stat
import zipfile

import pytest

import ichnet.ct.archive
from ichnet.ct.archive import extract
from ichnet.ct.errors import ReadError


@pytest.fixture
def archive(tmp_path):
    """Write a zip archive of members (name or ZipInfo, content)."""

    def write(*members, name="scans.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for member, content in members:
                opened.writestr(member, content, zipfile.ZIP_DEFLATED)
        return path

    return write


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def test_files_are_unpacked_and_named_as_in_the_archive(archive, tmp_path):
    path = archive(("a/1.dcm", b"one"), ("b/1.dcm", b"two"), ("b/", b""), ("..dcm", b"three"))
    names = extract(path, tmp_path / "out").names
    assert {str(name.relative_to(path)): file.read_bytes() for file, name in names.items()} == {
        "a/1.dcm": b"one",
        "b/1.dcm": b"two",
        "..dcm": b"three",
    }
    assert [file.name for file in names] == ["000000", "000001", "000002"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_do_not_overwrite_each_other(archive, tmp_path):
    names = extract(archive(("1.dcm", b"one"), ("1.dcm", b"two")), tmp_path / "out").names
    assert [file.read_bytes() for file in names] == [b"one", b"two"]


def test_long_and_foreign_names_are_unpacked(archive, tmp_path):
    path = archive((f"{'é' * 300}.dcm", b"one"), ("folder\\2.dcm", b"two"))
    names = extract(path, tmp_path / "out").names
    assert [file.read_bytes() for file in names] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("member", "cause"),
    [
        ("/etc/passwd", "absolute path"),
        ("C:/windows/x.dcm", "absolute path"),
        ("C:\\windows\\x.dcm", "absolute path"),
        ("../x.dcm", "leads out"),
        ("a/../../x.dcm", "leads out"),
        ("a\\..\\..\\x.dcm", "leads out"),
        (link("a.dcm"), "link"),
    ],
)
def test_members_that_would_leave_the_folder_refuse_the_archive(archive, tmp_path, member, cause):
    path = archive(("good.dcm", b"good"), (member, b"bad"))
    with pytest.raises(ReadError, match=cause) as error:
        extract(path, tmp_path / "out")
    assert (error.value.reason, error.value.path) == ("unsafe-archive", path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["scans.zip"]


def test_a_bomb_is_refused_by_its_ratio(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(ichnet.ct.archive, "SMALL_BYTES", 1 << 20)
    with pytest.raises(ReadError, match="times its size") as error:
        extract(archive(("x.dcm", bytes(4 << 20))), tmp_path / "out")
    assert error.value.reason == "unsafe-archive"


def test_small_archives_may_be_dense(archive, tmp_path):
    assert len(extract(archive(("x.dcm", bytes(4 << 20))), tmp_path / "out").names) == 1


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 5), ("MAX_MEMBERS", 1)])
def test_too_much_is_refused(archive, tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(ichnet.ct.archive, limit, value)
    with pytest.raises(ReadError, match="unpacks to 2 files") as error:
        extract(archive(("1", b"one"), ("2", b"two")), tmp_path / "out")
    assert error.value.reason == "unsafe-archive"


def test_more_than_the_disk_holds_is_refused(archive, tmp_path, monkeypatch):
    class Usage:
        free = ichnet.ct.archive.RESERVE_BYTES + 2

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage())
    with pytest.raises(ReadError, match=r"1\.0 GiB are free, of which 1 GiB stay free") as error:
        extract(archive(("1", b"one")), tmp_path / "out")
    assert error.value.reason == "unsafe-archive"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_archive_is_named(archive, tmp_path, share):
    path = archive(("1.dcm", bytes(range(256)) * 40))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ReadError, match="damaged or cut off") as error:
        extract(path, tmp_path / "out")
    assert error.value.reason == "bad-archive"


def test_a_damaged_member_costs_itself_alone(archive, tmp_path):
    path = archive(("1.dcm", bytes(range(256)) * 40), ("2.dcm", b"two"))
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(bytes(content))
    unpacked = extract(path, tmp_path / "out")
    assert [(one.path, one.reason) for one in unpacked.damaged] == [(path / "1.dcm", "bad-archive")]
    assert [file.read_bytes() for file in unpacked.names] == [b"two"]
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_inflated_piece_by_piece_is_refused(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as opened:
        opened.writestr("1.dcm", bytes(1 << 20))
    with pytest.raises(ReadError, match="another method") as error:
        extract(path, tmp_path / "out")
    assert error.value.reason == "bad-archive"


@pytest.mark.parametrize("name", [".", "a/.", "./", "x/./y", "con", "a\nb", " ", "é" * 300])
def test_odd_names_are_unpacked(archive, tmp_path, name):
    path = archive((name, b"" if name.endswith("/") else b"one"), ("2.dcm", b"two"))
    unpacked = extract(path, tmp_path / "out")
    assert unpacked.damaged == []
    contents = [file.read_bytes() for file in unpacked.names]
    assert contents == ([b"two"] if name.endswith("/") else [b"one", b"two"])
    assert path not in unpacked.names.values()


def test_names_that_are_not_the_utf8_they_claim_are_a_damaged_archive(archive, tmp_path):
    path = archive(("\u00e9.dcm", b"one"))
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xe9\xe9"))
    with pytest.raises(ReadError) as error:
        extract(path, tmp_path / "out")
    assert error.value.reason == "bad-archive"


def test_all_archives_together_have_a_limit(archive, tmp_path):
    with pytest.raises(ReadError, match="left for all archives") as error:
        extract(archive(("1", b"one"), ("2", b"two")), tmp_path / "out", most_bytes=5)
    assert error.value.reason == "unsafe-archive"


def test_an_encrypted_archive_is_named(archive, tmp_path):
    path = archive(("1.dcm", b"content"))
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ReadError, match="encrypted") as error:
        extract(path, tmp_path / "out")
    assert error.value.reason == "bad-archive"


def test_a_bomb_in_an_archive_stays_packed(archive, tmp_path):
    inner = archive(("zeros", bytes(4 << 20)), name="inner.zip").read_bytes()
    names = extract(archive(("inner.zip", inner)), tmp_path / "out").names
    assert [file.read_bytes() for file in names] == [inner]


def test_an_archive_that_lies_about_its_size_is_not_unpacked_beyond_it(archive, tmp_path):
    path = archive(("zeros", bytes(4 << 20)))
    true, declared = (4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true, declared))
    unpacked = extract(path, tmp_path / "out")
    assert [one.reason for one in unpacked.damaged] == ["bad-archive"]
    assert list((tmp_path / "out").iterdir()) == []
