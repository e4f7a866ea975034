from __future__ import annotations

from dataclasses import replace

import numpy as np

from ichnet.config import Config
from ichnet.reporting.measures.composite import FINAL_MODEL, load_composite
from ichnet.reporting.pages.explorer import explorer_data
from ichnet.runs import RunFolder


def test_it_holds_what_the_predictions_hold(run: RunFolder, config: Config) -> None:
    composite = load_composite(run, [FINAL_MODEL, "segmenter-all"])
    data = explorer_data(composite, config)
    assert data is not None
    assert data["first"] == FINAL_MODEL
    assert list(data["models"]) == [FINAL_MODEL, "segmenter-all"]
    np.testing.assert_array_equal(data["models"][FINAL_MODEL], composite.probability[FINAL_MODEL])
    assert [scan["id"] for scan in data["scans"]] == composite.truth["scan_id"].tolist()
    assert sum(scan["ich"] for scan in data["scans"]) == composite.ich.sum()
    assert data["sets"]["All"] == composite.ich.astype(int).tolist()


def test_unknown_volumes_are_null(run: RunFolder, config: Config) -> None:
    composite = load_composite(run, [FINAL_MODEL])
    unknown = {**composite.truth, "volume_ml": np.full(len(composite), np.nan)}
    data = explorer_data(replace(composite, truth=unknown), config)
    assert data is not None
    assert {scan["volume_ml"] for scan in data["scans"]} == {None}
    assert "Small" not in data["sets"]  # nobody knows which scans are


def test_nothing_to_explore(run: RunFolder, config: Config) -> None:
    composite = load_composite(run, [FINAL_MODEL])
    assert explorer_data(composite.select(composite.ich), config) is None
    assert explorer_data(replace(composite, probability={}), config) is None
