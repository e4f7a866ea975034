"""The state of a service on disk: one SQLite file, changed only in transactions.

A series moves through these states:

======================  ===========================================================================
``receiving``           files arrive, or it waits for its turn
``predicting``          it is being predicted; after a kill it is ``receiving`` again
``sending``             it has a result that not all destinations have received
``done``                all destinations have received the result
``refused``             it cannot be predicted, for a known reason
``set-aside``           predicting or sending has failed too often; kept for inspection
======================  ===========================================================================

No table holds an identity: series are named by keyed pseudonyms.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ichnet.deployment.scratch import hold_lock

RECEIVING, PREDICTING, SENDING = "receiving", "predicting", "sending"
DONE, REFUSED, SET_ASIDE = "done", "refused", "set-aside"

STATES = (RECEIVING, PREDICTING, SENDING, DONE, REFUSED, SET_ASIDE)

WAITING, SENT = "waiting", "sent"
"""States of a delivery, in addition to :data:`SET_ASIDE`."""

LAYOUT = 2
"""Version of the tables; a state folder with another version is refused."""

SCHEMA = f"""
CREATE TABLE series (
    name TEXT PRIMARY KEY,                -- pseudonym; also the folder of its files
    state TEXT NOT NULL DEFAULT '{RECEIVING}',
    generation INTEGER NOT NULL DEFAULT 0,  -- grows with each new file
    files INTEGER NOT NULL DEFAULT 0,
    expected INTEGER,                     -- files by the series' own words
    last_at REAL NOT NULL,                -- seconds since 1970, of the last file
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    scan_id TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL DEFAULT '',      -- of the input
    decision TEXT NOT NULL DEFAULT '',
    probability REAL,
    uncertain INTEGER,
    slices INTEGER,
    seconds REAL,                         -- of reading, model and writing
    predicted_at REAL,
    finished_at REAL
);
CREATE INDEX series_by_state ON series (state, last_at);
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    series TEXT NOT NULL REFERENCES series (name),
    destination TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{WAITING}',
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX delivery_by_state ON delivery (state);
CREATE TABLE arrival (
    name TEXT PRIMARY KEY                 -- entry of a watched folder that was read, a pseudonym
);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL
);
PRAGMA user_version = {LAYOUT};
"""


class StateError(Exception):
    """The state folder cannot be used."""


class State:
    """An open state folder.

    Every transaction is on disk when it ends (WAL, ``synchronous = FULL``), so that a kill at any
    time leaves the state either before or after it.

    Args:
        folder: state folder; created when it does not exist, readable by its owner only.
        serves: whether to lock the folder for a service; otherwise the state is only read, also of
            a running service.

    Attributes:
        incoming: folder with the received files of each series. Identifying.
        results: folder with JSON and PNG of each scan; pseudonymous.
        dicom: folder with the DICOM objects to be sent. Identifying.
        audit: the audit log.

    Raises:
        StateError: when another process has locked it, or it is not a state folder.
    """

    def __init__(self, folder: Path, serves: bool = True) -> None:
        self.folder = folder
        self.incoming, self.partial = folder / "incoming", folder / "partial"
        self.results, self.dicom = folder / "results", folder / "dicom"
        self.audit = folder / "audit.jsonl"
        self._mutex = threading.RLock()
        path = folder / "state.sqlite"
        if not serves:
            if not path.is_file():
                raise StateError(f"{folder}: holds no state of ichnet serve")
            self._held = None
        else:
            for one in (folder, self.incoming, self.partial, self.results, self.dicom):
                one.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = _held(folder / "serve.lock")
        self._connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA synchronous = FULL")
        (layout,) = self._connection.execute("PRAGMA user_version").fetchone()
        if layout == 0 and serves:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        elif layout != LAYOUT:
            self.close()
            raise StateError(f"{folder}: its layout is {layout}, this version has {LAYOUT}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction: the block takes effect completely or not."""
        with self._mutex:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._mutex:
            found: list[sqlite3.Row] = self._connection.execute(query, values).fetchall()
            return found

    def close(self) -> None:
        """Close the database and release the lock."""
        with self._mutex:
            self._connection.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _held(path: Path) -> int:
    """Take a file lock that ends with the process; return its handle."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if not hold_lock(handle):
        os.close(handle)
        raise StateError(f"{path.parent}: another ichnet serve is running on it")
    return handle
