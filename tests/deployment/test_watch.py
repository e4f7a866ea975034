"""Arrivals in a folder: taken once, when they are whole."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from ichnet.deployment.watch import watch


def no_failure(entry, error):
    raise AssertionError(f"{entry.name} was set aside") from error


def watched(folder, settle_s, until):
    """Watch in a thread until so many entries were taken; return them."""
    taken, stop = [], threading.Event()

    def take(entries):
        taken.extend(entry.name for entry in entries)
        if len(taken) == until:
            stop.set()

    thread = threading.Thread(target=watch, args=(folder, settle_s, take, no_failure, stop))
    thread.start()
    return taken, thread


def test_each_entry_once_and_again_when_it_grows(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1.dcm").write_bytes(b"1")
    (tmp_path / "scan.zip").write_bytes(b"z")
    (tmp_path / ".partial").write_bytes(b"p")
    (tmp_path / "empty").mkdir()
    taken, thread = watched(tmp_path, 0.1, until=3)
    for _ in range(200):
        if len(taken) == 2:
            break
        thread.join(0.05)
    assert taken == ["scan.zip", "series"]
    (tmp_path / "series" / "2.dcm").write_bytes(b"2")
    thread.join(20)
    assert not thread.is_alive()
    assert taken == ["scan.zip", "series", "series"]


def test_what_still_changes_is_waited_for(tmp_path):
    (tmp_path / "growing.dcm").write_bytes(b"")
    taken, thread = watched(tmp_path, 1.0, until=1)
    for size in range(1, 25):
        (tmp_path / "growing.dcm").write_bytes(bytes(size))
        thread.join(0.1)
        assert taken == []
    thread.join(20)
    assert taken == ["growing.dcm"]


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        watch(tmp_path / "none", 1.0, lambda _: None, no_failure, threading.Event())


def test_what_fails_is_tried_alone_and_set_aside_after_three_times(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"b")
    (tmp_path / "good.zip").write_bytes(b"g")
    calls, aside, stop = [], [], threading.Event()

    def take(entries):
        names = [entry.name for entry in entries]
        calls.append(names)
        if "bad.zip" in names:
            raise OSError("no")

    def set_aside(entry, error):
        aside.append((entry.name, type(error)))
        if len(aside) == 1:
            (tmp_path / "bad.zip").write_bytes(b"changed")  # it is tried again then
        else:
            stop.set()

    watch(tmp_path, 0.05, take, set_aside, stop)
    assert calls[0] == ["bad.zip", "good.zip"]
    assert calls.count(["good.zip"]) == 1
    assert calls[1:].count(["bad.zip"]) == 2 + 3
    assert aside == [("bad.zip", OSError)] * 2


def test_signals_stop_and_are_given_back():
    """In a process of its own: a real signal, which must end nobody else."""
    program = """
import os, signal
from ichnet.deployment.watch import stopped_by_signals
before = signal.getsignal(signal.SIGTERM)
with stopped_by_signals() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(5)
assert signal.getsignal(signal.SIGTERM) is before
print("given back")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "given back\n"
