"""Watches a folder: each new entry is taken once, when nothing in it changes any more.

It polls, as notifications of the file system do not work across network file systems, on which the
folders that a PACS sends to usually lie.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

POLL_S = 2.0

MOST_FAILURES = 3
"""An entry is set aside after this many failures."""

State = frozenset[tuple[str, int, int]]
"""Name, size and time of change of each file of an entry."""


def watch(
    folder: Path,
    settle_s: float,
    take: Callable[[Sequence[Path]], object],
    set_aside: Callable[[Path, Exception], None],
    stop: threading.Event,
    most_failures: int | None = MOST_FAILURES,
) -> None:
    """Give the entries of a folder to ``take`` until ``stop`` is set.

    An entry is a file or a folder directly below; names that begin with a dot are passed over, as
    unfinished transfers often bear them. One that changes after it was taken, as when more slices
    of a series arrive, is taken again. Entries that have settled are taken together; when that
    fails, each of them by itself.

    Args:
        folder: to watch; must exist.
        settle_s: seconds for which nothing of an entry may have changed.
        take: is called with the paths of entries.
        set_aside: is called with an entry that could not be taken ``most_failures`` times, and
            the last exception; it is tried again only when it changes.
        stop: checked between entries and while waiting.
        most_failures: ``None`` to try again for ever.

    Raises:
        FileNotFoundError: when there is no such folder.
    """
    arrivals = _Arrivals(folder, settle_s, most_failures)
    pause_s = min(POLL_S, max(settle_s, 0.05))
    while not stop.is_set():
        for entries in arrivals.settled():
            if stop.is_set():
                break
            try:
                take(entries)
            except Exception as error:
                for entry in arrivals.failed(entries):
                    set_aside(entry, error)
            else:
                arrivals.taken(entries)
        stop.wait(pause_s)


class _Arrivals:
    """The entries of a folder, and which have settled, were taken or have failed."""

    def __init__(self, folder: Path, settle_s: float, most_failures: int | None) -> None:
        self._folder, self._settle_s = folder, settle_s
        self._most_failures = math.inf if most_failures is None else most_failures
        self._taken: dict[Path, State] = {}
        self._seen: dict[Path, tuple[State, float]] = {}
        self._failures: Counter[Path] = Counter()

    def settled(self) -> list[list[Path]]:
        """Return the entries to take now: those without a failure together, others one by one."""
        settled = [entry for entry in sorted(self._folder.iterdir()) if self._has_settled(entry)]
        fresh = [entry for entry in settled if not self._failures[entry]]
        return [*([fresh] if fresh else []), *([one] for one in settled if self._failures[one])]

    def taken(self, entries: Sequence[Path]) -> None:
        """Remember that entries were taken, in the state in which they had settled."""
        for entry in entries:
            self._taken[entry] = self._seen[entry][0]
            del self._failures[entry]

    def failed(self, entries: Sequence[Path]) -> list[Path]:
        """Remember a failure; return the entries that have failed too often."""
        self._failures.update(entries)
        given_up = [entry for entry in entries if self._failures[entry] >= self._most_failures]
        self.taken(given_up)
        return given_up

    def _has_settled(self, entry: Path) -> bool:
        if entry.name.startswith("."):
            return False
        try:
            state, now = entry_state(entry), time.monotonic()
        except (OSError, RecursionError):  # no reason to keep others waiting
            return False
        if not state or self._taken.get(entry) == state:
            return False
        if entry not in self._seen or self._seen[entry][0] != state:
            self._seen[entry] = (state, now)
        return now - self._seen[entry][1] >= self._settle_s


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set, so that a scan at work is finished first."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def entry_state(entry: Path) -> State:
    """Return the state of all files of an entry; empty when it has none or was removed."""
    found = set()
    for path in _files(entry):
        try:
            status = path.stat()
        except OSError:  # renamed between listing and looking, or a link to nowhere
            continue
        found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _files(entry: Path) -> Iterator[Path]:
    """Yield the files of an entry, links followed, no folder entered twice."""
    if not os.path.isdir(entry):  # noqa: PTH112 - Path.is_dir raises for a link that is too long
        yield entry
    entered: set[str] = set()
    for parent, folders, names in os.walk(entry, followlinks=True):
        resolved = os.path.realpath(parent)
        if resolved in entered:
            folders.clear()
            continue
        entered.add(resolved)
        yield from (Path(parent) / name for name in names)
