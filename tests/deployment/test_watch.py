"""Arrivals in a folder: taken once, when they are whole."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ichnet.deployment.watch import stopped_by_signals, watch


def watched(folder, settle_s, until):
    """Watch in a thread until so many entries were taken; return them."""
    taken, stop = [], threading.Event()

    def take(entry):
        taken.append(entry.name)
        if len(taken) == until:
            stop.set()

    thread = threading.Thread(target=watch, args=(folder, settle_s, take, stop))
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
        watch(tmp_path / "none", 1.0, lambda _: None, threading.Event())


def test_signals_stop_and_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before
