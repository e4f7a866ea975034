"""A small share of ``benchmarks/predict_fuzz.py``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_damaged_input_is_predicted_or_excluded_with_a_reason(model_dir, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    fuzz = importlib.import_module("predict_fuzz")
    tally = fuzz.fuzz(model_dir, tmp_path, seed=0, count=30)
    assert (tally.inputs, tally.lost, tally.crashes) == (30, 0, 0), tally.outcomes
    kinds = {outcome.split(":")[0] for outcome in tally.outcomes}
    assert kinds == {"headers", "pixels", "archives", "folders", "PACS answers"}
    assert tally.outcomes["pixels: predicted"] > 0
    assert len(tally.outcomes) > 8  # reasons differ
    assert tally.files > 120
