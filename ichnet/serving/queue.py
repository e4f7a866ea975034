"""Queue of series to predict, and the outcome of each."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ichnet.serving.audit import Audit
from ichnet.serving.state import (
    DONE,
    PREDICTING,
    RECEIVING,
    REFUSED,
    SENDING,
    SET_ASIDE,
    State,
)

FRESH_S = 600
"""Series whose last file arrived within so many seconds come first, the newest first. The others, a
backlog, follow with the oldest first, so that none waits forever."""

LONGEST_PAUSE_S = 600.0
"""Longest pause between attempts."""


@dataclass(frozen=True)
class Retries:
    """Repetition of failed steps.

    Attributes:
        tries: number of attempts after which a series, or a delivery, is set aside.
        pause_s: pause after the first attempt; doubled after each further one.
    """

    tries: int = 8
    pause_s: float = 5.0

    def pause_after_s(self, attempts: int) -> float:
        """Return the pause after a number of attempts, seconds."""
        return float(min(self.pause_s * 2 ** (attempts - 1), LONGEST_PAUSE_S))


@dataclass(frozen=True)
class Claim:
    """A series that is being predicted.

    Attributes:
        name: name of the series.
        generation: version of its set of files; a result is dropped when files have been added.
        last_at: time of the last file, seconds since 1970.
    """

    name: str
    generation: int
    last_at: float


@dataclass(frozen=True)
class ScanOutcome:
    """The result of a scan.

    Attributes:
        digest: digest of the input.
        seconds: time that the prediction took.
        reason: why no DICOM objects could be made; empty when they were.
    """

    scan_id: str
    digest: str
    decision: str
    probability: float
    uncertain: bool
    slices: int
    seconds: float
    reason: str = ""


class SeriesQueue:
    """All series of a service.

    Args:
        state: state of the service on disk.
        audit: log for results, refusals and series that are set aside.
        retries: repetition of failed steps.
        clock: returns the current time, seconds since 1970.
    """

    def __init__(
        self,
        state: State,
        audit: Audit,
        retries: Retries = Retries(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state, self._audit, self._retries, self._clock = state, audit, retries, clock

    def recover(self, files_of: Mapping[str, int]) -> None:
        """Restore a consistent queue after the process was killed.

        Args:
            files_of: number of files of each series on disk, since the process may have been killed
                between storing a file and counting it.
        """
        with self._state.transaction() as db:
            db.execute("UPDATE series SET state = ? WHERE state = ?", (RECEIVING, PREDICTING))
        for name, files in files_of.items():
            known = self._state.rows("SELECT files FROM series WHERE name = ?", name)
            if not known or known[0]["files"] != files:
                self.received(name, is_new=True, files=files)

    def received(
        self, name: str, is_new: bool, expected: int | None = None, files: int | None = None
    ) -> None:
        """Record that a file of a series has arrived.

        After a new file the series is predicted again, whatever its state. A repeated file has this
        effect only for a series that was set aside.

        Args:
            name: name of the series.
            is_new: whether the file was not there yet.
            expected: number of files of the series according to its header.
            files: number of files on disk, if they were counted.
        """
        now = self._clock()
        with self._state.transaction() as db:
            begun = db.execute(
                "INSERT OR IGNORE INTO series (name, last_at) VALUES (?, ?)", (name, now)
            )
            if is_new or begun.rowcount:
                db.execute(
                    "UPDATE series SET state = ?, generation = generation + 1, attempts = 0, "
                    "files = coalesce(?, files + 1), expected = coalesce(?, expected), "
                    "not_before = 0, last_at = ? WHERE name = ?",
                    (RECEIVING, files, expected, now, name),
                )
            else:
                db.execute(
                    "UPDATE series SET state = ?, attempts = 0, not_before = 0, last_at = ? "
                    "WHERE name = ? AND state IN (?, ?)",
                    (RECEIVING, now, name, RECEIVING, SET_ASIDE),
                )

    def turned_down(self, name: str, scan_id: str, reason: str, detail: str) -> bool:
        """Record a series that is refused before any of its files was kept.

        Returns:
            Whether it was recorded: not when files of the series are there, which are predicted by
            themselves, not in place of a result, and not a second time for the same reason.
        """
        now = self._clock()
        with self._state.transaction() as db:
            changed = db.execute(
                "INSERT INTO series (name, state, last_at) VALUES (:name, :predicting, :now) "
                "ON CONFLICT (name) DO UPDATE SET state = :predicting, last_at = :now, "
                "generation = generation + 1 "
                "WHERE files = 0 AND state = :refused AND reason != :reason",
                {
                    "name": name,
                    "predicting": PREDICTING,
                    "now": now,
                    "refused": REFUSED,
                    "reason": reason,
                },
            )
            if changed.rowcount != 1:
                return False
            (generation,) = db.execute(
                "SELECT generation FROM series WHERE name = ?", (name,)
            ).fetchone()
        return self.refused(Claim(name, generation, now), scan_id, reason, detail)

    def claim(self, quiet_s: float) -> Claim | None:
        """Take the next series that is complete; ``None`` when there is none.

        Args:
            quiet_s: a series without new files for so long is complete. A series with as many
                files as it expects is complete at once.
        """
        now = self._clock()
        with self._state.transaction() as db:
            found = db.execute(
                "SELECT name, generation, last_at FROM series WHERE state = :receiving "
                "AND not_before <= :now AND (last_at <= :quiet OR files >= expected) "
                "ORDER BY last_at < :fresh, "
                "CASE WHEN last_at < :fresh THEN last_at ELSE -last_at END LIMIT 1",
                {
                    "receiving": RECEIVING,
                    "now": now,
                    "quiet": now - quiet_s,
                    "fresh": now - FRESH_S,
                },
            ).fetchone()
            if found is None:
                return None
            db.execute("UPDATE series SET state = ? WHERE name = ?", (PREDICTING, found["name"]))
            return Claim(found["name"], found["generation"], found["last_at"])

    def answered(self, claim: Claim, answer: ScanOutcome, destinations: Sequence[str]) -> bool:
        """Store a result, to be sent to destinations, and replace an earlier one.

        Returns:
            Whether it was stored; it is dropped when files were added in the meantime.
        """
        now = self._clock()
        targets = () if answer.reason else destinations
        values = {
            "state": SENDING if targets else DONE,
            **{name: getattr(answer, name) for name in ("scan_id", "digest", "decision")},
            **{name: getattr(answer, name) for name in ("probability", "uncertain", "slices")},
            "seconds": answer.seconds,
            "reason": answer.reason,
            "detail": "",
            "predicted_at": now,
            "finished_at": None if targets else now,
            "attempts": 0,
        }
        with self._state.transaction() as db:
            if not _update(db, claim, values):
                return False
            db.execute("DELETE FROM delivery WHERE series = ?", (claim.name,))
            db.executemany(
                "INSERT INTO delivery (series, destination) VALUES (?, ?)",
                [(claim.name, destination) for destination in targets],
            )
            self._audit.record(
                db,
                "result",
                now,
                scan_id=answer.scan_id,
                input_sha256=answer.digest,
                decision=answer.decision,
                probability=answer.probability,
                uncertain=answer.uncertain,
                reason=answer.reason,
            )
        self._audit.flush()
        return True

    def refused(self, claim: Claim, scan_id: str, reason: str, detail: str) -> bool:
        """Store the reason of a refusal; return whether it was stored, see :meth:`answered`."""
        return self._given_up(claim, REFUSED, scan_id, reason, detail)

    def failed(self, claim: Claim, scan_id: str, reason: str, detail: str) -> bool:
        """Record that prediction has failed for a reason that is not known to lie in the scan.

        Returns:
            Whether it has failed too often, and the series was set aside.
        """
        (row,) = self._state.rows("SELECT attempts FROM series WHERE name = ?", claim.name)
        attempts = row["attempts"] + 1
        if attempts >= self._retries.tries or reason == SET_ASIDE:
            return self._given_up(claim, SET_ASIDE, scan_id, reason, detail)
        not_before = self._clock() + self._retries.pause_after_s(attempts)
        with self._state.transaction() as db:
            _update(
                db,
                claim,
                {
                    "state": RECEIVING,
                    "attempts": attempts,
                    "not_before": not_before,
                    "reason": reason,
                    "detail": detail,
                },
            )
        return False

    def _given_up(self, claim: Claim, state: str, scan_id: str, reason: str, detail: str) -> bool:
        now = self._clock()
        values = {
            "state": state,
            "scan_id": scan_id,
            "reason": reason,
            "detail": detail,
            "predicted_at": now,
            "finished_at": now,
            **dict.fromkeys(("decision", "digest"), ""),
            **dict.fromkeys(("probability", "uncertain", "slices", "seconds")),
        }
        with self._state.transaction() as db:
            if not _update(db, claim, values):
                return False
            db.execute("DELETE FROM delivery WHERE series = ?", (claim.name,))
            self._audit.record(db, state, now, scan_id=scan_id, reason=reason)
        self._audit.flush()
        return True


def _update(db: sqlite3.Connection, claim: Claim, values: Mapping[str, object]) -> bool:
    """Update a claimed series unless files were added; return whether it was updated."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    changed = db.execute(
        f"UPDATE series SET {columns} WHERE name = :claimed AND generation = :generation "
        f"AND state = '{PREDICTING}'",
        {**values, "claimed": claim.name, "generation": claim.generation},
    )
    return changed.rowcount == 1
