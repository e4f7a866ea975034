"""`ichnet status`: the state of a service on this machine, read from its state folder."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ichnet.serving.state import RECEIVING, SENDING, SET_ASIDE, STATES, WAITING, State


def status_lines(found: dict[str, Any]) -> list[str]:
    """Return an :func:`~ichnet.serving.overview.overview` as lines of text."""
    lines = [f"{name:12}{found['counts'][name]:6}" for name in STATES]
    if found["queue"]:
        waited_s = found["time"] - min(row["last_at"] for row in found["queue"])
        lines.append(f"the longest waits for {waited_s:.0f} s")
    if found["positive_share"] is not None:
        share, number = 100 * found["positive_share"], found["positive_share_scans"]
        lines.append(f"hemorrhage in {share:.0f} % of the last {number} scans with a result")
    reasons = Counter(row["reason"] for row in found["scans"] if row["reason"])
    for reason, number in reasons.most_common():
        lines.append(f"without a result, or not sent, in the last day: {number} {reason}")
    for row in found["not_sent"]:
        if row["attempts"]:
            lines.append(
                f"{row['name']} to {row['destination']}: {row['state']} after {row['attempts']} "
                f"tries ({row['reason']})"
            )
    return lines


def retry_set_aside(state: State) -> int:
    """Queue all series again that were set aside; return their number."""
    with state.transaction() as db:
        names = [
            (row["name"],)
            for row in db.execute("SELECT name FROM series WHERE state = ?", (SET_ASIDE,))
        ]
        db.executemany(
            f"UPDATE delivery SET attempts = 0, not_before = 0, state = '{WAITING}' "
            f"WHERE series = ? AND state = '{SET_ASIDE}'",
            names,
        )
        db.executemany(
            "UPDATE series SET attempts = 0, not_before = 0, state = CASE WHEN EXISTS "
            f"(SELECT 1 FROM delivery WHERE series = name AND delivery.state = '{WAITING}') "
            f"THEN '{SENDING}' ELSE '{RECEIVING}' END WHERE name = ?",
            names,
        )
    return len(names)
