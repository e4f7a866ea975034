"""Received files, written durably under pseudonymous names before receipt is confirmed."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from ichnet.ct.dicom_file import PARSE_ERRORS
from ichnet.ct.pseudonym import pseudonym

TAGS = [
    *("SOPClassUID", "SeriesInstanceUID", "SOPInstanceUID"),
    "NumberOfSeriesRelatedInstances",
]

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

    def keep(self, content: bytes, classes: Collection[str] = ()) -> Kept:
        """Write a DICOM file durably: it is on disk when this returns.

        An identical file is not written again. A file with the same SOP Instance UID but other
        content is stored beside the first; reading then refuses both.

        Args:
            content: of the file.
            classes: SOP classes that are accepted; empty for all, where the sender has been asked.

        Raises:
            NotKeptError: ``bad-header`` when the header lacks the series, ``not-ct`` for another
                class, or ``disk-full``.
            OSError: when the file cannot be written.
        """
        try:
            header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=TAGS)
            series, instance = str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
            expected = header.get("NumberOfSeriesRelatedInstances")
            expected = int(expected) if expected else None
        except (*PARSE_ERRORS, InvalidDicomError) as error:
            raise NotKeptError("bad-header") from error
        if not series or not instance:
            raise NotKeptError("bad-header")
        if classes and str(header.get("SOPClassUID", "")) not in classes:
            raise NotKeptError("not-ct")
        if shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES:
            raise NotKeptError("disk-full")
        name = pseudonym(self._key, "series", series)
        instance_name = pseudonym(self._key, "instance", instance)
        file_name = f"{instance_name}-{hashlib.sha256(content).hexdigest()[:16]}.dcm"
        return Kept(name, self._write(name, file_name, content), expected)

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
                with partial.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                folder.mkdir(exist_ok=True)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        _sync(folder)
        _sync(self._folder)
        return is_new


def _sync(folder: Path) -> None:
    """Flush a folder's directory entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
