"""Sends results in a separate thread, so that a slow PACS does not delay predictions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ichnet.ct.errors import described
from ichnet.serving.deliveries import Deliveries
from ichnet.serving.destinations import Destination, NotSentError
from ichnet.serving.metrics import Metrics
from ichnet.serving.reporter import Reporter

LOOK_S = 1.0
"""Interval of checks for deliveries that are due."""


class Sender:
    """Sends results that are due.

    Args:
        deliveries: queue of deliveries.
        destinations: destinations by name.
        paths_of: returns the DICOM objects of a scan.
        metrics, reporter: informed of each delivery.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        destinations: Mapping[str, Destination],
        paths_of: Callable[[str], Sequence[Path]],
        metrics: Metrics,
        reporter: Reporter,
    ) -> None:
        self._deliveries, self._destinations, self._paths_of = deliveries, destinations, paths_of
        self._metrics, self._reporter = metrics, reporter
        self._wake = threading.Event()

    def wake(self) -> None:
        """Check for deliveries immediately."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Send results until ``stop`` is set; a delivery in progress is finished first."""
        while not stop.is_set():
            self._wake.clear()
            if not self.send_next():
                self._wake.wait(LOOK_S)

    def send_next(self) -> bool:
        """Send the next delivery; return whether there was one."""
        due = self._deliveries.next()
        if due is None:
            return False
        reason = self._reason_not_sent(due.destination, due.scan_id)
        outcome = "failed" if reason else "sent"
        self._metrics.deliveries.labels(due.destination, outcome).inc()
        ended = self._deliveries.failed(due, reason) if reason else self._deliveries.sent(due)
        if ended:
            self._reporter.ended(due.series)
        return True

    def _reason_not_sent(self, destination: str, scan_id: str) -> str:
        """Send to one destination; return the reason of a failure, empty on success."""
        to = self._destinations.get(destination)
        if to is None:
            return "is no destination of this service any more"
        paths = self._paths_of(scan_id)
        if not paths:
            return "its DICOM objects are gone"
        try:
            to.send(paths)
        except NotSentError as error:
            return str(error)
        except OSError as error:
            return f"cannot be sent ({type(error).__name__})"
        except Exception as error:
            return described(error)
        return ""
