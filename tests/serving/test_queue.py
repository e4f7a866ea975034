"""Transitions of the queue, with a clock that the tests turn."""

from __future__ import annotations

import json

import pytest

from ichnet.serving.deliveries import Deliveries
from ichnet.serving.queue import FRESH_S, Retries, ScanOutcome, SeriesQueue
from ichnet.serving.state import State, StateError
from ichnet.serving.status import retry_set_aside

QUIET_S = 10.0


def answer(**values) -> ScanOutcome:
    usual = {"scan_id": "s", "digest": "d", "decision": "hemorrhage", "probability": 0.9}
    return ScanOutcome(**{**usual, "uncertain": False, "slices": 16, "seconds": 1.0, **values})


def row(state: State, name: str) -> dict:
    (found,) = state.rows("SELECT * FROM series WHERE name = ?", name)
    return dict(found)


def audit_lines(state: State) -> list[dict]:
    return [json.loads(line) for line in state.audit.read_text().splitlines()]


def complete(queue, clock, *names):
    """Receive a file of each series, a second apart, and let all of them settle."""
    for name in names:
        queue.received(name, is_new=True)
        clock.now += 1
    clock.now += QUIET_S


def test_a_series_is_complete_when_nothing_comes_any_more(queue, clock):
    queue.received("a", is_new=True)
    clock.now += QUIET_S - 1
    assert queue.claim(QUIET_S) is None
    queue.received("a", is_new=True)
    clock.now += QUIET_S - 1
    assert queue.claim(QUIET_S) is None
    clock.now += 1
    claim = queue.claim(QUIET_S)
    assert (claim.name, claim.generation) == ("a", 2)
    assert queue.claim(QUIET_S) is None


def test_or_at_once_when_as_many_files_came_as_it_has(queue, clock):
    queue.received("a", is_new=True, expected=2)
    assert queue.claim(QUIET_S) is None
    queue.received("a", is_new=True, expected=2)
    assert queue.claim(QUIET_S).name == "a"


def test_the_newest_of_ten_minutes_go_first_then_the_backlog_from_its_oldest(queue, clock):
    complete(queue, clock, "old", "less old")
    clock.now += FRESH_S
    complete(queue, clock, "new", "newest")
    claimed = [queue.claim(QUIET_S).name for _ in range(4)]
    assert claimed == ["newest", "new", "old", "less old"]


def test_a_result_about_files_that_are_not_all_is_dropped(state, queue, clock):
    complete(queue, clock, "a")
    claim = queue.claim(QUIET_S)
    queue.received("a", is_new=True)
    assert not queue.answered(claim, answer(), ["PACS"])
    assert row(state, "a")["state"] == "receiving"
    assert not state.audit.exists()
    clock.now += QUIET_S
    assert queue.answered(queue.claim(QUIET_S), answer(), ["PACS"])
    assert row(state, "a")["state"] == "sending"


def test_a_repeated_file_changes_nothing_of_what_is_done(state, queue, clock):
    complete(queue, clock, "a")
    queue.answered(queue.claim(QUIET_S), answer(), [])
    queue.received("a", is_new=False)
    assert row(state, "a")["state"] == "done"
    queue.received("a", is_new=True)
    assert row(state, "a")["state"] == "receiving"


def test_what_fails_is_tried_again_later_and_then_set_aside(state, queue, clock):
    complete(queue, clock, "a")
    for pause_s in (0.05, 0.1):
        assert not queue.failed(queue.claim(QUIET_S), "", "internal-error", "number 1")
        assert queue.claim(QUIET_S) is None
        clock.now += pause_s
    assert queue.failed(queue.claim(QUIET_S), "", "internal-error", "number 1")
    assert row(state, "a")["state"] == "set-aside"
    assert row(state, "a")["reason"] == "internal-error"
    assert [line["event"] for line in audit_lines(state)] == ["set-aside"]
    assert retry_set_aside(state) == 1
    assert queue.claim(QUIET_S).name == "a"


def test_pauses_double_up_to_a_limit():
    pauses = [Retries(pause_s=5).pause_after_s(attempts) for attempts in (1, 2, 3, 30)]
    assert pauses == [5, 10, 20, 600]


def test_after_a_kill_what_was_at_work_waits_again_and_uncounted_files_count(
    state, audit, queue, clock
):
    complete(queue, clock, "a", "b")
    assert queue.claim(QUIET_S).name == "b"
    again = SeriesQueue(state, audit, Retries(), clock)
    again.recover({"a": 1, "b": 1, "c": 3})
    assert {name: row(state, name)["state"] for name in "abc"} == dict.fromkeys("abc", "receiving")
    assert row(state, "c")["files"] == 3
    assert again.claim(QUIET_S).name == "b"
    assert again.claim(QUIET_S).name == "a"
    assert again.claim(QUIET_S) is None  # c may be on its way
    clock.now += QUIET_S
    assert again.claim(QUIET_S).name == "c"


@pytest.fixture
def deliveries(state, audit, clock) -> Deliveries:
    return Deliveries(state, audit, Retries(tries=2, pause_s=1), clock)


def predicted(queue, clock, name, decision, destinations=("PACS",)):
    complete(queue, clock, name)
    queue.answered(
        queue.claim(QUIET_S), answer(scan_id=name, decision=decision), list(destinations)
    )


def test_hemorrhages_are_sent_first(queue, clock, deliveries):
    predicted(queue, clock, "a", "no hemorrhage")
    predicted(queue, clock, "b", "hemorrhage")
    predicted(queue, clock, "c", "no hemorrhage")
    order = []
    while due := deliveries.next():
        order.append(due.scan_id)
        assert deliveries.sent(due)
    assert order == ["b", "a", "c"]


def test_a_result_is_done_when_every_destination_has_it(state, queue, clock, deliveries):
    predicted(queue, clock, "a", "hemorrhage", ["one", "two"])
    assert not deliveries.sent(deliveries.next())
    assert row(state, "a")["state"] == "sending"
    assert deliveries.sent(deliveries.next())
    assert row(state, "a")["state"] == "done"
    events = [(line["event"], line.get("destination")) for line in audit_lines(state)]
    assert events == [("result", None), ("sent", "one"), ("sent", "two")]


def test_one_destination_that_fails_does_not_keep_the_other_from_its_result(
    state, queue, clock, deliveries
):
    predicted(queue, clock, "a", "hemorrhage", ["one", "two"])
    first = deliveries.next()
    assert not deliveries.failed(first, "does not answer")
    second = deliveries.next()
    assert second.destination == "two"
    clock.now += 1
    assert not deliveries.failed(first, "does not answer")
    assert row(state, "a")["state"] == "sending"
    assert deliveries.sent(second)
    assert row(state, "a")["state"] == "set-aside"
    assert row(state, "a")["detail"] == "one: does not answer"
    assert retry_set_aside(state) == 1
    assert deliveries.next().destination == "one"


def test_a_result_waits_while_more_slices_arrive_and_is_replaced(state, queue, clock, deliveries):
    predicted(queue, clock, "a", "no hemorrhage")
    due = deliveries.next()
    queue.received("a", is_new=True)
    assert deliveries.next() is None
    clock.now += QUIET_S
    queue.answered(queue.claim(QUIET_S), answer(scan_id="a"), ["PACS"])
    assert not deliveries.sent(due)  # of the earlier result
    assert deliveries.next().id != due.id
    assert row(state, "a")["state"] == "sending"


def test_one_service_a_folder(state, tmp_path):
    with pytest.raises(StateError, match="another ichnet serve"):
        State(tmp_path / "state")
    looking = State(tmp_path / "state", serves=False)
    assert looking.rows("SELECT * FROM series") == []
    looking.close()
    with pytest.raises(StateError, match="holds no state"):
        State(tmp_path / "other", serves=False)
