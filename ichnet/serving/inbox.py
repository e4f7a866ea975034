"""Received files, written durably under pseudonymous names before receipt is confirmed."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from ichnet.ct.dicom_file import PARSE_ERRORS
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.quick_header import LONG_VRS

TAGS = ["SeriesInstanceUID", "SOPInstanceUID", "NumberOfSeriesRelatedInstances"]

MOST_INSTANCES = 1_000_000
"""Largest number of instances that a header is believed to announce."""

LEAST_FREE_BYTES = 1 << 30
"""Free disk space below which no files are accepted."""


class NotKeptError(Exception):
    """A file was not accepted.

    Attributes:
        reason: a short code, e.g. ``bad-header``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Kept:
    """A file that was accepted.

    Attributes:
        series: name of its series.
        is_new: whether no identical file was there before.
        expected: number of instances of its series according to its header (0020,1209).
    """

    series: str
    is_new: bool
    expected: int | None


class Inbox:
    """Stores received files in a folder for each series.

    Args:
        folder: parent folder of the series.
        partial: folder on the same disk for incomplete and removed files; it is emptied.
        key: secret key of the pseudonymous names.

    Attributes:
        mutex: to be held from storing a file until it is recorded, and while a series is removed.
    """

    def __init__(self, folder: Path, partial: Path, key: bytes) -> None:
        self._folder, self._partial, self._key = folder, partial, key
        self.mutex = threading.Lock()
        for left in partial.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    def keep(self, content: bytes) -> Kept:
        """Write a DICOM file durably: it is on disk when this returns.

        An identical file is not written again. A file with the same SOP Instance UID but other
        content is stored beside the first; reading then refuses both.

        Raises:
            NotKeptError: ``bad-header`` when the header lacks the series, or ``disk-full``.
            OSError: when the file cannot be written.
        """
        try:
            header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=TAGS)
            series, instance = str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
            expected = header.get("NumberOfSeriesRelatedInstances")
            expected = int(expected) if expected else None
            if expected is not None and not 0 < expected <= MOST_INSTANCES:
                expected = None
        except (*PARSE_ERRORS, InvalidDicomError) as error:
            raise NotKeptError("bad-header") from error
        if not series or not instance:
            raise NotKeptError("bad-header")
        if free_bytes(self._folder) < LEAST_FREE_BYTES:
            raise NotKeptError("disk-full")
        name = self.name_of(series)
        is_new = self._write(name, self._file_name(instance, content), content)
        return Kept(name, is_new, expected)

    def name_of(self, series_uid: str) -> str:
        """Return the name of a series, a pseudonym."""
        return pseudonym(self._key, "series", series_uid)

    def stage(self, folder: Path, instance_uid: str, content: bytes) -> None:
        """Write a file durably into a folder that :meth:`add` will take over."""
        _write_durably(folder / self._file_name(instance_uid, content), content)

    def add(self, name: str, staged: Path) -> tuple[int, int]:
        """Move the files of a folder to a series, at once where the series has none yet.

        Args:
            name: name of the series.
            staged: folder on the same disk, with files that :meth:`stage` wrote; it is removed.

        Returns:
            the number of files that were not there yet, and of all that are there now.
        """
        folder = self.path(name)
        if folder.exists():
            there = {one.name for one in folder.iterdir()}
            new = [one for one in staged.iterdir() if one.name not in there]
            for one in new:
                one.replace(folder / one.name)
            shutil.rmtree(staged)
            count = len(new)
        else:
            _sync(staged)
            count = sum(1 for _ in staged.iterdir())
            staged.rename(folder)
        _sync(folder)
        _sync(self._folder)
        return count, sum(1 for _ in folder.iterdir())

    def _file_name(self, instance_uid: str, content: bytes) -> str:
        digest = hashlib.sha256(_data_set(content)).hexdigest()[:16]
        return f"{pseudonym(self._key, 'instance', instance_uid)}-{digest}.dcm"

    def files_of(self) -> dict[str, int]:
        """Return the number of files of each series."""
        return {one.name: sum(1 for _ in one.iterdir()) for one in self._folder.iterdir()}

    def path(self, series: str) -> Path:
        """Return the folder of a series."""
        return self._folder / series

    def remove(self, series: str) -> None:
        """Remove all files of a series atomically, even if the program is killed."""
        leaving = self._partial / f"{series}.removed"
        with suppress(FileNotFoundError):
            self.path(series).rename(leaving)
            shutil.rmtree(leaving)

    def _write(self, series: str, name: str, content: bytes) -> bool:
        folder = self.path(series)
        target = folder / name
        is_new = not target.exists()
        if is_new:
            # a name for each thread, as two associations may send the same file
            partial = self._partial / f"{os.urandom(8).hex()}.partial"
            try:
                _write_durably(partial, content)
                folder.mkdir(exist_ok=True)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        _sync(folder)
        _sync(self._folder)
        return is_new


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk on which a folder lies."""
    return shutil.disk_usage(folder).free


def _data_set(content: bytes) -> memoryview:
    """Return a file without preamble and file meta information, which each sender writes anew."""
    at = 132 if content[128:132] == b"DICM" else 0
    while content[at : at + 2] == b"\x02\x00":  # an element of group 2, explicit VR, little endian
        has_long_length = content[at + 4 : at + 6] in LONG_VRS
        begin, end = (at + 8, at + 12) if has_long_length else (at + 6, at + 8)
        at = end + int.from_bytes(content[begin:end], "little")
    # a length that leads out of the file tells nothing: then all of it is compared
    return memoryview(content)[at if at < len(content) else 0 :]


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Flush a folder's directory entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
