"""Wait for what arrives in a folder: each entry is taken once, when nothing in it changes any more.

No notification of the file system is used: they do not cross network file systems, from which
folders that a PACS sends to usually come.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 2.0

State = frozenset[tuple[str, int, int]]
"""Name, size and time of change of each file of an entry."""


def watch(
    folder: Path, settle_s: float, take: Callable[[Path], None], stop: threading.Event
) -> None:
    """Give each entry of a folder to ``take`` until ``stop`` is set.

    An entry is a file or a folder directly below; names that begin with a dot are passed over, as
    unfinished transfers often bear them. One that changes after it was taken, as when more slices
    of a series arrive, is taken again.

    Args:
        folder: to watch; must exist.
        settle_s: seconds for which nothing of an entry may have changed.
        take: is called with the entry's path, one at a time.
        stop: looked at between entries and while waiting.

    Raises:
        FileNotFoundError: when there is no such folder.
    """
    taken: dict[Path, State] = {}
    seen: dict[Path, tuple[State, float]] = {}
    while not stop.is_set():
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            state, now = _state(entry), time.monotonic()
            if not state or taken.get(entry) == state:
                continue
            if entry not in seen or seen[entry][0] != state:
                seen[entry] = (state, now)
            if now - seen[entry][1] >= settle_s and not stop.is_set():
                take(entry)
                taken[entry] = state
        stop.wait(min(POLL_S, max(settle_s, 0.05)))


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


def _state(entry: Path) -> State:
    """Return the state of all files of an entry; empty when it is, or went meanwhile."""
    files = [entry] if entry.is_file() else list(_files_below(entry))
    found = set()
    for path in files:
        try:
            status = path.stat()
        except FileNotFoundError:  # renamed between listing and looking: seen again next time
            continue
        found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
