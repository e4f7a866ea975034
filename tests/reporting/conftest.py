from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from ichnet.config import Config, load_config
from ichnet.runs import RunFolder

WriteRun = Callable[..., RunFolder]


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Writes a run folder of random numbers; see synthetic_run.py."""
    writer: WriteRun = runpy.run_path(str(Path(__file__).with_name("synthetic_run.py")))[
        "write_run"
    ]
    return writer


@pytest.fixture(scope="session")
def run(write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A complete run of two networks. Read only."""
    return write_run(tmp_path_factory.mktemp("run"), backbones=("MobileNetV2", "VGG19"))


@pytest.fixture(scope="session")
def config(run: RunFolder) -> Config:
    return load_config(run.root / "config.yaml")
