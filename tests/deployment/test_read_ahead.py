"""Reading ahead, in order, by one."""

from __future__ import annotations

import threading
import weakref
from contextlib import closing

from ichnet.ct.errors import ReadError
from ichnet.deployment.read_ahead import read_ahead


class Scan:
    """Something whose life can be watched."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_the_next_is_read_while_the_caller_has_this_one_and_none_further():
    second_is_read = threading.Event()
    started = []

    def read(number: int) -> int:
        started.append(number)
        if number == 1:
            second_is_read.set()
        return 10 * number

    with closing(read_ahead(read, range(5))) as reads:
        item, future = next(reads)
        assert (item, future.result()) == (0, 0)
        assert second_is_read.wait(timeout=30)  # though nobody has asked for it
        assert started == [0, 1]
        assert [(item, future.result()) for item, future in reads] == [
            (1, 10),
            (2, 20),
            (3, 30),
            (4, 40),
        ]


def test_an_error_belongs_to_its_item_alone():
    def read(number: int) -> int:
        if number == 1:
            raise ReadError("1.dcm", "truncated", "cut off")
        return number

    outcomes = []
    for _, future in read_ahead(read, range(3)):
        try:
            outcomes.append(future.result())
        except ReadError as error:
            outcomes.append(error.reason)
    assert outcomes == [0, "truncated", 2]


def test_no_more_than_two_results_are_alive():
    alive: weakref.WeakSet[Scan] = weakref.WeakSet()
    most = 0

    def read(number: int) -> Scan:
        nonlocal most
        scan = Scan(number)
        alive.add(scan)
        most = max(most, len(alive))
        return scan

    numbers = []
    for _, future in read_ahead(read, range(20)):
        numbers.append(future.result().number)
        del future
    assert numbers == list(range(20))
    assert most <= 2


def test_stopping_early_ends_the_reader():
    with closing(read_ahead(str, range(9))) as reads:
        next(reads)
        assert [t for t in threading.enumerate() if t.name.startswith("reader")]
    assert not [t for t in threading.enumerate() if t.name.startswith("reader")]


def test_nothing_to_read():
    assert list(read_ahead(str, [])) == []
