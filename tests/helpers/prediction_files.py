"""`ichnet predict` from a test, and what it wrote."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from ichnet.cli import main


def run(model_dir: Path, out: Path, *inputs: Path) -> int:
    """Run the command on some inputs; return its exit code."""
    return main(["predict", "--model", str(model_dir), "--out", str(out), *map(str, inputs)])


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, e.g. ``predictions.csv``."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def json_of(out: Path, row: dict[str, str]) -> dict[str, Any]:
    """Return the result file of the scan in a row of ``predictions.csv``."""
    result: dict[str, Any] = json.loads(
        (out / f"{row['scan_id']}.json").read_text(encoding="utf-8")
    )
    return result
