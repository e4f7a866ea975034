"""Decoding of compressed pixels in a child process, where it can be stopped.

Twenty kilobytes of JPEG 2000 can claim an image of gigabytes, and a damaged codestream can keep a
decoder busy for ever or crash it. So decoders run in a child process with limits on memory and
time. When the child fails, one slice is lost; the next slice gets a new child.

A child is a new interpreter, as this process may have threads that a fork would lose, and with them
the locks that they hold. Its imports take longer than many slices. Workers that have no threads say
so (:func:`fork_decoders`): their children are copies of them, behind the same limits, and start at
once.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from ichnet.ct.decode import StoredValues, decoded_values
from ichnet.ct.errors import ReadError, errors_named
from ichnet.ct.slice_header import SliceHeader

SECONDS = 30.0
"""Time limit for one slice; the slowest decoder takes 0.1 s for 512 x 512."""

START_SECONDS = 60.0
"""Time limit for the child to start, on a busy machine."""

MEMORY_BYTES = 1 << 30
"""Memory that the child may use beyond what it needs to start."""

PACKAGE_ROOT = Path(__file__).parents[2]


class Decoder:
    """A child process that decodes one slice after another."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._process: subprocess.Popen[bytes] | BaseProcess | None = None
        self._content: bytes | None = None

    def decode(self, header: SliceHeader, content: bytes) -> StoredValues:
        """Decode a slice.

        Raises:
            ReadError: as :func:`ichnet.ct.decode.decoded_values`; ``truncated`` when the child
                ended or exceeded its limits.
        """
        try:
            connection = self._connection or self._start()
            # the frames of one file share its bytes, which are sent once
            is_new = content is not self._content
            self._content = content
            connection.send_bytes(pickle.dumps((header, is_new)))
            if is_new:
                connection.send_bytes(content)
            if not connection.poll(SECONDS + 1):
                raise TimeoutError
            kind, shape, reason, detail = json.loads(connection.recv_bytes())
            values = connection.recv_bytes()
        except (EOFError, OSError, ValueError) as error:  # a time limit is an OSError too
            self.stop()
            problem = f"decoding takes more than {SECONDS:g} s or 1 GiB, or crashes"
            raise ReadError(header.path, "truncated", problem) from error
        if reason:
            raise ReadError(header.path, reason, detail)
        # raw bytes, no pickle: a child that hostile data took over must not reach this process
        return np.frombuffer(values, kind).reshape(shape)

    def stop(self) -> None:
        """End the child; the next slice starts another one."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            if isinstance(self._process, BaseProcess):
                self._process.join()
            else:
                self._process.wait()
        self._connection = self._process = self._content = None

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        self._process = _forked(ours, theirs) if _may_fork else _new_interpreter(theirs)
        theirs.close()
        self._connection = ours
        if not ours.poll(START_SECONDS):
            raise TimeoutError
        ours.recv_bytes()  # it is ready
        return ours


def _new_interpreter(connection: Connection) -> subprocess.Popen[bytes]:
    paths = [str(PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "ichnet.ct.decoder", str(connection.fileno())],
        pass_fds=[connection.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # decoders complain there
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _forked(ours: Connection, theirs: Connection) -> BaseProcess:
    process = get_context("fork").Process(target=_serve_forked, args=(ours, theirs), daemon=True)
    process.start()
    return process


def _serve_forked(parents: Connection, connection: Connection) -> None:
    """Serve in a copy of the parent, which must not hold the parent's end: it would never end."""
    parents.close()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    serve(connection)


_may_fork = False


def fork_decoders() -> None:
    """Let children of this process be copies of it. Call it only where there are no threads."""
    global _may_fork
    _may_fork = True


_lock = threading.Lock()
_decoders: dict[int, Decoder] = {}
"""The decoder of each process: a forked process must not use its parent's child."""


def decode_in_child(header: SliceHeader, content: bytes) -> StoredValues:
    """Decode a slice in this process' child, see :meth:`Decoder.decode`."""
    with _lock:
        decoder = _decoders.get(os.getpid())
        if decoder is None:
            _decoders.clear()
            decoder = _decoders[os.getpid()] = Decoder()
            atexit.register(decoder.stop)
        return decoder.decode(header, content)


def serve(connection: Connection) -> None:
    """The child's loop: decode what the parent sends until the parent closes the connection."""
    _limit_memory()
    connection.send_bytes(b"ready")
    content = b""
    while True:
        try:
            header, is_new = pickle.loads(connection.recv_bytes())
            content = connection.recv_bytes() if is_new else content
        except EOFError:
            return
        # its default action ends the process, also in the middle of a library
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        values: StoredValues = np.empty(0, np.uint8)
        reason = detail = ""
        try:
            with errors_named(header.path):
                values = decoded_values(header, content)
        except ReadError as error:
            reason, detail = error.reason, error.detail
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send_bytes(json.dumps([values.dtype.str, values.shape, reason, detail]).encode())
        connection.send_bytes(np.ascontiguousarray(values).tobytes())


def _limit_memory() -> None:
    """Limit this process to :data:`MEMORY_BYTES` more memory, where the system supports that."""
    sizes = Path("/proc/self/statm")
    if sys.platform == "win32" or not sizes.exists():
        return
    import resource  # not on every system

    pages = int(sizes.read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
