"""The tutorial's notebook runs from its first cell to its last and ends with a picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_kept_without_outputs():
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert len(cells) > 8
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.slow
@pytest.mark.timeout(1500)
# of the kernel's own libraries
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_it_runs_to_the_picture(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = read()
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    text = "".join(out.get("text", "") for out in outputs)
    assert "aihub-scans\n  scans: 40 found, 40 chosen, 40 kept" in text
    assert re.search(r"^10 scans \(5 with, 5 without ICH\) of DUMC", text, re.MULTILINE)
    assert re.search(r"^AUC [01]\.\d{3}", text, re.MULTILINE)
    assert (
        len(re.findall(r"^[0-9a-f]{16}: [01]\.\d\d, (?:no )?hemorrhage", text, re.MULTILINE)) == 6
    )
    assert [out for out in outputs if "image/png" in out.get("data", {})]
    assert not list(tmp_path.glob("ichnet-tutorial-*"))
