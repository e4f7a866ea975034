"""eFigures 6 and 7: which curves stand in which panel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import BACKBONES, Config
from ichnet.reporting.figures.roc_panels import draw_panels, efigure6, efigure7
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions


@pytest.fixture
def tiny(tmp_path: Path) -> RunFolder:
    """The strong VGG19 separates DUMC, not CQ500; the ensemble was tested on both; no other."""
    run = RunFolder(tmp_path)
    scores = {
        ("VGG19-aihub-strong", "dumc"): [0.9, 0.8, 0.2, 0.1],
        ("VGG19-aihub-strong", "cq500"): [0.1, 0.2, 0.8, 0.9],
        ("ensemble-all", "dumc"): [0.9, 0.2, 0.6, 0.1],
        ("ensemble-all", "cq500"): [0.9, 0.8, 0.2, 0.1],
    }
    for (model, cohort), values in scores.items():
        rows = [
            {"cohort": cohort, "scan_id": f"{cohort}{i}", "ANY": int(i < 2), "probability": p}
            for i, p in enumerate(values)
        ]
        write_predictions(rows, SCAN_COLUMNS, scans_path(run.predictions(model), cohort))
    return run


def test_one_panel_for_each_network(tiny: RunFolder, config: Config) -> None:
    result = efigure6(tiny, config)

    assert [panel.title for panel in result.panels] == list(config.classifiers.backbones)
    by_title = {panel.title: panel for panel in result.panels}
    assert list(by_title["VGG19"].curves) == ["AI-Hub, strong"]
    assert by_title["VGG19"].curves["AI-Hub, strong"].auc.value == pytest.approx(0.5)
    assert by_title["MobileNetV2"].reason == "no predictions"
    assert "8 scans (4 with, 4 without ICH)" in result.caption


def test_one_panel_for_each_test_cohort(tiny: RunFolder, config: Config) -> None:
    dumc, cq500 = efigure7(tiny, config).panels

    assert dumc.title == "DUMC: 2 ICH, 2 normal"
    assert dumc.curves["VGG19-aihub-strong"].auc.value == 1.0
    assert cq500.curves["VGG19-aihub-strong"].auc.value == 0.0
    assert dumc.curves["ensemble-all"].auc.value == pytest.approx(0.75)


def test_panels_are_drawn_two_in_a_row(tiny: RunFolder, config: Config) -> None:
    config = replace(config, classifiers=replace(config.classifiers, backbones=BACKBONES))
    figure = draw_panels(efigure6(tiny, config))

    assert len(figure.axes) == 4
    grid = figure.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 2)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["no predictions"] * 3
