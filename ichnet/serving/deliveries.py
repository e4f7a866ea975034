"""Which result is sent next, where to, and whether it arrived."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from ichnet.serving.audit import Audit
from ichnet.serving.queue import Retries
from ichnet.serving.state import DONE, SENDING, SENT, SET_ASIDE, WAITING, State


@dataclass(frozen=True)
class Due:
    """A result to be sent somewhere.

    Attributes:
        id: of the delivery.
        series: name of the series.
        scan_id: of the scan.
        destination: where to.
    """

    id: int
    series: str
    scan_id: str
    destination: str


class Deliveries:
    """What is to be sent; arguments as :class:`~ichnet.serving.queue.SeriesQueue`."""

    def __init__(
        self,
        state: State,
        audit: Audit,
        retries: Retries,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state, self._audit, self._retries, self._clock = state, audit, retries, clock

    def next(self) -> Due | None:
        """Return what is due: hemorrhages first, then what waits longest.

        A result is held back while further files of its series arrive.
        """
        found = self._state.rows(
            "SELECT delivery.id, series, scan_id, destination FROM delivery "
            "JOIN series ON series.name = delivery.series "
            "WHERE delivery.state = ? AND series.state = ? AND delivery.not_before <= ? "
            "ORDER BY decision = 'hemorrhage' DESC, predicted_at, delivery.id LIMIT 1",
            WAITING,
            SENDING,
            self._clock(),
        )
        return Due(**found[0]) if found else None

    def sent(self, due: Due) -> bool:
        """Note that a result has arrived.

        Returns:
            whether that ends the sending of its series.
        """
        now = self._clock()
        with self._state.transaction() as db:
            changed = db.execute("UPDATE delivery SET state = ? WHERE id = ?", (SENT, due.id))
            if not changed.rowcount:  # another result has taken its place meanwhile
                return False
            (row,) = db.execute(
                "SELECT digest, decision FROM series WHERE name = ?", (due.series,)
            ).fetchall()
            self._audit.record(
                db,
                "sent",
                now,
                scan_id=due.scan_id,
                input_sha256=row["digest"],
                decision=row["decision"],
                destination=due.destination,
            )
            is_last = _settle(db, due.series, now)
        self._audit.flush()
        return is_last

    def failed(self, due: Due, reason: str) -> bool:
        """Note that a result could not be sent.

        Returns:
            whether sending the series' results has ended with that: what failed too often is set
            aside, and stays on disk.
        """
        now = self._clock()
        found = self._state.rows("SELECT attempts FROM delivery WHERE id = ?", due.id)
        if not found:
            return False
        attempts = found[0]["attempts"] + 1
        is_too_often = attempts >= self._retries.tries
        values = {
            "id": due.id,
            "attempts": attempts,
            "not_before": now + self._retries.pause_after_s(attempts),
            "reason": reason,
            "state": SET_ASIDE if is_too_often else WAITING,
        }
        is_last = False
        with self._state.transaction() as db:
            db.execute(
                "UPDATE delivery SET attempts = :attempts, not_before = :not_before, "
                "reason = :reason, state = :state WHERE id = :id",
                values,
            )
            if is_too_often:
                self._audit.record(
                    db,
                    "not-sent",
                    now,
                    scan_id=due.scan_id,
                    destination=due.destination,
                    reason=reason,
                )
                is_last = _settle(db, due.series, now)
        self._audit.flush()
        return is_last


def _settle(db: sqlite3.Connection, series: str, now: float) -> bool:
    """End the sending of a series when no delivery waits any more; return whether it did."""
    rows = db.execute(
        "SELECT state, destination, reason FROM delivery WHERE series = ?", (series,)
    ).fetchall()
    if any(row["state"] == WAITING for row in rows):
        return False
    missed = [f"{row['destination']}: {row['reason']}" for row in rows if row["state"] != SENT]
    ended = db.execute(
        "UPDATE series SET state = ?, finished_at = ?, reason = ?, detail = ? "
        "WHERE name = ? AND state = ?",
        (
            SET_ASIDE if missed else DONE,
            now,
            "not-sent" if missed else "",
            "; ".join(missed),
            series,
            SENDING,
        ),
    )
    return ended.rowcount == 1
