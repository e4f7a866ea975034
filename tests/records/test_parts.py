"""Shards of their own: any number of processes, interrupted or not, write the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from ichnet.cohorts.case import ScanEntry
from ichnet.config import Config, PhantomConfig, load_config
from ichnet.phantom.cohort import generate
from ichnet.records import writer
from ichnet.records.parts import plan_parts
from ichnet.records.pool import worker_pool
from ichnet.records.preparation_report import Preparation, Share
from ichnet.records.prepare import Options, prepare
from ichnet.records.record_set import RecordSet, RecordSetError
from ichnet.records.source import CohortScans

Contents = dict[str, bytes]


@pytest.fixture(scope="module")
def config() -> Config:
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    phantom = PhantomConfig(48, (4, 5), {"dumc": 7}, {"dumc": 0.5})
    return replace(demo, seed=3, image=replace(demo.image, matrix=16), phantom=phantom)


@pytest.fixture(scope="module")
def raw(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    generate(config.phantom, config.seed, root, ["dumc"], workers=1)
    slices = sorted((root / "dumc" / "dicom" / "D0002").iterdir())
    slices[0].write_bytes(slices[0].read_bytes()[:-100])
    return root / "dumc"


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(writer, "SLICES_PER_SHARD", 10)


@pytest.fixture
def expected(config, raw, tmp_path) -> Contents:
    """What one process writes at one go."""
    result = prepare("dumc", "all", config, raw, tmp_path / "whole" / "dumc")
    assert isinstance(result, Preparation)
    assert result.excluded == {"truncated": 1}
    return contents(tmp_path / "whole" / "dumc")


def contents(folder: Path) -> Contents:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def scan(name: str, slices: int) -> ScanEntry:
    files = tuple(Path(name, str(index)) for index in range(slices))
    return ScanEntry("rsna", name, name, files, (0,) * 6)


def test_scans_are_divided_in_order_and_never_cut():
    chosen = [
        (scan("a", 4), "train", None),
        (scan("b", 6), "train", None),
        (scan("c", 1), "test", None),
        (scan("d", 25), "train", None),
        (scan("e", 25), "train", frozenset(["1", "2"])),
    ]
    source = CohortScans("rsna", bytes(32))
    parts = plan_parts(chosen, source)
    assert [(part.name, [entry.scan_key for entry, _ in part.scans]) for part in parts] == [
        ("train-00000-of-00003", ["a", "b"]),
        ("train-00001-of-00003", ["d"]),
        ("train-00002-of-00003", ["e"]),
        ("test-00000-of-00001", ["c"]),
    ]
    assert plan_parts([], source) == []


def test_two_processes_write_what_one_does(config, raw, tmp_path, expected):
    # two shards here, as workers have the shard size of the module
    prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(workers=2))
    assert contents(tmp_path / "dumc") == expected
    assert [name for name in expected if name.endswith("-of-00004.tfrecord")]


def test_shares_are_written_apart_and_joined(config, raw, tmp_path, expected):
    for number in (2, 3, 1):
        share = prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=(number, 3)))
        assert isinstance(share, Share)
        assert not (tmp_path / "dumc").exists()
    assert str(share).endswith(
        "4 of 4 shards are finished; run the same command without --shard to join them"
    )
    prepare("dumc", "all", config, raw, tmp_path / "dumc")
    assert contents(tmp_path / "dumc") == expected
    assert not (tmp_path / ".dumc.begun").exists()


def test_shares_that_start_at_once_keep_each_others_work(config, raw, tmp_path, monkeypatch):
    """While one job makes the common folder, another has made it and written its share."""
    rename = Path.rename

    def outrun(self, target):
        monkeypatch.setattr(Path, "rename", rename)
        prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=(1, 2)))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", outrun)
    share = prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=(2, 2)))
    assert str(share).endswith(
        "4 of 4 shards are finished; run the same command without --shard to join them"
    )
    assert [path.name for path in tmp_path.iterdir()] == [".dumc.begun"]


@pytest.mark.parametrize("shard", [(0, 2), (3, 2)])
def test_shares_that_are_none(config, raw, tmp_path, shard):
    with pytest.raises(ValueError, match=f"--shard {shard[0]}/2"):
        prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=shard))


def test_finished_shards_are_kept_and_others_written(config, raw, tmp_path, expected, monkeypatch):
    prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=(1, 2)))
    work = tmp_path / ".dumc.begun"
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("test-*.json")}
    assert len(kept) == 2
    # a shard without its rows is not finished
    (work / "test-00001-of-00004.tfrecord").write_bytes(b"half a record")
    written = []
    whole = writer.encode_case
    monkeypatch.setattr(
        writer, "encode_case", lambda *args: written.append(args[0]) or whole(*args)
    )
    prepare("dumc", "all", config, raw, tmp_path / "dumc")
    assert contents(tmp_path / "dumc") == expected
    assert 0 < len(written) < 7


def test_one_scan_is_in_memory_at_a_time(config, raw, tmp_path, monkeypatch):
    volumes, alive = [], []
    whole = writer.encode_case

    def counted(case, *args):
        volumes.append(weakref.ref(case.volume))
        alive.append(sum(volume() is not None for volume in volumes))
        return whole(case, *args)

    monkeypatch.setattr(writer, "encode_case", counted)
    prepare("dumc", "all", config, raw, tmp_path / "dumc")
    assert alive == [1] * 7


def test_changed_files_or_settings_start_anew(config, raw, tmp_path, expected):
    prepare("dumc", "all", config, raw, tmp_path / "dumc", Options(shard=(1, 2)))
    other = replace(config, image=replace(config.image, field_of_view_mm=200))
    prepare("dumc", "all", other, raw, tmp_path / "dumc")
    assert contents(tmp_path / "dumc") != expected
    prepare("dumc", "all", config, raw, tmp_path / "dumc")
    assert contents(tmp_path / "dumc") == expected


def test_nothing_but_whole_shards_survives_kill_9(config, raw, tmp_path, expected):
    """Kill the process when its second shard is under way; then run again."""
    program = f"""
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from ichnet.config import PhantomConfig, load_config
from ichnet.records import writer
from ichnet.records.prepare import prepare
writer.SLICES_PER_SHARD = 10
demo = load_config(Path({str(Path(__file__).parents[2] / "models" / "phantom.yaml")!r}))
config = replace(demo, seed=3, image=replace(demo.image, matrix=16))
encode, calls = writer.encode_case, []
def killed(*args):
    calls.append(1)
    for number, record in enumerate(encode(*args)):
        if len(calls) == 4 and number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield record
writer.encode_case = killed
prepare("dumc", "all", config, Path({str(raw)!r}), Path({str(tmp_path / "dumc")!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "dumc").exists()
    finished = sorted(path.name for path in (tmp_path / ".dumc.begun").glob("test-*"))
    assert finished == ["test-00000-of-00004.json", "test-00000-of-00004.tfrecord"]
    before = (tmp_path / ".dumc.begun" / "test-00000-of-00004.tfrecord").stat().st_mtime_ns
    prepare("dumc", "all", config, raw, tmp_path / "dumc")
    assert contents(tmp_path / "dumc") == expected
    after = (tmp_path / "dumc" / "test-00000-of-00004.tfrecord").stat().st_mtime_ns
    assert after == before
    shards = RecordSet.open(tmp_path / "dumc").shards("test")
    records = list(tf.data.TFRecordDataset([str(path) for path in shards]))
    assert len(records) == len(RecordSet.open(tmp_path / "dumc").slices)


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_said_and_resumed(config, raw, tmp_path, expected, monkeypatch):
    monkeypatch.setattr("ichnet.records.parts.write_part", lambda *_: None)
    with worker_pool(2) as pool:
        assert pool is not None
        monkeypatch.setattr(pool, "submit", lambda *_: type(pool).submit(pool, die, 0))
        from ichnet.records.parts import Job, write_parts

        source = CohortScans("dumc", bytes(32))
        parts = plan_parts([(scan("a", 4), "train", None)], source)
        with pytest.raises(RecordSetError, match="worker process was killed"):
            write_parts(parts, tmp_path, Job(source, config.image), pool)
