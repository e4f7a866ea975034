"""A service of a network whose every answer is known, and scans for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from known_networks import bright_pixels, calibration, config  # noqa: F401
from known_scans import write_scan  # noqa: F401
from pynetdicom import AE

from ichnet.deployment.export import export_model
from ichnet.serving.audit import Audit
from ichnet.serving.node import NodeSettings
from ichnet.serving.queue import Retries, SeriesQueue
from ichnet.serving.service import Service, Settings
from ichnet.serving.state import State

KEY = bytes(range(32))
RETRIES = Retries(tries=2, pause_s=0.05)


class Clock:
    """Time that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def model_dir(bright_pixels, config, calibration, tmp_path_factory) -> Path:
    """An export of ``bright_pixels``: a pixel as bright as fresh blood is a hemorrhage."""
    folder = tmp_path_factory.mktemp("export") / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    return folder


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
def running(model_dir, tmp_path):
    """Run a service in a thread; yields it while the block lasts."""

    @contextmanager
    def run(*destinations, **settings) -> Iterator[Service]:
        values = {
            "state": tmp_path / "state",
            "node": NodeSettings(port=0),
            "quiet_s": 0.2,
            "http_port": 0,
            "retries": RETRIES,
            "model_dir": model_dir,
            **settings,
        }
        service, stop = Service(Settings(**values), KEY, destinations), threading.Event()
        thread = threading.Thread(target=service.run, args=(stop,))
        thread.start()
        try:
            assert service.started.wait(120)
            yield service
        finally:
            stop.set()
            thread.join(60)

    return run


def send(port: int, paths: list[Path]) -> list[int]:
    """Send files in one association; return what was answered to each."""
    from pydicom import dcmread
    from pydicom.uid import CTImageStorage

    entity = AE("SCANNER")
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", port, ae_title="ICHNET")
    assert association.is_established
    found = [association.send_c_store(dcmread(path)).Status for path in paths]
    association.release()
    return found
