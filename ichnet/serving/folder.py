"""A folder as a second way in: DICOM files that arrive there join the DICOM node's queue."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ichnet.ct.files_found import FoundFiles
from ichnet.ct.pseudonym import pseudonym
from ichnet.deployment.watch import entry_state, watch
from ichnet.serving.inbox import Inbox, Kept, NotKeptError
from ichnet.serving.node import CT_STORAGE
from ichnet.serving.state import State

PAUSE_S = 10.0
"""Pause before another attempt while the disk is full, or the folder cannot be read."""

MOST_BYTES = 2 << 30
"""Largest file that is read, since it is held in memory."""


class WatchedFolder:
    """Hands the files of a folder to the inbox, also those in archives; removes none of them.

    An entry, a file or folder directly below, is read once nothing of it has changed for a time,
    and again when it changes. What was read is remembered across restarts.

    Args:
        folder: to watch; must exist.
        settle_s: seconds for which nothing of an entry may have changed.
        state: state of the service.
        inbox: storage of received files.
        key: secret key of the names under which entries are remembered.
        kept: called with each stored file.
        turned_away: called with the reason for each file that was not accepted.
    """

    def __init__(
        self,
        folder: Path,
        settle_s: float,
        state: State,
        inbox: Inbox,
        key: bytes,
        kept: Callable[[Kept], None],
        turned_away: Callable[[str], None],
    ) -> None:
        self._folder, self._settle_s, self._state, self._inbox = folder, settle_s, state, inbox
        self._key, self._kept, self._turned_away = key, kept, turned_away
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set, also after a network's folder was out of reach."""
        self._stop = stop
        while not stop.is_set():
            try:
                watch(self._folder, self._settle_s, self._take, self._set_aside, stop)
            except OSError:
                self._turned_away("unreadable")
                stop.wait(PAUSE_S)

    def _take(self, entries: Sequence[Path]) -> None:
        for entry in entries:
            name = pseudonym(self._key, "arrival", repr(sorted(entry_state(entry))))
            if self._state.rows("SELECT 1 FROM arrival WHERE name = ?", name):
                continue
            self._take_entry(entry)
            if self._stop.is_set():
                return  # perhaps not to the end: it is read again after the next start
            with self._state.transaction() as db:
                db.execute("INSERT OR IGNORE INTO arrival (name) VALUES (?)", (name,))

    def _take_entry(self, entry: Path) -> None:
        """Store the files of an entry.

        Raises:
            OSError: when some of them could not be read or written; all others are stored.
        """
        failure: OSError | None = None
        with tempfile.TemporaryDirectory(dir=self._state.partial) as scratch:
            found = FoundFiles(Path(scratch))
            found.search(entry)
            for path in found.names:
                try:
                    self._take_file(path)
                except OSError as error:
                    failure = error
        for exclusion in found.exclusions:
            self._turned_away(exclusion.reason)
        if failure:
            raise failure

    def _take_file(self, path: Path) -> None:
        """Store a file; while the disk is full, wait."""
        if path.stat().st_size > MOST_BYTES:
            self._turned_away("too-large")
            return
        content = path.read_bytes()
        while not self._stop.is_set():
            try:
                with self._inbox.mutex:
                    self._kept(self._inbox.keep(content, CT_STORAGE))
            except NotKeptError as error:
                self._turned_away(error.reason)
                if error.reason == "disk-full":
                    self._stop.wait(PAUSE_S)
                    continue
            return

    def _set_aside(self, entry: Path, error: Exception) -> None:
        """Count an entry of which files could not be read or written in several attempts."""
        self._turned_away("unreadable")
