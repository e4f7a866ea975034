"""A folder as a second way in: series that arrive there join the DICOM node's queue.

An entry is a file, folder or archive directly below. It is read as `ichnet predict` reads its
inputs: a series of which a slice is damaged or missing is refused, never predicted in part. Each is
handed over as a whole, so that none is predicted while it is being read. Nothing is removed from
the folder.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from ichnet.ct.discover import Series, discover
from ichnet.ct.errors import Exclusion
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.source import read_content
from ichnet.deployment.exclusion_table import plain_detail
from ichnet.deployment.watch import entry_state, watch
from ichnet.serving.inbox import LEAST_FREE_BYTES, Inbox, free_bytes
from ichnet.serving.queue import SeriesQueue
from ichnet.serving.state import State

PAUSE_S = 10.0
"""Pause before another attempt, after a failure or while the disk is full."""

PASSING = "unreadable"
"""Reason that may pass: an entry of which a file has it is read again."""


class WatchedFolder:
    """Reads what arrives in a folder, once; what was read is remembered across restarts.

    An entry is read when nothing of it has changed for a time, and again when it changes.

    Args:
        folder: to watch.
        settle_s: seconds for which nothing of an entry may have changed.
        state: state of the service.
        inbox: storage of received files.
        queue: of the service.
        key: secret key of the pseudonyms.
        counted: called with the outcome of each file: ``new``, ``repeated``, or why it is not used.
        refused: called with series and reason of each that is refused.
    """

    def __init__(
        self,
        folder: Path,
        settle_s: float,
        state: State,
        inbox: Inbox,
        queue: SeriesQueue,
        key: bytes,
        counted: Callable[[str], None],
        refused: Callable[[str, str], None],
    ) -> None:
        self._folder, self._settle_s, self._state = folder, settle_s, state
        self._inbox, self._queue, self._key = inbox, queue, key
        self._counted, self._refused = counted, refused
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set, also after a network's folder was out of reach."""
        self._stop = stop
        while not stop.is_set():
            try:
                watch(self._folder, self._settle_s, self._take, self._set_aside, stop, None)
            except OSError:
                self._counted(PASSING)
                stop.wait(PAUSE_S)

    def _take(self, entries: Sequence[Path]) -> None:
        """Read entries, each by itself; those that fail are tried again, after a pause."""
        failure: Exception | None = None
        for entry in entries:
            if self._stop.is_set():
                return
            try:
                self._take_entry(entry)
            except Exception as error:
                self._counted(PASSING)
                failure = error
        if failure:
            self._stop.wait(PAUSE_S)
            raise failure

    def _take_entry(self, entry: Path) -> None:
        """Hand the series of an entry over, unless the entry was read before.

        Raises:
            OSError: when it changes or cannot be read; it is to be read again.
        """
        before = entry_state(entry)
        if not before:
            raise FileNotFoundError("the entry is gone")
        relative = sorted((os.path.relpath(p, self._folder), *rest) for p, *rest in before)
        name = self._name_of("entry", repr(relative))
        if self._is_known(name):
            return
        self._wait_for_room(sum(size for _, size, _ in before))
        with tempfile.TemporaryDirectory(dir=self._state.partial) as scratch:
            found, exclusions = discover([entry], Path(scratch) / "archives")
            if entry_state(entry) != before:
                raise OSError("the entry changes while it is read")
            for series in found:
                if self._stop.is_set():
                    return
                self._hand_over(series, Path(scratch) / "series")
        self._refuse(exclusions, {one.series_uid for one in found})
        if any(one.reason == PASSING for one in exclusions):
            raise OSError("a file of the entry cannot be read")
        self._remember(name)

    def _hand_over(self, series: Series, staged: Path) -> None:
        """Store the files of a series and enter it in the queue, unless this was done before."""
        content = self._name_of("content", series.digest())
        if self._is_known(content):
            return
        name = self._inbox.name_of(series.series_uid)
        staged.mkdir()
        for uid, path in zip(series.file_uids, series.files, strict=True):
            self._inbox.stage(staged, uid, read_content(path))
        with self._inbox.mutex:
            new, files = self._inbox.add(name, staged)
            self._queue.received(name, is_new=new > 0, expected=files, files=files)
            self._remember(content)
        for outcome in ["new"] * new + ["repeated"] * (len(series.files) - new):
            self._counted(outcome)

    def _refuse(self, exclusions: Iterable[Exclusion], handed_over: Container[str]) -> None:
        """Record the CT series that are refused, and count all files that are not used."""
        by_series: dict[str, Exclusion] = {}
        for one in exclusions:
            self._counted(one.reason)
            is_series = one.series_uid and one.scan_identity and one.reason != "not-ct"
            if is_series and one.series_uid not in handed_over:
                by_series.setdefault(one.series_uid, one)
        for uid, one in by_series.items():
            name = self._inbox.name_of(uid)
            scan_id = pseudonym(self._key, "scan", one.scan_identity)
            if self._queue.turned_down(name, scan_id, one.reason, plain_detail(one)):
                self._refused(name, one.reason)

    def _wait_for_room(self, size_bytes: int) -> None:
        while not self._stop.is_set():
            if free_bytes(self._state.partial) > LEAST_FREE_BYTES + 2 * size_bytes:
                return
            self._counted("disk-full")
            self._stop.wait(PAUSE_S)

    def _name_of(self, kind: str, text: str) -> str:
        return pseudonym(self._key, f"arrival-{kind}", text)

    def _is_known(self, name: str) -> bool:
        return bool(self._state.rows("SELECT 1 FROM arrival WHERE name = ?", name))

    def _remember(self, name: str) -> None:
        with self._state.transaction() as db:
            db.execute("INSERT OR IGNORE INTO arrival (name) VALUES (?)", (name,))

    def _set_aside(self, entry: Path, error: Exception) -> None:
        """Nothing is set aside: failures may pass."""
