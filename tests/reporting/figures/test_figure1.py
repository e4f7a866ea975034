"""Figure 1 counts what each model learned from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import Config
from ichnet.records.record_set import SCAN_COLUMNS, SLICE_COLUMNS, write_table
from ichnet.reporting.figures.figure1 import draw_figure1, figure1


def row(scan: str, split: str, *present: str, volume_ml: float = 0.0) -> dict[str, object]:
    labels = {name: int(name in present) for name in ("EDH", "IPH", "IVH", "SAH", "SDH")}
    return {
        "scan_id": scan,
        "split": split,
        "ANY": int(bool(present)),
        **labels,
        "volume_ml_ANY": volume_ml,
    }


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two SDH (one of 3 mL), one SAH, one mixed, three normal scans; one held out."""
    rows = [
        row("a", "train", "SDH", volume_ml=3),
        row("b", "train", "SDH", volume_ml=30),
        row("c", "train", "SAH", volume_ml=20),
        row("d", "train", "IPH", "IVH", volume_ml=40),
        *(row(name, "train") for name in "efg"),
        row("h", "ensemble", "EDH", volume_ml=9),
        row("i", "validation", "EDH", volume_ml=9),
    ]
    for name in ("rsna", "aihub-slices", "aihub-scans"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "info.json").write_text(json.dumps({"image": {"matrix": 32}}))
        scans = ({column: one.get(column, "") for column in SCAN_COLUMNS} for one in rows)
        slices = ({column: one.get(column, "") for column in SLICE_COLUMNS} for one in rows)
        write_table(scans, SCAN_COLUMNS, folder / "scans.csv")
        write_table(slices, SLICE_COLUMNS, folder / "slices.csv")
    return tmp_path


def test_each_model_is_counted_by_its_rule(records: Path, config: Config) -> None:
    result = figure1(records, config)

    everything = {"SDH": 2, "SAH": 1, "mixed": 1, "normal": 3}
    assert [bar.counts for bar in result.slices] == [everything] * 3
    assert [bar.counts for bar in result.scans] == [
        everything,
        everything,
        {"SDH": 2, "normal": 2},
        {"SAH": 1, "normal": 1},
        {"SDH": 1, "normal": 1},
        {"EDH": 1},
    ]


def test_the_caption_tells_n_and_the_level(records: Path, config: Config) -> None:
    caption = figure1(records, config).caption

    assert "slice level: n = 7, 7 and 7 training slices" in caption
    assert "scan level: n = 7, 7, 4, 2, 2 and 1 training scans" in caption


def test_bars_bear_their_totals(records: Path, config: Config) -> None:
    config = replace(config, classifiers=replace(config.classifiers, arms=("rsna-weak",)))
    left, right = draw_figure1(figure1(records, config)).axes

    assert [text.get_text() for text in left.texts] == [" 7"]
    assert [text.get_text() for text in right.texts] == [" 7", " 7", " 4", " 2", " 2", " 1"]
