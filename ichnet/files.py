"""Files that appear whole or not at all, or that only their owner can read."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PRIVATE = 0o077
"""The umask: new files get the mode 0600, folders 0700."""


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    For writers that want a name rather than a handle; works for files and directories. The
    temporary name keeps the suffix, by which many writers choose a format. When the block fails
    the temporary is removed and ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


@contextmanager
def write_whole(path: Path, mode: str = "w", newline: str | None = None) -> Iterator[IO[Any]]:
    """Open ``path`` for writing so that readers see the old file or the whole new one."""
    encoding = None if "b" in mode else "utf-8"
    with (
        whole_path(path) as temporary,
        temporary.open(mode, encoding=encoding, newline=newline) as handle,
    ):
        yield handle


def file_digest(path: Path) -> str:
    """Return 12 hex digits that change with a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@contextmanager
def private_files() -> Iterator[None]:
    """Make new files and folders readable by their owner alone."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)
