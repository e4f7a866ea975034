from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ichnet.config import Config
from ichnet.reporting.figures.figure2 import draw_figure2, figure2, write_curves
from ichnet.reporting.figures.style import inline_svg, new_figure, style, write_figure
from ichnet.reporting.tables.etable1 import etable1
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions


@pytest.fixture
def tiny(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path)
    scans = {"s1": (1, 0.9), "s2": (1, 0.3), "s3": (0, 0.6), "s4": (0, 0.1)}
    write_predictions(
        (
            {"cohort": "dumc", "scan_id": scan, "ANY": ich, "probability": p}
            for scan, (ich, p) in scans.items()
        ),
        SCAN_COLUMNS,
        scans_path(run.predictions("ensemble-all"), "dumc"),
    )
    return run


def test_curve_points(tiny: RunFolder, config: Config, tmp_path: Path) -> None:
    result = figure2(tiny, config)

    assert list(result.curves) == ["ensemble-all"]
    curve = result.curves["ensemble-all"]
    assert curve.auc.value == pytest.approx(0.75)
    assert curve.operating_point == (0.5, 0.5)
    assert "4 scans (2 with, 2 without ICH) of DUMC" in result.caption
    assert "VGG19-aihub-strong: no predictions for dumc." in result.caption
    with write_curves(result.curves, tmp_path / "points.csv").open(encoding="utf-8") as handle:
        points = [
            (float(row["false_positive_rate"]), float(row["true_positive_rate"]))
            for row in csv.DictReader(handle)
        ]
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert {(0, 0.5), (0.5, 0.5), (0.5, 1)} <= set(points)


def test_figure_files_are_the_same_every_time(
    tiny: RunFolder, config: Config, tmp_path: Path
) -> None:
    result = figure2(tiny, config)

    first = write_figure(draw_figure2(result), tmp_path / "a", "figure2", result.caption)
    second = write_figure(draw_figure2(result), tmp_path / "b", "figure2", result.caption)

    assert [path.name for path in first] == ["figure2.png", "figure2.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert "4 scans" in first[1].read_text(encoding="utf-8")


def test_a_run_without_predictions_still_has_a_figure(config: Config, tmp_path: Path) -> None:
    result = figure2(RunFolder(tmp_path), config)

    assert result.curves == {}
    assert "No curves: 0 with and 0 without ICH, two of each are needed." in result.caption
    assert all(
        path.stat().st_size for path in write_figure(draw_figure2(result), tmp_path, "f", "c")
    )


def test_inline_svg_uses_the_pages_colours_and_escapes() -> None:
    with style():
        figure = new_figure(2, 2)
        figure.subplots().set_title("<script>$x$")

    svg = inline_svg(figure, "one", 'a "<script>"')

    assert svg.startswith('<svg viewBox="0 0 144 144" role="img" aria-label="a &quot;&lt;script')
    assert "<script" not in svg
    assert "&lt;script&gt;$x$" in svg
    assert "var(--ink)" in svg
    assert "#16202b" not in svg
    assert "http" not in svg.replace("http://www.w3.org/", "")


def test_identifiers_of_two_inline_figures_differ() -> None:
    import re

    ids = []
    for name in ("one", "two"):
        with style():
            figure = new_figure(2, 2)
            figure.subplots().plot([0, 1], [0, 1])
        svg = inline_svg(figure, name, "line")
        found = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= found
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= found
        ids.append(found)

    assert ids[0]
    assert not ids[0] & ids[1]


@pytest.mark.slow
def test_etable1_compares_on_the_composite_and_on_each_cohort(
    run: RunFolder, config: Config
) -> None:
    table = etable1(run, config)

    assert list(dict.fromkeys(row[0] for row in table.rows)) == [
        "Composite (35 ICH, 35 normal)",
        "DUMC (20 ICH, 20 normal)",
        "Qure.ai CQ500 (15 ICH, 15 normal)",
    ]
    assert [row[1] for row in table.rows[:3]] == [
        "ensemble-all",
        "MobileNetV2-aihub-strong",
        "VGG19-aihub-strong",
    ]
    assert table.rows[0][6] == "reference"
