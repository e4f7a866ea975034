"""Queue of results to be sent to destinations."""

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
    """A result that is due to be sent to a destination.

    Attributes:
        id: number of the delivery.
        series: name of the series.
        scan_id: pseudonym of the scan.
        destination: name of the destination.
    """

    id: int
    series: str
    scan_id: str
    destination: str


class Deliveries:
    """All deliveries; for the arguments see :class:`~ichnet.serving.queue.SeriesQueue`."""

    def __init__(
        self,
        state: State,
        audit: Audit,
        retries: Retries,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state, self._audit, self._retries, self._clock = state, audit, retries, clock

    def next(self) -> Due | None:
        """Return the next delivery: hemorrhages first, then the one that has waited longest.

        Results of a series are held back while further files of it arrive.
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
        """Record that a result has arrived.

        Returns:
            Whether this was the last delivery of its series.
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
        """Record that a result could not be sent.

        A delivery that has failed too often is set aside; the result stays on disk.

        Returns:
            Whether this was the last delivery of its series.
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
    """Finish a series when none of its deliveries is waiting; return whether it was finished."""
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
