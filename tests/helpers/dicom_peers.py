"""The other side of a DICOM node: who sends to it, and who is sent to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import CTImageStorage
from pynetdicom import AE

from ichnet.serving.destinations import NotSentError


def send(port: int, paths: Sequence[Path], kind: str = CTImageStorage) -> list[int]:
    """Send files in one association; return what was answered to each."""
    entity = AE("SCANNER")
    entity.add_requested_context(kind)
    association = entity.associate("127.0.0.1", port, ae_title="ICHNET")
    assert association.is_established
    found = [association.send_c_store(dcmread(path)).Status for path in paths]
    association.release()
    return found


class Shelf:
    """A destination that keeps what it gets, in memory.

    Args:
        fails: refuses so many times first.
    """

    name = "SHELF"

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.sent: list[list[str]] = []

    def send(self, paths: Sequence[Path]) -> None:
        if self.fails:
            self.fails -= 1
            raise NotSentError("does not answer")
        self.sent.append([str(dcmread(path).Modality) for path in paths])


def until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.05)
