"""The how-to has two commands a cohort that fit together, and the path works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from known_networks import bright_pixels, config  # noqa: F401

from ichnet.config import PhantomConfig, load_config
from ichnet.deployment.export import export_model
from ichnet.phantom.cohort import generate
from ichnet.statistics.scan_score import UNCHANGED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "evaluate_real_ct.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python (.*)$", PAGE, re.MULTILINE)
COHORTS = ("ct_ich", "cq500", "rsna", "bhsd", "dumc")


def start(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_each_cohort_has_its_two_commands():
    scripts = [command.split()[0] for command in COMMANDS]
    assert scripts[::2] == [
        *(f"data_prep/{cohort}.py" for cohort in COHORTS),
        "data_prep/ct_ich.py",
    ]
    assert scripts[1::2] == [*["eval/external.py"] * len(COHORTS), "eval/real_ct.py"]


def test_the_second_command_takes_the_records_of_the_first():
    for prepare, evaluate in zip(COMMANDS[::2], COMMANDS[1::2], strict=True):
        written = prepare.split("--output ")[1].split()[0]
        assert f"--records {written} " in f"{evaluate} "


@pytest.mark.slow
def test_rsna_by_the_two_commands(bright_pixels, config, tmp_path):  # noqa: F811
    """Six scans of which nobody could draw experiment A's slices, 8 to 10 slices each."""
    demo = load_config(ROOT / "models" / "phantom.yaml")
    generate(PhantomConfig(64, (8, 10), {"rsna": 6}, {"rsna": 0.5}), 3, tmp_path, ("rsna",), 1)
    export_model(bright_pixels, "bright", config, UNCHANGED, tmp_path / "bright" / "1")
    settings = yaml.safe_load((ROOT / "models" / "phantom.yaml").read_text(encoding="utf-8"))
    settings["image"] |= {"matrix": config.image.matrix}
    settings["image"] |= {"field_of_view_mm": config.image.field_of_view_mm}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert replace(load_config(path), image=demo.image) == demo

    common = ("--input", tmp_path / "rsna", "--output", tmp_path / "records" / "whole")
    drawn = start("data_prep/rsna.py", "--config", path, *common)
    assert re.search(r"\d+ slices with.* are wanted", drawn.stderr)
    whole = start("data_prep/rsna.py", "--whole", "--config", path, "--workers", "1", *common)
    assert whole.returncode == 0, whole.stderr
    arguments = ("--model", tmp_path / "bright" / "1", "--records", tmp_path / "records" / "whole")
    done = start("eval/external.py", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert (found["model"], found["records"], found["scans"]) == ("bright", "whole", 6)
    assert 0 < found["with_ich"] < 6
    assert np.isfinite(found["scan_auc"]).all()
    assert found["dice_by_slice"] is None
    assert Path(found["page"]) == tmp_path / "out" / "index.html"

    missing = start("eval/external.py", "--model", tmp_path, *arguments[2:], "--out", tmp_path)
    assert missing.returncode == 2
    assert missing.stderr.startswith(f"error: {tmp_path}: not an exported model")
