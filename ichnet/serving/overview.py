"""Summary of a service's state, for `ichnet status` and the web page."""

from __future__ import annotations

import math
from typing import Any

from ichnet.serving.metrics import count_by_state, positive_share
from ichnet.serving.state import PREDICTING, RECEIVING, SENDING, SET_ASIDE, STATES, State

DAY_S = 24 * 3600

ROW = (
    "name, state, files, expected, last_at, attempts, reason, detail, scan_id, decision, "
    "probability, uncertain, slices, seconds, predicted_at, finished_at"
)


def overview(state: State, now: float) -> dict[str, Any]:
    """Return counts, the queue and the outcomes of the last day, without identities.

    Args:
        state: state of the service.
        now: current time, seconds since 1970.
    """
    counts = count_by_state(state)
    share, number = positive_share(state)
    return {
        "time": now,
        "counts": {name: counts.get(name, 0) for name in STATES},
        "positive_share": None if math.isnan(share) else share,
        "positive_share_scans": number,
        "queue": _rows(
            state,
            f"SELECT {ROW} FROM series WHERE state IN (?, ?) ORDER BY last_at DESC",
            RECEIVING,
            PREDICTING,
        ),
        "scans": _rows(
            state,
            f"SELECT {ROW} FROM series WHERE state NOT IN (?, ?) "
            "AND (predicted_at > ? OR state IN (?, ?)) ORDER BY predicted_at DESC",
            RECEIVING,
            PREDICTING,
            now - DAY_S,
            SENDING,
            SET_ASIDE,
        ),
        "not_sent": _rows(
            state,
            "SELECT series AS name, destination, state, attempts, reason FROM delivery "
            "WHERE state != 'sent' ORDER BY id",
        ),
    }


def _rows(state: State, query: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in state.rows(query, *values)]
