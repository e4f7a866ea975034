"""The line of each finished scan."""

from __future__ import annotations

import io
import json

from ichnet.serving.metrics import Metrics
from ichnet.serving.queue import ScanOutcome
from ichnet.serving.reporter import Reporter

ANSWER = ScanOutcome(
    scan_id="s",
    digest="d",
    decision="hemorrhage",
    probability=0.9,
    uncertain=False,
    slices=16,
    seconds=1.0,
)


def test_a_scan_has_a_line_once_no_file_came_since(state, queue, clock):
    stream = io.StringIO()
    reporter = Reporter(state, Metrics(state), stream)
    queue.received("a", is_new=True)
    clock.now += 12.5
    queue.answered(queue.claim(10), ANSWER, [])
    reporter.ended("a")
    line = json.loads(stream.getvalue())
    assert (line["state"], line["probability"], line["turnaround_seconds"]) == ("done", 0.9, 12.5)

    queue.received("a", is_new=True)  # before the next report
    reporter.ended("a")
    assert stream.getvalue().count("\n") == 1
