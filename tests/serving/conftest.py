"""A service of a model whose every answer is known, and scans for it. No TensorFlow is loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bright_answers import know_the_answers
from known_scans import write_scan  # noqa: F401

from ichnet.serving.audit import Audit
from ichnet.serving.node import NodeSettings
from ichnet.serving.queue import Retries, SeriesQueue
from ichnet.serving.service import Service, Settings
from ichnet.serving.state import State

KEY = bytes(range(32))
RETRIES = Retries(tries=3, pause_s=0.05)


class Clock:
    """Time that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bright_model(monkeypatch) -> None:
    """Let the model in the package find what is as dense as fresh blood, and nothing else."""
    know_the_answers(monkeypatch.setattr)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path) -> Iterator[State]:
    one = State(tmp_path / "state")
    yield one
    one.close()


@pytest.fixture
def audit(state) -> Audit:
    return Audit(state, "model")


@pytest.fixture
def queue(state, audit, clock) -> SeriesQueue:
    return SeriesQueue(state, audit, RETRIES, clock)


@pytest.fixture
def running(bright_model, tmp_path):
    """Run a service in a thread; yields it while the block lasts."""

    @contextmanager
    def run(*destinations, **settings) -> Iterator[Service]:
        values = {
            "state": tmp_path / "state",
            "node": NodeSettings(port=0),
            "quiet_s": 600.0,  # the scans say how many slices they have
            "http_port": 0,
            "retries": RETRIES,
            **settings,
        }
        service, stop = Service(Settings(**values), KEY, destinations), threading.Event()
        thread = threading.Thread(target=service.run, args=(stop,))
        thread.start()
        try:
            assert service.started.wait(60)
            yield service
        finally:
            stop.set()
            thread.join(60)

    return run
