from __future__ import annotations

from dataclasses import replace

import numpy as np

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.pages.explorer import explorer_data
from ichnet.runs import RunFolder


def test_it_holds_what_the_predictions_hold(run: RunFolder, config: Config) -> None:
    predictions = load_predictions(run, [FINAL_MODEL, "segmenter-all"])
    data = explorer_data(predictions, config)
    assert data is not None
    assert data["first"] == FINAL_MODEL
    assert list(data["models"]) == [FINAL_MODEL, "segmenter-all"]
    np.testing.assert_array_equal(data["models"][FINAL_MODEL], predictions.by_model[FINAL_MODEL])
    assert [scan["id"] for scan in data["scans"]] == predictions.truth["scan_id"].tolist()
    assert sum(scan["ich"] for scan in data["scans"]) == predictions.ich.sum()
    assert data["sets"]["All"] == predictions.ich.astype(int).tolist()


def test_unknown_volumes_are_null(run: RunFolder, config: Config) -> None:
    predictions = load_predictions(run, [FINAL_MODEL])
    unknown = {**predictions.truth, "volume_ml": np.full(len(predictions), np.nan)}
    data = explorer_data(replace(predictions, truth=unknown), config)
    assert data is not None
    assert {scan["volume_ml"] for scan in data["scans"]} == {None}
    assert "Small" not in data["sets"]  # nobody knows which scans are


def test_nothing_to_explore(run: RunFolder, config: Config) -> None:
    predictions = load_predictions(run, [FINAL_MODEL])
    assert explorer_data(predictions.select(predictions.ich), config) is None
    assert explorer_data(replace(predictions, by_model={}), config) is None
