"""What `make dist` builds: everything of the package is in it, and the command runs from it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from ichnet import __version__

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow

pytest.importorskip("build", reason="build is not installed (extra: release)")
pytest.importorskip("setuptools", minversion="77", reason="setuptools 77 (extra: release)")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built):
    return built / f"ichnet-{__version__}-py3-none-any.whl"


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "ichnet").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package
    assert {"ichnet/py.typed", "ichnet/paper.yaml"} < names
    assert any(name.endswith("templates/report.html") for name in names)


def test_the_source_distribution_holds_what_make_needs(built):
    with tarfile.open(built / f"ichnet-{__version__}.tar.gz") as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    needed = {
        "Makefile",
        "Snakefile",
        "constraints.txt",
        "constraints-addons.txt",
        "data_prep/rsna.py",
        "eval/report.py",
        "models/phantom.yaml",
        "models/train_classifier.py",
        "tests/conftest.py",
    }
    assert needed <= names
    assert not [name for name in names if "__pycache__" in name]


def test_the_command_starts_where_only_the_wheel_is_installed(wheel, tmp_path):
    venv.create(tmp_path, with_pip=True)
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    install = [tmp_path / "bin" / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True, capture_output=True, env=environment)
    command = [tmp_path / "bin" / "ichnet", "--help"]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert run.stdout.startswith("usage: ichnet")
    assert run.stderr == ""
