"""A small share of ``benchmarks/predict_fuzz.py``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_damaged_series_are_predicted_or_excluded_with_a_reason(model_dir, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    fuzz = importlib.import_module("predict_fuzz")
    originals = fuzz.write_originals(tmp_path)
    for number in range(14):
        fuzz.write_series(originals, number, tmp_path / "in" / str(number))
    outcomes = fuzz.outcomes_of(model_dir, tmp_path / "in", tmp_path / "out")
    assert outcomes.total() == 14 * fuzz.SLICES
    assert outcomes["LOST"] == 0
    assert outcomes["predicted"] > 0
    assert outcomes["incomplete-series"] > 0
