"""The scripts in eval/ as a user starts them, on a small run of random numbers."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from ichnet.config import load_config
from ichnet.ct.discover import discover
from ichnet.ct.pseudonym import load_key
from ichnet.phantom.cohort import generate
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions

# each test starts a script
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SUFFIXES = ("csv", "md", "html", "tex")
KEY_FILE = "ICHNET_PSEUDONYM_KEY_FILE"

# runs a script as `python SCRIPT ...` would and then looks for TensorFlow
START = """
import runpy, sys
script, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = script
runpy.run_path(script, run_name="__main__")
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""


def start(script: str, *arguments: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, str(ROOT / "eval" / script), *map(str, arguments)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", KEY_FILE: os.environ[KEY_FILE]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    writer = runpy.run_path(str(ROOT / "tests" / "reporting" / "synthetic_run.py"))["write_run"]
    written: RunFolder = writer(
        tmp_path_factory.mktemp("eval"), backbones=("VGG19",), slices_per_scan=2, replicates=20
    )
    return written


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("metrics.py", ["metrics.json"]),
        (
            "contrasts.py",
            [
                *(f"tables/contrasts.{suffix}" for suffix in SUFFIXES),
                *(f"figures/contrasts.{suffix}" for suffix in ("png", "svg")),
            ],
        ),
        ("variants.py", [f"tables/variants.{suffix}" for suffix in SUFFIXES]),
        ("pooling.py", [f"tables/pooling.{suffix}" for suffix in SUFFIXES]),
        ("subtypes.py", [f"tables/subtypes.{suffix}" for suffix in SUFFIXES]),
        ("table1.py", [f"tables/table1.{suffix}" for suffix in SUFFIXES]),
        (
            "table2.py",
            [
                f"tables/table2{part}.{suffix}"
                for part in ("", "_contrast", "_slices", "_slices_contrast")
                for suffix in SUFFIXES
            ],
        ),
        (
            "table3.py",
            [
                f"tables/{name}.{suffix}"
                for name in ("table3", "baselines", "table3-matched")
                for suffix in SUFFIXES
            ],
        ),
        (
            "figure2.py",
            [
                *(f"figures/figure2.{suffix}" for suffix in ("png", "svg", "csv")),
                *(f"tables/etable1.{suffix}" for suffix in SUFFIXES),
            ],
        ),
        (
            "roc_panels.py",
            [
                f"figures/{name}.{suffix}"
                for name in ("efigure6", "efigure7")
                for suffix in ("png", "svg")
            ],
        ),
        (
            "difficult_cases.py",
            [
                f"tables/difficult_cases{part}.{suffix}"
                for part in ("_summary", "")
                for suffix in SUFFIXES
            ],
        ),
    ],
)
def test_script_writes_and_names_its_results(run: RunFolder, script: str, names: list[str]) -> None:
    done = start(script, "--run", run.root)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(run.root / name) for name in names]
    assert all((run.root / name).stat().st_size for name in names)


def test_report_finds_the_records_of_its_run(run: RunFolder) -> None:
    done = start("report.py", "--run", "runs/tiny", folder=run.root.parents[1])

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Report: runs/tiny/report.html\n"
    assert "270 scans as held" in run.report.read_text(encoding="utf-8")


def test_review_of_difficult_cases(run: RunFolder, tmp_path: Path) -> None:
    """Page and key from DICOM; then simulated readers' answers, read back as a page's would be."""
    raw = tmp_path / "raw"
    phantom = load_config(run.root / "config.yaml").phantom
    small = replace(phantom, matrix=48, slices=(4, 5), scans={"dumc": 6})
    generate(small, 1, raw, cohorts=("dumc",), workers=1)
    found, _ = discover([raw], tmp_path)
    scans = [series.scan_id(load_key()) for series in found]
    named = pydicom.dcmread(found[0].files[0])
    named.BurnedInAnnotation = "YES"
    named.save_as(found[0].files[0])
    tiny = RunFolder(tmp_path / "run")
    tiny.root.mkdir()
    shutil.copy(run.root / "config.yaml", tiny.root)
    rows = [
        {"cohort": "dumc", "scan_id": scan, "ANY": index % 2, "probability": 0.5}
        for index, scan in enumerate([*scans, "elsewhere"])
    ]
    write_predictions(rows, SCAN_COLUMNS, scans_path(tiny.predictions("ensemble-all"), "dumc"))

    done = start("review_page.py", "--run", tiny.root, "--dicom", raw)

    assert done.returncode == 0, done.stderr
    *paths, left_out = done.stdout.splitlines()
    assert paths == [str(tiny.root / "review" / name) for name in ("key.csv", "review.html")]
    assert left_out == "2 of 7 difficult cases left out: no DICOM, or text in pixels"
    assert Path(paths[1]).read_text(encoding="utf-8").count('id="data-case-') == 5

    done = start("review.py", "--run", tiny.root, "--simulate")

    assert done.returncode == 0, done.stderr
    names = ("review_agreement", "review_before_after", "etable2")
    assert done.stdout.splitlines() == [
        str(tiny.root / "review" / "meeting.csv"),
        *(str(tiny.tables / f"{name}.{suffix}") for name in names for suffix in SUFFIXES),
    ]
    simulated = sorted((tiny.root / "review" / "simulated").iterdir())
    assert len(simulated) == 6

    meeting = tiny.root / "review" / "meeting.csv"
    before = meeting.read_bytes()
    done = start("review.py", "--run", tiny.root, "--answers", *simulated, "--votes", meeting)

    assert done.returncode == 0, done.stderr
    assert str(meeting) not in done.stdout
    assert meeting.read_bytes() == before  # the votes are not lost


def test_ledger_needs_no_run(tmp_path: Path) -> None:
    done = start("ledger.py", "--page", "ledger.md", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Ledger: ledger.md\n"
    written = (tmp_path / "ledger.md").read_text(encoding="utf-8")
    assert written == (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["table2.py", "report.py"])
def test_a_folder_that_is_no_run_is_one_clear_line(tmp_path: Path, script: str) -> None:
    done = start(script, "--run", tmp_path / "nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "nowhere/config.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1
