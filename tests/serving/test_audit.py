"""The audit log: each entry once, whatever ends the program."""

from __future__ import annotations

import json
import sqlite3

import pytest

from ichnet import __version__
from ichnet.serving.audit import Audit


def numbers(state) -> list[int]:
    return [json.loads(line)["number"] for line in state.audit.read_text().splitlines()]


def record(audit, state, count=1):
    with state.transaction() as db:
        for _ in range(count):
            audit.record(db, "result", 0.0, scan_id="s")


def test_an_entry(state):
    audit = Audit(state, "abc")
    record(audit, state)
    audit.flush()
    assert json.loads(state.audit.read_text()) == {
        "number": 1,
        "time": "1970-01-01T00:00:00.000+00:00",
        "event": "result",
        "scan_id": "s",
        "model_sha256": "abc",
        "ichnet": __version__,
    }


def test_what_was_not_written_before_a_kill_is_written_at_the_next_start(state):
    record(Audit(state, "abc"), state, 2)
    assert not state.audit.exists()
    Audit(state, "abc")
    assert numbers(state) == [1, 2]


def test_a_torn_entry_is_written_again_and_a_whole_one_is_not(state):
    audit = Audit(state, "abc")
    record(audit, state, 2)
    # as if killed after the first entry and half of the second, before they were forgotten
    line = json.dumps({"number": 1, "event": "result"})
    state.audit.write_text(f"{line}\n{line[:9]}")
    audit.flush()
    assert numbers(state) == [1, 2]
    record(audit, state)
    audit.flush()
    assert numbers(state) == [1, 2, 3]


def test_a_transaction_that_fails_leaves_no_entry(state):
    audit = Audit(state, "abc")

    def fail() -> None:
        with state.transaction() as db:
            audit.record(db, "result", 0.0)
            db.execute("SELECT nonsense")

    with pytest.raises(sqlite3.OperationalError):
        fail()
    audit.flush()
    assert not state.audit.exists()
