"""Opens files on disk, or inside a zip archive without unpacking it to disk.

A member of an archive is named by the archive's path followed by its own,
``study.zip/series/CT1.dcm``. Nothing is written to disk, so that no member can escape.
"""

from __future__ import annotations

import io
import os
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ichnet.ct.archive import DAMAGED, member_path, require_safe_members
from ichnet.ct.errors import ReadError

ARCHIVE_SUFFIX = ".zip"

LARGEST_FILE_BYTES = 2 << 30
"""Largest file that is read into memory, about that of an enhanced CT of 4000 slices."""


def open_source(path: Path) -> BinaryIO:
    """Open a file, or a member of an archive (whole, in memory), for reading.

    Raises:
        OSError: as ``Path.open``.
        ReadError: ``bad-archive`` or ``unsafe-archive``.
    """
    archive = archive_of(path)
    if archive is None:
        return path.open("rb", buffering=0)
    try:
        opened, by_path = _open_archive(archive, archive.stat().st_mtime_ns)
        if path not in by_path:
            raise FileNotFoundError("no such member of the archive")
        if by_path[path].file_size > LARGEST_FILE_BYTES:
            size = f"{by_path[path].file_size / 2**30:.1f} GiB"
            raise ReadError(path, "unsafe-archive", f"a member of {size}: unpack it yourself")
        return io.BytesIO(opened.read(by_path[path]))
    except DAMAGED as error:
        raise ReadError(path, "bad-archive", "this member of the archive is damaged") from error


def read_content(path: Path) -> bytes:
    """Return all bytes of a file, or of a member of an archive.

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``too-large`` (more than 2 GiB),
            ``bad-archive`` or ``unsafe-archive``.
    """
    try:
        with open_source(path) as file:
            size = file.seek(0, os.SEEK_END)
            if size > LARGEST_FILE_BYTES:
                raise ReadError(path, "too-large", f"a file of {size / 2**30:.1f} GiB")
            file.seek(0)
            return file.read()
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or type(error).__name__) from error


def archive_of(path: Path) -> Path | None:
    """Return the archive that a path such as ``a.zip/b.dcm`` leads into; ``None`` for others."""
    if ARCHIVE_SUFFIX not in str(path).lower():
        return None
    return next(
        (
            parent
            for parent in path.parents
            if parent.suffix.lower() == ARCHIVE_SUFFIX and parent.is_file()
        ),
        None,
    )


def members(archive: Path) -> list[Path]:
    """Return the files in an archive, in its order, each as :func:`open_source` takes it.

    Raises:
        ReadError: ``bad-archive`` or ``unsafe-archive``, see :mod:`ichnet.ct.archive`.
    """
    return list(_open_archive(archive, archive.stat().st_mtime_ns)[1])


@lru_cache(maxsize=1)
def _open_archive(
    archive: Path, changed_ns: int
) -> tuple[zipfile.ZipFile, dict[Path, zipfile.ZipInfo]]:
    """Open an archive once for all its members; only the last one stays open."""
    try:
        opened = zipfile.ZipFile(archive)
    except DAMAGED as error:
        raise ReadError(archive, "bad-archive", "the zip archive is damaged or cut off") from error
    files = [member for member in opened.infolist() if not member.is_dir()]
    require_safe_members(archive, files)
    return opened, {member_path(archive, member): member for member in files}
