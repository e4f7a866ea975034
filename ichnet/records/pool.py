"""Worker processes for reading files and writing records."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HEADERS_AT_ONCE = 64
"""Files given to a worker at a time when headers are listed; one takes a fifth of a millisecond."""


def available_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """Start worker processes; ``None``, for one worker, means to work in this process.

    Workers are forked from a server that has imported what they need once (and, unlike this
    process, has no threads that a fork would lose).
    """
    if workers <= 1:
        yield None
        return
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    context.set_forkserver_preload(["ichnet.records.parts"])
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def header_mapper(pool: Executor | None) -> Any:
    """Return ``map`` over the pool, in chunks that are worth sending."""
    if pool is None:
        return map

    def over_processes(read: Callable[[Path], Any], files: Iterable[Path]) -> Iterable[Any]:
        return pool.map(read, files, chunksize=HEADERS_AT_ONCE)

    return over_processes
