"""Reports each finished scan: a line of JSON, and metrics."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

from ichnet.serving.metrics import Metrics
from ichnet.serving.state import DONE, REFUSED, SET_ASIDE, State

COLUMNS = ("state", "scan_id", "decision", "probability", "uncertain", "slices", "reason", "detail")
ENDED = (DONE, REFUSED, SET_ASIDE)


class Reporter:
    """Writes a line for each scan once it is finished.

    Args:
        state: state of the service.
        metrics: metrics to update.
        stream: stream for the lines; standard error by default.
    """

    def __init__(self, state: State, metrics: Metrics, stream: TextIO | None = None) -> None:
        self._state, self._metrics, self._stream = state, metrics, stream

    def predicted(self, decision: str, seconds: float) -> None:
        """Count a result."""
        self._metrics.scans.labels(decision).inc()
        self._metrics.seconds.observe(seconds)

    def without_result(self, outcome: str, reason: str) -> None:
        """Count a refusal, or a series that was set aside."""
        self._metrics.scans.labels(outcome).inc()
        self._metrics.refusals.labels(reason).inc()

    def ended(self, series: str) -> None:
        """Write the line of a series, unless files were added since it ended: it ends again."""
        (row,) = self._state.rows("SELECT * FROM series WHERE name = ?", series)
        if row["state"] not in ENDED:
            return
        turnaround_s = row["finished_at"] - row["last_at"]
        if row["state"] == DONE:
            self._metrics.turnaround_seconds.observe(turnaround_s)
        line = {
            "time": datetime.fromtimestamp(row["finished_at"], UTC).isoformat(timespec="seconds"),
            **{name: row[name] for name in COLUMNS if row[name] not in (None, "")},
            "turnaround_seconds": round(turnaround_s, 3),
        }
        if row["seconds"] is not None:
            line["seconds"] = round(row["seconds"], 3)
        print(json.dumps(line), file=self._stream or sys.stderr, flush=True)
