"""The workflow chains every script, and a change repeats only what depends on it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SNAKEMAKE = shutil.which("snakemake") or str(
    Path(__import__("sys").executable).parent / "snakemake"
)

pytestmark = pytest.mark.skipif(
    not Path(SNAKEMAKE).exists(), reason="snakemake is not installed (extra: workflow)"
)


def dry_run(folder: Path, config: Path, *options: str) -> str:
    """Return what Snakemake says it would do, from a folder without results."""
    result = subprocess.run(
        [
            SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
            "--configfile", str(config), "--cores", "2", "--dry-run", *options,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def jobs(text: str) -> dict[str, int]:
    """Return the number of jobs of each rule in a dry run's table."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)}


def test_the_demonstration_runs_every_step(tmp_path):
    counts = jobs(dry_run(tmp_path, ROOT / "models" / "phantom.yaml"))
    assert counts == {
        "all": 1,
        "phantom": 4,
        "records": 5,
        "classifier": 3,
        "encoder": 1,
        "segmenter": 5,
        "maps": 3,
        "ensemble": 5,
        "predict_classifier": 3,
        "predict_from_maps": 1,
        "table1": 1,
        "table_or_figure": 4,
        "export": 2,
        "predict_dicom": 1,
        "report": 1,
        "total": 40,
    }


def test_real_cohorts_take_the_place_of_the_phantom(tmp_path):
    for cohort in ("rsna", "aihub", "dumc", "cq500"):
        (tmp_path / "raw" / cohort).mkdir(parents=True)
    text = dry_run(tmp_path, ROOT / "models" / "paper.yaml", "--config", f"raw={tmp_path / 'raw'}")
    counts = jobs(text)
    assert "phantom" not in counts
    assert counts["classifier"] == 12
    assert counts["ensemble"] == 5
