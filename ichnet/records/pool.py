"""Worker processes for reading files and writing records."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice, starmap
from operator import length_hint
from typing import Any

import cv2

from ichnet.ct.decoder import fork_decoders
from ichnet.ct.dicom import Mapper
from ichnet.records.record_set import RecordSetError

LARGEST_CHUNK = 64
"""Files given to a worker at a time; the header of one takes a twentieth of a millisecond."""

CHUNKS_EACH = 4
"""Least number of chunks for each worker, so that all are busy until the end."""

PRELOADED = ["ichnet.records.parts", "scipy.sparse.csgraph"]
"""Modules that are imported before workers are forked."""

KILLED = (
    "a worker process was killed, perhaps for want of memory; run the same command again "
    "(with fewer workers): finished shards are kept"
)


def available_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_thread_each(are_forked: bool) -> None:
    """Let a worker use one thread: there are as many workers as cores to use."""
    cv2.setNumThreads(1)
    if are_forked:
        fork_decoders()


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """Start worker processes; yield ``None`` for one worker: the caller then does the work itself.

    Workers are forked from a server that has imported what they need once (and, unlike this
    process, has no threads that a fork would lose).
    """
    if workers <= 1:
        yield None
        return
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(workers, context, _one_thread_each, (kind == "forkserver",)) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def mapper_over(pool: Executor | None, workers: int) -> Mapper:
    """Return a parallel ``map`` over the pool, which sends items in chunks.

    Only a few chunks are submitted at a time, so that the input is read as it is needed and a
    progress bar around input or output is correct.

    Raises (the mapper):
        RecordSetError: when a worker was killed.
    """
    if pool is None:
        return map

    def over_processes(function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        chunk_size = min(LARGEST_CHUNK, length_hint(iterables[0]) // (CHUNKS_EACH * workers) or 1)
        items = zip(*iterables, strict=False)
        waiting: deque[Future[list[Any]]] = deque()
        try:
            while chunk := list(islice(items, chunk_size)):
                waiting.append(pool.submit(_apply, function, chunk))
                if len(waiting) > CHUNKS_EACH * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            raise RecordSetError(KILLED) from error

    return over_processes


def _apply(function: Callable[..., Any], chunk: list[tuple[Any, ...]]) -> list[Any]:
    return list(starmap(function, chunk))
