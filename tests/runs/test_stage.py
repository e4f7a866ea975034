"""A result is finished, continued or begun anew by what it is made from."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

import pytest

from ichnet.runs.stage import MADE_FROM, Stage

OLD = {"settings": {"seed": 1, "image": {"matrix": 32}}, "records": "abc"}
NEW = {"settings": {"seed": 2, "image": {"matrix": 32}}, "records": "abc"}


def stage(tmp_path: Path, made_from=OLD, **options) -> Stage:
    return Stage(tmp_path / "result", made_from, ("shard", "info.json"), **options)


def make(one: Stage) -> None:
    begun = one.begin()
    (begun / "shard").write_text("data")
    (begun / "info.json").write_text("{}")
    one.finish()


@pytest.mark.parametrize("in_place", [False, True])
def test_a_result_is_finished_when_whole_and_made_from_the_same(tmp_path, in_place):
    one = stage(tmp_path, in_place=in_place)
    assert not one.is_finished()
    make(one)
    assert one.is_finished()
    assert not stage(tmp_path, NEW).is_finished()
    assert json.loads((one.folder / MADE_FROM).read_text()) == OLD
    (one.folder / "shard").unlink()
    assert not one.is_finished()


@pytest.mark.parametrize("in_place", [False, True])
def test_what_was_begun_from_the_same_is_continued(tmp_path, in_place):
    (stage(tmp_path, in_place=in_place).begin() / "shard").write_text("half of the work")
    again = stage(tmp_path, in_place=in_place).begin()
    assert (again / "shard").read_text() == "half of the work"


@pytest.mark.parametrize("in_place", [False, True])
def test_what_was_begun_from_something_else_is_begun_anew_and_the_log_says_why(
    tmp_path, in_place, caplog
):
    (stage(tmp_path, in_place=in_place).begin() / "shard").write_text("old")
    with caplog.at_level(logging.WARNING):
        again = stage(tmp_path, NEW, in_place=in_place).begin()
    assert [path.name for path in again.iterdir()] == [MADE_FROM]
    assert "result: begun anew (settings.seed: 1, now 2)" in caplog.text


def test_an_older_result_stays_until_the_new_one_is_whole(tmp_path):
    make(stage(tmp_path))
    new = stage(tmp_path, NEW)
    begun = new.begin()
    assert stage(tmp_path).is_finished()
    with pytest.raises(FileNotFoundError, match="shard vanished"):
        new.finish()
    (begun / "shard").touch()
    (begun / "info.json").touch()
    new.finish()
    assert new.is_finished()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert stat.S_IMODE(new.folder.stat().st_mode) == 0o755


def test_a_result_that_lost_a_mark_is_continued_and_not_made_again(tmp_path):
    """Snakemake removes the file that it names before it runs a job again."""
    make(stage(tmp_path))
    (tmp_path / "result" / "info.json").unlink()
    begun = stage(tmp_path).begin()
    assert (begun / "shard").read_text() == "data"
    (begun / "info.json").touch()
    stage(tmp_path).finish()
    assert stage(tmp_path).is_finished()


def test_tuples_and_numbers_as_keys_are_what_json_gives_back(tmp_path):
    made_from = {"scans": ("a", "b"), "folds": {1: "x"}}
    make(stage(tmp_path, made_from))
    assert stage(tmp_path, made_from).is_finished()
