"""Received files: on disk once, named by pseudonyms."""

from __future__ import annotations

import shutil

import pytest
from known_scans import HEIGHTS_MM, head

from ichnet.ct.pseudonym import pseudonym
from ichnet.serving import inbox as inbox_module
from ichnet.serving.inbox import Inbox, NotKeptError

KEY = bytes(32)


@pytest.fixture
def files(write_scan, tmp_path) -> list[bytes]:
    scan = write_scan(tmp_path / "scan", head(), HEIGHTS_MM, NumberOfSeriesRelatedInstances=11)
    return [path.read_bytes() for path in scan]


@pytest.fixture
def inbox(tmp_path) -> Inbox:
    for name in ("incoming", "partial"):
        (tmp_path / name).mkdir()
    (tmp_path / "partial" / "left.partial").write_bytes(b"of a process that was killed")
    return Inbox(tmp_path / "incoming", tmp_path / "partial", KEY)


def test_a_file_is_kept_once_byte_for_byte(inbox, files, tmp_path):
    kept = [inbox.keep(content) for content in (files[0], files[1], files[0])]
    name = pseudonym(KEY, "series", "1.2.826.0.1.3680043.1")
    assert [(one.series, one.is_new, one.expected) for one in kept] == [
        (name, True, 11),
        (name, True, 11),
        (name, False, 11),
    ]
    assert inbox.files_of() == {name: 2}
    instance = pseudonym(KEY, "instance", "1.2.826.0.1.3680043.1.0")
    (path,) = inbox.path(name).glob(f"{instance}-*.dcm")
    assert path.read_bytes() == files[0]
    assert list((tmp_path / "partial").iterdir()) == []
    inbox.remove(name)
    assert inbox.files_of() == {}


def test_another_file_of_the_same_instance_lies_beside_the_first(inbox, files):
    changed = files[0].replace(b"HOSPITAL-1", b"HOSPITAL-2")
    assert changed != files[0]
    kept = [inbox.keep(content) for content in (files[0], changed)]
    assert [one.is_new for one in kept] == [True, True]
    assert list(inbox.files_of().values()) == [2]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("content", [b"", b"no DICOM", b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_what_does_not_tell_its_series_is_not_taken(inbox, content):
    with pytest.raises(NotKeptError, match="bad-header"):
        inbox.keep(content)
    assert inbox.files_of() == {}


def test_a_file_that_is_cut_off_in_its_pixels_is_taken_and_judged_later(inbox, files):
    assert inbox.keep(files[0][:-100]).is_new


def test_nothing_is_taken_when_the_disk_is_full(inbox, files, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=inbox_module.LEAST_FREE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(NotKeptError, match="disk-full"):
        inbox.keep(files[0])


def test_nothing_half_written_is_left_when_writing_fails(inbox, files, monkeypatch, tmp_path):
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(inbox_module.os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        inbox.keep(files[0])
    assert list((tmp_path / "incoming").iterdir()) == []
    assert list((tmp_path / "partial").iterdir()) == []
