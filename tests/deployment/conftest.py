"""The export of a network whose every answer is known, and scans for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from known_networks import (  # noqa: F401
    bright_pixels,
    calibration,
    classifier,
    config,
    members,
)
from known_scans import HEIGHTS_MM, head, write_scan  # noqa: F401

from ichnet.deployment.export import export_model


@pytest.fixture(scope="session")
def model_dir(bright_pixels, config, calibration, tmp_path_factory) -> Path:
    """An export of ``bright_pixels``."""
    folder = tmp_path_factory.mktemp("export") / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    return folder


@pytest.fixture(autouse=True)
def key_file(tmp_path_factory, monkeypatch) -> Path:
    """A pseudonym key of the tests' own, so that nobody's home is touched."""
    path = tmp_path_factory.getbasetemp() / "pseudonym.key"
    path.write_bytes(bytes(range(32)))
    monkeypatch.setenv("ICHNET_PSEUDONYM_KEY_FILE", str(path))
    return path


@pytest.fixture
def two_scans(write_scan, tmp_path) -> Path:
    """A folder with a normal and a bleeding scan, their files mixed."""
    write_scan(tmp_path / "scans", head(), HEIGHTS_MM, series="1")
    write_scan(tmp_path / "scans", head(80.0), HEIGHTS_MM, series="2")
    return tmp_path / "scans"
