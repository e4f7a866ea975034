"""A small share of ``benchmarks/discover_fuzz.py``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "discover_fuzz.py"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("discover_fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_and_mixed_lots_are_read_or_refused_file_by_file(fuzz):
    outcomes, _ = fuzz.fuzz(seed=0, lots=80)
    assert [outcome for outcome in outcomes if outcome.startswith("FAILED")] == []
    assert outcomes["= series read"] > 80  # the good one of each lot, and more
    expected = {"incomplete-series", "mixed-series", "duplicate-file", "not-dicom", "bad-archive"}
    assert expected <= set(outcomes)


def test_what_is_promised_is_checked(fuzz, tmp_path, monkeypatch):
    fuzz.write_files(fuzz.GOOD, tmp_path / "in" / "good")
    assert fuzz.outcomes_of(tmp_path) == {"used": 6, "= series read": 1}
    monkeypatch.setattr(fuzz, "discover", lambda inputs, scratch: ([], []))
    with pytest.raises(AssertionError, match="a file was lost"):
        fuzz.outcomes_of(tmp_path)
