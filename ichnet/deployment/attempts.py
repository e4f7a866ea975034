"""Scans that end the program are set aside after some attempts, also across its restarts.

What a scan does to the interpreter itself (a crash in a library, no memory left) leaves no
exception to catch. So each scan at work is written down, and struck out when it is done with.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from ichnet.files import write_whole

MOST_ATTEMPTS = 5
"""More attempts than accidents (power failure, kill) are likely to hit one scan in a row."""


class Attempts:
    """How often scans have ended the program, by their provenance.

    Args:
        path: the file that holds the counts; it is removed when there is none left.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            self._counts = {str(name): int(count) for name, count in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._counts = {}

    def count(self, name: str) -> int:
        """Return how often a scan has ended the program."""
        return self._counts.get(name, 0)

    def begin(self, name: str) -> None:
        """Note that work on a scan begins."""
        self._begun.add(name)
        self._change({name: self.count(name) + 1})

    def end(self, name: str) -> None:
        """Remove a scan: work on it has ended."""
        self._begun.discard(name)
        self._change({name: 0})

    def end_all(self) -> None:
        """Remove the scans being worked on: the program ends in the regular way."""
        for name in list(self._begun):
            self.end(name)

    def _change(self, counts: dict[str, int]) -> None:
        with self._lock:
            before = self._counts
            changed = {name: count for name, count in {**before, **counts}.items() if count}
            if changed == before:
                return
            self._counts = changed
            if changed:
                with write_whole(self._path) as handle:
                    json.dump(changed, handle)
            else:
                self._path.unlink(missing_ok=True)
