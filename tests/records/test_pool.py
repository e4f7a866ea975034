"""Work spread over processes comes back in order."""

from __future__ import annotations

import operator
import os
import signal

import pytest

from ichnet.records.pool import CHUNKS_EACH, LARGEST_CHUNK, mapper_over, worker_pool
from ichnet.records.record_set import RecordSetError


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 5, 3 * LARGEST_CHUNK * CHUNKS_EACH + 1])
def test_results_are_those_of_map(workers, count):
    numbers = list(range(count))
    with worker_pool(workers) as pool:
        mapper = mapper_over(pool, workers)
        assert list(mapper(operator.neg, numbers)) == [-number for number in numbers]
        assert list(mapper(operator.add, numbers, iter(numbers))) == [2 * n for n in numbers]


def test_few_items_are_taken_ahead_of_what_is_asked_for():
    taken = []

    def numbers():
        for number in range(1000):
            taken.append(number)
            yield number

    with worker_pool(2) as pool:
        results = mapper_over(pool, 2)(operator.neg, numbers())
        assert next(iter(results)) == 0
        assert len(taken) < 30  # chunks of one: their number is unknown
        assert sum(1 for _ in results) == 999


def test_an_error_of_a_worker_is_raised_here():
    with worker_pool(2) as pool, pytest.raises(ZeroDivisionError):
        list(mapper_over(pool, 2)(operator.truediv, [1, 1], [1, 0]))


def test_a_worker_that_is_killed_is_said():
    with worker_pool(2) as pool, pytest.raises(RecordSetError, match="a worker process was killed"):
        list(mapper_over(pool, 2)(die, range(2)))
