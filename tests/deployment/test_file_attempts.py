"""A file that ends the interpreter during the search is set aside; every other one is read."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from known_scans import HEIGHTS_MM, head

from ichnet.cli import EXCLUDED, SUCCESS, main
from ichnet.deployment.attempts import MOST_ATTEMPTS, Attempts
from ichnet.deployment.file_attempts import FileAttempts

KEY = bytes(range(32))

SEARCH = """
import os, sys
from pathlib import Path
from ichnet.ct import discover
from ichnet.deployment.attempts import Attempts
from ichnet.deployment.file_attempts import FileAttempts

def read_frames(path, read=discover.read_headers.__globals__["read_frames"]):
    if b"DEADLY" in path.read_bytes():
        os.abort()
    return read(path)

discover.read_headers.__globals__["read_frames"] = read_frames
inputs, out = Path(sys.argv[1]), Path(sys.argv[2])
attempts = FileAttempts(out / ".opened", Attempts(out / ".attempts.json"), bytes(range(32)))
with attempts.search():
    found, left = discover.discover([inputs], out / "scratch", attempts.opened)
print(len(found), *sorted({one.reason for one in left}))
"""


def search(inputs: Path, out: Path) -> tuple[int, str]:
    """Search in a process of its own, whose reader aborts at a file that holds DEADLY."""
    command = [sys.executable, "-c", SEARCH, str(inputs), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


@pytest.fixture
def inbox(write_scan, tmp_path) -> Path:
    """Two scans; a header of the first one, in the middle of its slices, is deadly."""
    deadly = write_scan(tmp_path / "in" / "a", head(), HEIGHTS_MM, series="1")[4]
    write_scan(tmp_path / "in" / "b", head(), HEIGHTS_MM, series="2")
    deadly.write_bytes(deadly.read_bytes().replace(b"Doe^Jane", b"DEADLY^J"))
    return tmp_path / "in"


def names(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if path.name != "scratch")


@pytest.mark.slow
def test_a_deadly_header_is_set_aside_after_some_attempts(inbox, tmp_path):
    out = tmp_path / "out"
    for _ in range(MOST_ATTEMPTS):
        assert search(inbox, out) == (-signal.SIGABRT, "")
        assert ".opened" in names(out)
    for _ in range(2):  # and it stays so
        assert search(inbox, out) == (0, "1 incomplete-series set-aside")
        assert names(out) == [".attempts.json"]
    counts = json.loads((out / ".attempts.json").read_text())
    assert list(counts.values()) == [MOST_ATTEMPTS]
    (path,) = (one for one in inbox.rglob("*.dcm") if b"DEADLY" in one.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"DEADLY^J", b"Doe^Jane"))
    assert search(inbox, out) == (0, "2")  # it has changed


@pytest.mark.slow
def test_a_deadly_member_of_an_archive_is_found_again(inbox, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as opened:
        for path in sorted(inbox.rglob("*.dcm")):
            opened.write(path, str(path.relative_to(inbox)))
    for _ in range(MOST_ATTEMPTS):
        assert search(tmp_path / "in.zip", tmp_path / "out") == (-signal.SIGABRT, "")
    assert search(tmp_path / "in.zip", tmp_path / "out") == (0, "1 incomplete-series set-aside")


def test_what_was_open_when_the_program_was_killed_is_forgiven_once_it_is_read(tmp_path):
    path, out = tmp_path / "a.dcm", tmp_path / "out"
    path.write_bytes(b"x")
    killed = FileAttempts(out / "opened", Attempts(out / "attempts"), KEY)
    with killed.search(), killed.opened(path):
        name = (out / "opened").read_bytes()
    (out / "opened").write_bytes(name)  # as if it had never come back
    again = FileAttempts(out / "opened", Attempts(out / "attempts"), KEY)
    assert json.loads((out / "attempts").read_text()) == {name.decode(): 1}
    with again.search(), again.opened(path):
        pass
    assert list(out.iterdir()) == []


def test_an_end_in_good_order_is_no_attempt(tmp_path):
    attempts = FileAttempts(tmp_path / "opened", Attempts(tmp_path / "attempts"), KEY)
    with pytest.raises(SystemExit), attempts.search(), attempts.opened(tmp_path / "a.dcm"):
        raise SystemExit(143)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_sets_it_aside_and_predicts_the_others(model_dir, inbox, tmp_path):
    out = tmp_path / "out"
    arguments = ["predict", "--model", str(model_dir), "--out", str(out)]
    assert main([*arguments, str(inbox / "b")]) == SUCCESS
    for _ in range(MOST_ATTEMPTS):
        search(inbox, out)
    assert main([*arguments, str(inbox)]) == EXCLUDED
    with (out / "excluded.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert sorted(row["reason"] for row in rows) == ["incomplete-series"] * 10 + ["set-aside"]
    (row,) = (row for row in rows if row["reason"] == "set-aside")
    assert row["detail"] == f"the program has ended {MOST_ATTEMPTS} times while it was open"
    assert len(list(out.glob("[!.]*.json"))) == 1
    assert not (out / ".opened").exists()
