"""Reads the next scan while the model works on the present one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    read: Callable[[Item], Read], items: Iterable[Item]
) -> Generator[tuple[Item, Future[Read]], None, None]:
    """Yield each item with a future of ``read(item)``, reading one item ahead of the caller.

    A single thread reads, so reads never overlap each other. At most two results are alive: the
    caller's and the next, provided the caller drops its own before asking for another.

    Args:
        read: called with each item; the future's ``result()`` raises its exception, if any.
        items: the iterable, which is read one ahead, too.

    Yields:
        items in their order, each with its future.
    """
    reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
    try:
        waiting: list[tuple[Item, Future[Read]]] = []
        for item in items:
            waiting.append((item, reader.submit(read, item)))
            if len(waiting) > 1:
                yield waiting.pop(0)
        while waiting:
            yield waiting.pop(0)
    finally:
        reader.shutdown(cancel_futures=True)
