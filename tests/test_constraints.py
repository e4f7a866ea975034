"""The Python versions that each stack has: what is said, and that the pinned versions exist for it.

Resolved by uv from the registry's metadata: nothing is downloaded or installed.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[1]

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")

EXTRAS = {
    "constraints.txt": [
        "dicom-codecs",
        "dicom-out",
        "runtimes",
        "serve",
        "workflow",
        "docs",
        "benchmark",
        "test",
    ],
    "constraints-addons.txt": ["addons", "dicom-codecs", "dicom-out", "runtimes", "serve", "test"],
}
"""What is installed beside each file, by the Makefile and by readers of the README."""

SUPPORTED = {"constraints.txt": ("3.11", "3.12", "3.13"), "constraints-addons.txt": ("3.11",)}
NEIGHBOURS = {"constraints.txt": ("3.10", "3.14"), "constraints-addons.txt": ("3.10", "3.12")}

CASES = [
    (name, version, versions is SUPPORTED)
    for versions in (SUPPORTED, NEIGHBOURS)
    for name, of_file in versions.items()
    for version in of_file
]

UNPINNED = {"setuptools", "wheel"}
"""They come with the environment."""


def normal_name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", requirement.split("==")[0]).strip().lower()


def requirements(constraints: str) -> str:
    """Everything that ichnet and its extras require, a line each."""
    options = SETUP["options"]["install_requires"]
    return "\n".join([options, *(SETUP["options.extras_require"][e] for e in EXTRAS[constraints])])


def resolve(constraints: str, version: str) -> subprocess.CompletedProcess[str]:
    """Resolve all requirements for Linux on x86-64; skip where the registry cannot be reached."""
    target = ["--python-version", version, "--python-platform", "x86_64-unknown-linux-gnu"]
    output = ["--quiet", "--no-header", "--no-annotate", "--no-config"]
    done = subprocess.run(
        [uv.find_uv_bin(), "pip", "compile", *output, *target, "--constraint", constraints, "-"],
        input=requirements(constraints),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "UV_SYSTEM_CERTS": "1", "UV_HTTP_TIMEOUT": "20", "UV_HTTP_RETRIES": "0"},
    )
    if re.search(r"client error|sending request|[Ff]ailed to fetch", done.stderr):
        pytest.skip(f"the package registry cannot be reached: {done.stderr.strip()[-200:]}")
    return done


@pytest.mark.slow
@pytest.mark.parametrize(("constraints", "version", "supported"), CASES)
def test_the_pinned_versions_exist_for_the_versions_of_python_that_are_named(
    constraints, version, supported
):
    done = resolve(constraints, version)
    assert (done.returncode == 0) == supported, done.stderr
    assert supported or "No solution found" in done.stderr
    if supported:
        pinned = {normal_name(line) for line in (ROOT / constraints).read_text().splitlines()}
        chosen = {normal_name(line) for line in done.stdout.splitlines() if "==" in line}
        assert {"tensorflow", "keras", "numpy"} <= chosen
        assert chosen - pinned <= UNPINNED


def test_setup_and_readme_name_these_versions():
    newest = SUPPORTED["constraints.txt"]
    assert SETUP["options"]["python_requires"] == f">={newest[0]}"
    classifiers = re.findall(r"Python :: (3\.\d+)", SETUP["metadata"]["classifiers"])
    assert classifiers == list(newest)
    readme = (ROOT / "README.md").read_text()
    assert f"Python {', '.join(newest[:-1])} or {newest[-1]}" in readme
    addons = next(line for line in readme.splitlines() if ".[addons" in line)
    assert re.findall(r"Python (3\.\d+)", addons) == list(SUPPORTED["constraints-addons.txt"])
