"""A small share of ``benchmarks/predict_kill.py``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_killed_at_random_moments_every_scan_has_its_one_answer(model_dir, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    kill = importlib.import_module("predict_kill")
    result = kill.survive(model_dir, tmp_path, scans=12, kills=3, seed=1, damaged_share=0.5)
    assert (result["wrong"], result["left"], result["named"]) == (0, 0, 0)
    assert result["damaged"] == 6
    assert result["kills"] > 0
    assert result["predicted"] + result["refused"] == 12
    assert result["predicted"] > 0
    assert result["refused"] > 0
