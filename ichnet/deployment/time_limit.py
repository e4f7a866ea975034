"""A time limit for a whole block of code, whatever it waits for."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 1.0
"""Interval of further interrupts after the time is over, as a library may swallow the first."""


class OutOfTimeError(Exception):
    """A block took too long. It is not an ``OSError``, so that no network library retries it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt a block after so many seconds, also while it waits for the network.

    A limit on each read would not be enough: a server that sends a byte now and then can keep to it
        for ever. This works in the main thread of systems with interval timers; elsewhere the block
        runs without a limit.

    Raises:
        OutOfTimeError: when the time is over.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise OutOfTimeError(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
