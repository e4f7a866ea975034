from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.config import Config
from ichnet.reporting.figures.reliability import draw_reliability, reliability_diagrams
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.tables.calibration import calibration_table
from ichnet.runs import RunFolder


def test_a_row_for_every_model(run: RunFolder, config: Config) -> None:
    table = calibration_table(run, config)
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert len(rows) == 2 * 3 + 5 + 5
    predictions = load_predictions(run, [FINAL_MODEL])
    ich, probability = predictions.ich, predictions.by_model[FINAL_MODEL]
    assert rows[FINAL_MODEL][0] == f"{np.mean((probability - ich) ** 2):.3f}"
    share = ich.mean()
    assert f"Brier score of {share * (1 - share):.3f}" in table.caption


def test_a_reliability_diagram_for_the_strong_networks_and_the_ensemble(
    run: RunFolder, config: Config
) -> None:
    found, caption = reliability_diagrams(run, config)
    assert list(found) == ["MobileNetV2-aihub-strong", "VGG19-aihub-strong", FINAL_MODEL]
    scans = len(load_predictions(run, [FINAL_MODEL]))
    assert found[FINAL_MODEL].units.sum() == scans
    assert f"{scans} scans" in caption
    figure = draw_reliability(found)
    assert [axes.get_xlabel() for axes in figure.axes] == ["Mean probability"] * 3
    points = figure.axes[2].lines[1].get_xydata()
    np.testing.assert_allclose(points[:, 0], found[FINAL_MODEL].predicted)
    np.testing.assert_allclose(points[:, 1], found[FINAL_MODEL].observed)


@pytest.fixture
def empty(run: RunFolder, tmp_path: Path) -> RunFolder:
    (tmp_path / "config.yaml").write_bytes((run.root / "config.yaml").read_bytes())
    return RunFolder(tmp_path)


def test_a_run_without_predictions_says_so(empty: RunFolder, config: Config) -> None:
    table = calibration_table(empty, config)
    assert table.rows == ()
    assert any("no predictions" in note for note in table.notes)
    found, _ = reliability_diagrams(empty, config)
    assert found == {}
    draw_reliability(found)
