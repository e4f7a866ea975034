"""The scripts in eval/ as a user starts them, on a small run of random numbers."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from ichnet.runs import RunFolder

ROOT = Path(__file__).parents[1]

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
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
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
        ("table1.py", ["tables/table1.csv", "tables/table1.md", "tables/table1.html"]),
        (
            "table2.py",
            [
                f"tables/table2{part}.{suffix}"
                for part in ("", "_contrast", "_slices", "_slices_contrast")
                for suffix in ("csv", "md", "html")
            ],
        ),
        (
            "table3.py",
            [
                f"tables/{name}.{suffix}"
                for name in ("table3", "baselines")
                for suffix in ("csv", "md", "html")
            ],
        ),
        (
            "figure2.py",
            [
                *(f"figures/figure2.{suffix}" for suffix in ("png", "svg", "csv")),
                *(f"tables/etable1.{suffix}" for suffix in ("csv", "md", "html")),
            ],
        ),
        (
            "difficult_cases.py",
            [
                f"tables/difficult_cases{part}.{suffix}"
                for part in ("_summary", "")
                for suffix in ("csv", "md", "html")
            ],
        ),
    ],
)
def test_script_writes_and_names_its_results(run: RunFolder, script: str, names: list[str]) -> None:
    arguments = ["--records", run.root.parents[1] / "work/tiny/records"]
    done = start(script, "--run", run.root, *(arguments if script == "table1.py" else []))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(run.root / name) for name in names]
    assert all((run.root / name).stat().st_size for name in names)


def test_report_finds_the_records_of_its_run(run: RunFolder) -> None:
    done = start("report.py", "--run", "runs/tiny", folder=run.root.parents[1])

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Report: runs/tiny/report.html\n"
    assert "270 scans as held" in run.report.read_text(encoding="utf-8")


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
