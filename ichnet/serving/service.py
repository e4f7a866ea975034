"""The service `ichnet serve`, assembled from its parts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from errno import ENOTDIR
from pathlib import Path
from typing import Any

from ichnet.ct.dicom_file import lenient_pydicom
from ichnet.deployment.predict import Predictor
from ichnet.deployment.scan_result import ScanResult, read_result
from ichnet.files import PRIVATE
from ichnet.serving.audit import Audit
from ichnet.serving.capture import capture_path, write_capture
from ichnet.serving.deliveries import Deliveries
from ichnet.serving.destinations import Destination
from ichnet.serving.folder import WatchedFolder
from ichnet.serving.inbox import Inbox, Kept
from ichnet.serving.metrics import Metrics
from ichnet.serving.node import Node, NodeSettings
from ichnet.serving.overview import overview
from ichnet.serving.queue import Retries, SeriesQueue
from ichnet.serving.reporter import Reporter
from ichnet.serving.retention import forget_files
from ichnet.serving.scan_view import scan_view
from ichnet.serving.sender import Sender
from ichnet.serving.state import REFUSED, State
from ichnet.serving.web import Pulse, Web, application
from ichnet.serving.worker import Worker

IDLE_S = 0.2
"""Interval of checks for complete series."""

CLEANING_S = 600.0
"""Interval of removals of old files."""


@dataclass(frozen=True)
class Settings:
    """Settings of a service.

    Attributes:
        state: folder of its state.
        node: address of the DICOM node.
        quiet_s: a series without new files for so long is complete.
        http_port: port of health, readiness, metrics and page.
        page: whether to serve the web page.
        capture: whether to make a secondary capture of each result.
        watch: folder whose files join the queue as those sent to the node do; ``None`` for none.
        settle_s: an entry of that folder is read when it has not changed for so long.
        keep_s: time for which received files and DICOM results of finished series are kept.
        retries: repetition of failed steps.
        model_dir, model_sha256, runtime: as for :class:`~ichnet.deployment.predict.Predictor`.
    """

    state: Path
    node: NodeSettings = field(default_factory=NodeSettings)
    quiet_s: float = 30.0
    http_port: int = 8080
    page: bool = False
    capture: bool = False
    watch: Path | None = None
    settle_s: float = 10.0
    keep_s: float = 24 * 3600.0
    retries: Retries = field(default_factory=Retries)
    model_dir: Path | None = None
    model_sha256: str = ""
    runtime: str | None = None


class Service:
    """A node, a worker, a sender and a web server around one state.

    Args:
        settings: settings of the service.
        key: secret key of the pseudonyms.
        destinations: destinations of results.

    Attributes:
        state: state of the service on disk.
        started: set when the service is ready.
        port: port of the DICOM node, once started.
        http_port: port of the web server, once started.

    Raises:
        ModelError: when there is no such model, or its SHA-256 is not the expected one.
        StateError: when the state folder cannot be used.
        NotADirectoryError: when there is no folder to watch.
        ValueError: when the folder to watch holds the state, or lies within it.
    """

    def __init__(self, settings: Settings, key: bytes, destinations: Sequence[Destination]) -> None:
        self._settings, self._key = settings, key
        if settings.watch:
            _require_apart(settings.watch, settings.state)
        os.umask(PRIVATE)  # of all threads, for good
        self.state = state = State(settings.state)
        self._inbox = Inbox(state.incoming, state.partial, key)
        self.predictor = Predictor(
            settings.model_dir,
            state.results,
            key,
            dicom_dir=state.dicom,
            model_sha256=settings.model_sha256,
            runtime=settings.runtime,
            remembers=False,
        )
        audit = Audit(state, self.predictor.model.fingerprint)
        self.metrics = Metrics(state)
        self._reporter = reporter = Reporter(state, self.metrics)
        self._queue = SeriesQueue(state, audit, settings.retries)
        by_name = {one.name: one for one in destinations}
        deliveries = Deliveries(state, audit, settings.retries)
        self._sender = Sender(deliveries, by_name, self._paths_of, self.metrics, reporter)
        self._worker = Worker(
            self.predictor,
            self._queue,
            self._inbox,
            list(by_name),
            reporter,
            also=self._also,
            answered=self._sender.wake,
        )
        self._pulse = Pulse()
        self.started = threading.Event()
        self.port = self.http_port = 0

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; a scan in progress is finished first.

        Raises:
            ModelError: when the model cannot be loaded.
            OSError: when a port is taken, or the state cannot be written.
        """
        settings = self._settings
        with ExitStack() as stack:
            stack.callback(self.state.close)
            stack.enter_context(lenient_pydicom())
            self._queue.recover(self._inbox.files_of())
            web = Web(self._application(), settings.http_port)
            self.http_port = web.port
            stack.callback(web.close)
            self._start(stack, stop, "sender", self._sender.run)
            stack.callback(self._sender.wake)
            if settings.watch:
                self._start(stack, stop, "folder", self._folder(settings.watch).run)
            stack.callback(stop.set)
            node = Node(settings.node, self._inbox, self._kept, self._turned_away)
            self.port = node.port
            stack.callback(node.close)
            self.predictor.model.load()
            self._pulse.ready = True
            self.started.set()
            self._work(stop)

    def _start(
        self,
        stack: ExitStack,
        stop: threading.Event,
        name: str,
        run: Callable[[threading.Event], None],
    ) -> None:
        """Start a thread that health watches, and that is waited for when the service ends."""
        thread = threading.Thread(target=run, args=(stop,), name=name)
        thread.start()
        stack.callback(thread.join)
        self._pulse.watch(name, thread.is_alive)

    def _folder(self, folder: Path) -> WatchedFolder:
        return WatchedFolder(
            folder.resolve(),
            self._settings.settle_s,
            self.state,
            self._inbox,
            self._queue,
            self._key,
            counted=self._turned_away,
            refused=self._refused,
        )

    def _work(self, stop: threading.Event) -> None:
        cleaned = 0.0
        while not stop.is_set():
            if time.monotonic() - cleaned > CLEANING_S or not cleaned:
                before = time.time() - self._settings.keep_s
                forget_files(self.state, self._inbox, self._kept_paths_of, before)
                cleaned = time.monotonic()
            if not self._worker.work(self._settings.quiet_s):
                stop.wait(IDLE_S)

    def _kept(self, kept: Kept) -> None:
        self._queue.received(kept.series, kept.is_new, kept.expected)
        self.metrics.instances.labels("new" if kept.is_new else "repeated").inc()

    def _turned_away(self, reason: str) -> None:
        self.metrics.instances.labels(reason).inc()

    def _refused(self, name: str, reason: str) -> None:
        self._reporter.without_result(REFUSED, reason)
        self._reporter.ended(name)

    def _paths_of(self, scan_id: str) -> list[Path]:
        paths = self.predictor.dicom_paths(scan_id)
        capture = capture_path(self.state.dicom, scan_id)
        return [*paths, capture] if self._settings.capture and capture.exists() else paths

    def _kept_paths_of(self, scan_id: str) -> list[Path]:
        """Return all DICOM objects of a scan, the capture also if none are made any more."""
        return [*self.predictor.dicom_paths(scan_id), capture_path(self.state.dicom, scan_id)]

    def _also(self, result: ScanResult, folder: Path) -> None:
        if self._settings.capture:
            picture = self.state.results / f"{result.scan_id}.png"
            write_capture(result, picture, folder, self.state.dicom)

    def _application(self) -> Any:
        if not self._settings.page:
            return application(self.metrics, self._pulse)
        return application(
            self.metrics, self._pulse, lambda: overview(self.state, time.time()), self._scan
        )

    def _scan(self, name: str) -> dict[str, Any] | None:
        """Return the page's content for a series."""
        found = self.state.rows("SELECT scan_id FROM series WHERE name = ?", name)
        if not found or not found[0]["scan_id"]:
            return None
        scan_id = found[0]["scan_id"]
        result = read_result(self.state.results / f"{scan_id}.json")
        if result is None:
            return None
        paths = self.predictor.dicom_paths(scan_id)
        segmentation = next((one for one in paths if one.name.endswith(".seg.dcm")), None)
        return scan_view(result, self._inbox.path(name), segmentation, self._key)


def _require_apart(watched: Path, state: Path) -> None:
    """Check that a folder can be watched beside a service's state."""
    if not watched.is_dir():
        raise NotADirectoryError(ENOTDIR, "there is no such folder to watch")
    one, other = watched.resolve(), state.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ValueError("--watch and --state: neither may lie within the other")
