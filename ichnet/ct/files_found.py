"""Finds all files below the paths that a user names, also inside archives, each once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from ichnet.ct.archive import MAX_BYTES, extract
from ichnet.ct.errors import Exclusion, ReadError, errors_named
from ichnet.ct.source import ARCHIVE_SUFFIX


class FoundFiles:
    """The files found so far.

    Args:
        scratch: where archives are unpacked.

    Attributes:
        names: for each file the name to show for it.
        exclusions: for what could not be searched.
    """

    def __init__(self, scratch: Path) -> None:
        self.names: dict[Path, Path] = {}
        self.exclusions: list[Exclusion] = []
        self._scratch = scratch
        self._seen: set[Path] = set()
        self._bytes_left = MAX_BYTES

    def search(self, path: Path) -> None:
        """Add what lies at a path: a folder with all its levels, an archive, or a file."""
        if not os.path.lexists(path):
            self.exclusions.append(
                Exclusion(path, "missing-file", "there is no such file or folder")
            )
        elif path.is_dir():
            is_empty = True
            for file in self._walk(path):
                is_empty = False
                self._add(file)
            if is_empty:
                self.exclusions.append(Exclusion(path, "empty", "the folder holds no files"))
        else:
            self._add(path)

    def _walk(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder in order, links followed, no folder entered twice."""

        def unreadable(error: OSError) -> None:
            self.exclusions.append(
                Exclusion(Path(error.filename), "unreadable", error.strerror or "no access")
            )

        entered: set[Path] = set()
        for root, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
            resolved = Path(root).resolve()
            if resolved in entered:
                folders.clear()
                continue
            entered.add(resolved)
            folders.sort()
            yield from (Path(root, name) for name in sorted(files))

    def _add(self, path: Path) -> None:
        """Add a file, or the files of an archive; add an exclusion when it cannot be read."""
        try:
            with errors_named(path):
                if self._is_new(path):
                    self._add_new(path)
        except ReadError as error:
            self.exclusions.append(Exclusion.from_error(error))

    def _is_new(self, path: Path) -> bool:
        """Return whether a file is seen for the first time, links followed.

        Raises:
            ReadError: ``not-dicom`` for a link that leads to itself, ``unreadable`` without access.
        """
        try:
            resolved = path.resolve()
            path.stat()
        except FileNotFoundError:
            resolved = path
        except (OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) or error.errno == errno.ELOOP:
                raise ReadError(path, "not-dicom", "a link that leads to itself") from error
            raise ReadError(path, "unreadable", error.strerror or "no access") from error
        is_new = resolved not in self._seen
        self._seen.add(resolved)
        return is_new

    def _add_new(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            self.exclusions.append(Exclusion(path, "not-dicom", "a device or pipe, not a file"))
        elif path.suffix.lower() == ARCHIVE_SUFFIX:
            self._add_archive(path, self._scratch / f"archive-{len(self._seen):06d}")
        else:
            self.names[path] = path

    def _add_archive(self, archive: Path, folder: Path) -> None:
        unpacked = extract(archive, folder, self._bytes_left)
        self._bytes_left -= unpacked.unpacked_bytes
        self.exclusions += unpacked.damaged
        if not unpacked.names and not unpacked.damaged:
            self.exclusions.append(Exclusion(archive, "empty", "the archive holds no files"))
        self.names.update(unpacked.names)
