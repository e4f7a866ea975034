"""Two workers on this machine train as one does; the environment decides which strategy."""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import ConfigError
from ichnet.training.distribution import is_chief, make_strategy, require_divisible
from ichnet.training.fit import read_log
from ichnet.training.slurm import FIRST_PORT, PORTS

WORKER = Path(__file__).with_name("distributed_worker.py")
SECONDS = 180


def start(folder: Path, epochs: int, scheduler: dict[str, str]) -> subprocess.Popen:
    """Start one process; ``scheduler`` is what one would put into its environment."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("TF_CONFIG", None)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    environment |= scheduler
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), str(epochs)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(*processes: subprocess.Popen) -> None:
    """Wait for processes; none outlives a failure."""
    try:
        errors = [process.communicate(timeout=SECONDS)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for process, error in zip(processes, errors, strict=True):
        assert process.returncode == 0, error[-2000:]


def two_free_ports() -> int:
    """Return the first of two neighbouring ports that are free."""
    for first in range(FIRST_PORT + os.getpid() % 5000, FIRST_PORT + PORTS, 2):
        with socket.socket() as one, socket.socket() as two, suppress(OSError):
            one.bind(("localhost", first))
            two.bind(("localhost", first + 1))
            return first
    raise OSError("no free ports")


def by_tf_config(index: int, port: int) -> dict[str, str]:
    workers = [f"localhost:{port}", f"localhost:{port + 1}"]
    task = {"type": "worker", "index": index}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}


def by_slurm(index: int, port: int) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": str(port - FIRST_PORT),
        "SLURM_PROCID": str(index),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }


def start_two(folder: Path, epochs: int, scheduler: Callable[[int, int], dict[str, str]]) -> list:
    port = two_free_ports()
    return [start(folder, epochs, scheduler(index, port)) for index in (0, 1)]


@pytest.mark.slow
def test_two_workers_train_as_one_and_resume(tmp_path):
    """The same losses and metrics for the same global batch; then one more epoch of both.

    The workers are told of each other by TF_CONFIG first, by SLURM when they resume.
    """
    end(*start_two(tmp_path / "shared", 2, by_tf_config))
    first = read_log(tmp_path / "shared" / "log.csv")
    end(*start_two(tmp_path / "shared", 3, by_slurm))
    runpy.run_path(str(WORKER))["work"](tmp_path / "alone", 3)

    shared, expected = (read_log(tmp_path / name / "log.csv") for name in ("shared", "alone"))
    assert shared[:2] == first
    assert [row["epoch"] for row in shared] == [1, 2, 3]
    for row, other in zip(shared, expected, strict=True):
        assert row.keys() == other.keys()
        np.testing.assert_allclose(list(row.values()), list(other.values()), rtol=1e-4)
    names = {path.name for path in (tmp_path / "shared").iterdir()}
    assert names == {
        "best.keras", "last.keras", "log.csv", "made_from.json", "finished.json", "tensorboard",
    }  # fmt: skip


def test_one_device_needs_no_strategy():
    strategy = make_strategy()
    assert strategy is tf.distribute.get_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert is_chief(strategy)


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    class Three:
        num_replicas_in_sync = 3

    require_divisible(6, Three())
    with pytest.raises(ConfigError, match="batch_size 8 cannot be shared by 3"):
        require_divisible(8, Three())
