"""The audit log: input, model, result and destination of each prediction. No identities.

An entry is written to the database in the same transaction as the event, and appended to the file
afterwards, so that after a kill no entry is missing or duplicated.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ichnet import __version__
from ichnet.serving.state import State

LAST_BYTES = 1 << 16
"""Larger than any entry."""


class Audit:
    """Appends to ``audit.jsonl``.

    Args:
        state: state of the service, with the entries that are not in the file yet.
        model_sha256: SHA-256 of the model that predicts.
    """

    def __init__(self, state: State, model_sha256: str) -> None:
        self._state, self._model_sha256 = state, model_sha256
        self._mutex = threading.Lock()
        self.flush()

    def record(self, db: sqlite3.Connection, event: str, at: float, **fields: Any) -> None:
        """Add an entry within a transaction; call :meth:`flush` after the transaction."""
        time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        model = {"model_sha256": self._model_sha256, "ichnet": __version__}
        entry = json.dumps({"time": time, "event": event, **fields, **model})
        db.execute("INSERT INTO audit (line) VALUES (?)", (entry,))

    def flush(self) -> None:
        """Append the recorded entries to the file, and remove them from the database."""
        with self._mutex:
            number = _last_number(self._state.audit)
            found = self._state.rows(
                "SELECT number, line FROM audit WHERE number > ? ORDER BY number", number
            )
            if found:
                with self._state.audit.open("ab") as file:
                    for row in found:
                        entry = {"number": row["number"], **json.loads(row["line"])}
                        file.write(json.dumps(entry).encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                with self._state.transaction() as db:
                    db.execute("DELETE FROM audit WHERE number <= ?", (found[-1]["number"],))


def _last_number(path: Path) -> int:
    """Return the number of the last complete entry; an incomplete one after it is removed."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LAST_BYTES))
        end = file.read()
        whole, _, torn = end.rpartition(b"\n")
        if torn:
            file.truncate(size - len(torn))
        last = whole.rpartition(b"\n")[2]
    return int(json.loads(last)["number"]) if last else 0
