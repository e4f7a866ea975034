"""Files that end the program while folders are searched are set aside, across its restarts.

A header can crash a library, or exhaust the interpreter's stack, before it is known to which scan
it belongs. Writing a table for each of thousands of headers would take longer than reading them.
So only the name of the one file that is open now is written, over the last one's, into a file that
stays open: what it holds when the program starts again is the file that ended it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ichnet.ct.errors import ReadError, printable
from ichnet.ct.pseudonym import pseudonym
from ichnet.deployment.attempts import MOST_ATTEMPTS, Attempts


class FileAttempts:
    """Counts how often each file has ended the program while it was open.

    Args:
        path: names the file that is open now, by a pseudonym; removed after each search.
        attempts: where the counts are kept.
        key: for the pseudonyms.
    """

    def __init__(self, path: Path, attempts: Attempts, key: bytes) -> None:
        self._path, self._attempts, self._key = path, attempts, key
        self._note: BinaryIO | None = None
        with suppress(OSError, UnicodeDecodeError):
            if name := path.read_text(encoding="ascii").strip():
                attempts.add(name)
                path.unlink()

    @contextmanager
    def search(self) -> Iterator[None]:
        """Count the files that are opened within; an exception is no attempt.

        Raises:
            OSError: when the note cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._note = self._path.open("wb", buffering=0)
        try:
            yield
        finally:
            self._note.close()
            self._note = None
            self._path.unlink(missing_ok=True)

    @contextmanager
    def opened(self, path: Path) -> Iterator[None]:
        """Note that a file is open; for :func:`ichnet.ct.discover.discover`, within a search.

        Args:
            path: of a file, or of an archive followed by a member's.

        Raises:
            ReadError: ``set-aside`` for a file that has ended the program too often.
        """
        name = self._name(path)
        if self._attempts.count(name) >= MOST_ATTEMPTS:
            detail = f"the program has ended {MOST_ATTEMPTS} times while it was open"
            raise ReadError(path, "set-aside", detail)
        if self._note is not None:
            self._note.seek(0)
            self._note.write(name.encode("ascii"))
        yield
        if self._attempts.count(name):
            self._attempts.end(name)

    def _name(self, path: Path) -> str:
        """Return a name of one length that a file has until it is moved or changed."""
        return pseudonym(self._key, "opened", f"{printable(str(path))} {_state(path)}")


def _state(path: Path) -> str:
    """Return size and time of change of a file; of a member, those of its archive."""
    for one in (path, *path.parents):
        try:
            status = one.stat()
        except (OSError, ValueError):
            continue
        return f"{status.st_size} {status.st_mtime_ns}"
    return ""
