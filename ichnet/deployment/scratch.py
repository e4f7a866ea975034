"""Private folders and files, which are removed however the program ends.

Unpacked archives and fetched studies identify patients. They lie in folders that are removed after
use, also when a signal ends the program; what a SIGKILL or a power failure leaves is removed at the
next start.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

PREFIX = "ichnet-scratch-"
LOCK_SUFFIX = ".lock"

PARTIAL = re.compile(r"\..+\.(\d+)\.partial(\..+)?")
"""Pattern of the names that :func:`ichnet.files.whole_path` gives to unfinished files."""

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU", "SIGUSR1", "SIGUSR2")
"""Signals of a terminal, a service manager or a batch system that end a program by default."""


_received: list[int] = []
"""Signals that have asked this program to end."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder for its owner alone; it is removed afterwards.

    As long as this process lives it holds a lock beside the folder, by which
    :func:`sweep_scratch` of another process knows that it is in use.
    """
    handle, folder = _locked_name()
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(f"{folder}{LOCK_SUFFIX}").unlink(missing_ok=True)
        os.close(handle)


def sweep_scratch() -> None:
    """Remove the scratch folders of this user that no living process holds."""
    if sys.platform == "win32":
        return
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*{LOCK_SUFFIX}"):
        with suppress(OSError):  # another's, or removed meanwhile
            handle = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid == os.getuid() and hold_lock(handle):
                    shutil.rmtree(str(lock).removesuffix(LOCK_SUFFIX), ignore_errors=True)
                    lock.unlink()
            finally:
                os.close(handle)


def sweep_partials(folder: Path) -> None:
    """Remove unfinished files in a folder, left by a process that was killed."""
    for path in folder.glob(".*.partial*"):
        named = PARTIAL.fullmatch(path.name)
        if named and not _is_alive(int(named[1])):
            path.unlink(missing_ok=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals that end the program do it as ``sys.exit`` does, cleaning up on the way.

    By default they end it at once, SIGINT with a traceback. A SIGHUP that is ignored (``nohup``)
    stays so.
    """

    def end(number: int, frame: FrameType | None) -> None:
        _received.append(number)
        end_if_asked()

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
        end_if_asked()
    finally:
        _received.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def end_if_asked() -> None:
    """End the program when a signal has asked for it, also one that a library made an error of."""
    if _received:
        raise SystemExit(128 + _received[-1])


def _locked_name() -> tuple[int, Path]:
    """Make a lock file and hold it; return its handle and the folder's name beside it."""
    while True:
        handle, lock = tempfile.mkstemp(prefix=PREFIX, suffix=LOCK_SUFFIX)
        # a sweep may have come between the two
        if hold_lock(handle) and Path(lock).exists():
            return handle, Path(lock.removesuffix(LOCK_SUFFIX))
        os.close(handle)


def hold_lock(handle: int) -> bool:
    """Lock an open file, unless another process has; it ends with the process."""
    if sys.platform == "win32":
        return True
    import fcntl  # not on every system

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
