"""The report's interactive part in a browser: every control, against the tables' own numbers."""

from __future__ import annotations

import csv
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import (
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.measures.testsets import positives_by_set as sets_of
from ichnet.reporting.pages.report import render_report
from ichnet.runs import RunFolder
from ichnet.statistics.operating_points import operating_point
from ichnet.statistics.proportions import proportion_interval
from ichnet.statistics.roc import roc_auc

browser_module = runpy.run_path(str(Path(__file__).parents[2] / "browser.py"))
pytestmark = [
    pytest.mark.slow,  # each test starts a browser
    pytest.mark.skipif(not browser_module["EXECUTABLE"], reason=browser_module["WHY_NOT"]),
]

MADE = datetime(2024, 2, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def predictions(run: RunFolder) -> ModelPredictions:
    return load_predictions(run, [FINAL_MODEL, "segmenter-sdh"])


@pytest.fixture
def page(run: RunFolder, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "report.html"
    path.write_text(render_report(run, tmp_path / "none", MADE), encoding="utf-8")
    with browser_module["Browser"](tmp_path / "profile") as browser:
        browser.open(path)
        yield browser
        assert browser.complaints() == []


def text(page: Any, name: str) -> str:
    return str(page.run(f"document.getElementById('explorer-{name}').textContent"))


def column(page: Any, number: int) -> list[str]:
    found = page.run(
        f"[...document.querySelectorAll('#explorer-cases td:nth-child({number})')]"
        ".map((cell) => cell.textContent)"
    )
    return [str(one) for one in found]


def test_its_numbers_are_those_of_the_tables(
    page: Any, predictions: ModelPredictions, config: Config
):
    ich, score = predictions.ich, predictions.by_model[FINAL_MODEL]
    assert text(page, "auc") == f"{roc_auc(ich, score):.3f}"
    for threshold in (config.evaluation.threshold, float(np.median(score))):
        page.choose("#explorer-threshold", str(threshold))
        point = operating_point(ich, score, threshold)
        positives = int(ich.sum())
        interval = proportion_interval(point.true_positives, positives)
        assert text(page, "sensitivity") == f"{point.true_positives / positives:.3f}"
        assert text(page, "sensitivity-of") == (
            f"{point.true_positives} of {positives}; 95 % interval "
            f"{interval.low:.3f}–{interval.high:.3f}"
        )
        assert text(page, "specificity") == f"{point.specificity:.3f}"


def test_another_model_on_another_test_set(
    page: Any, predictions: ModelPredictions, config: Config
):
    page.choose("#explorer-model", "segmenter-sdh")
    page.choose("#explorer-set", "SDH")
    keep = sets_of(predictions, config.selection.small_lesion_ml)["SDH"] | ~predictions.ich
    subset = predictions.select(keep)
    expected = roc_auc(subset.ich, subset.by_model["segmenter-sdh"])
    assert text(page, "auc") == f"{expected:.3f}"
    assert text(page, "count") == f"{len(subset)} of {len(subset)} scans"


def test_a_point_of_the_curve_sets_the_threshold(page: Any, predictions: ModelPredictions):
    page.click("#explorer-roc")  # its middle
    shown = float(text(page, "threshold-value"))
    scores = predictions.by_model[FINAL_MODEL]
    assert np.abs(scores - shown).min() < 5e-4  # a threshold of the curve is one of the scores


def test_cases_are_sorted_and_found(page: Any, predictions: ModelPredictions):
    score = predictions.by_model[FINAL_MODEL]
    errors = np.abs(predictions.ich - score)
    assert column(page, 6) == [f"{error:.3f}" for error in sorted(errors, reverse=True)]

    page.click("th[data-key=confidence] button")
    confidence = np.abs(score - 0.5) * 2
    assert column(page, 7) == [f"{one:.3f}" for one in sorted(confidence, reverse=True)]
    page.click("th[data-key=confidence] button")
    assert column(page, 7) == [f"{one:.3f}" for one in sorted(confidence)]
    sort = "document.querySelector('th[data-key=confidence]').ariaSort"
    assert page.run(sort) == "ascending"

    point = operating_point(predictions.ich, score, 0.5)
    page.choose("#explorer-find", "miss")
    assert column(page, 8) == ["miss"] * point.false_negatives
    page.choose("#explorer-threshold", "0")
    assert column(page, 8) == []  # every hemorrhage is called


@pytest.mark.parametrize("key", ["id", "cohort", "truth", "volume", "probability", "called"])
def test_every_column_sorts(page: Any, key: str) -> None:
    number = ["id", "cohort", "truth", "volume", "probability", "error", "confidence", "called"]
    place = number.index(key) + 1
    for direction in ("descending", "ascending"):
        page.click(f"th[data-key={key}] button")
        assert page.run(f"document.querySelector('th[data-key={key}]').ariaSort") == direction
        shown = column(page, place)
        values: list[Any] = (
            [-1.0 if one == "–" else float(one) for one in shown]
            if key in ("volume", "probability")
            else shown
        )
        assert values == sorted(values, reverse=direction == "descending")


def test_links_lead_to_sections_and_details_open(page: Any) -> None:
    links = page.run("[...document.querySelectorAll('nav a')].map((a) => a.hash)")
    sections = page.run("[...document.querySelectorAll('main section')].map((s) => '#' + s.id)")
    assert links == sections
    assert {"#summary", "#questions", "#annotation", "#ensembles", "#configuration"} <= set(links)
    for link in links:
        page.click(f"nav a[href='{link}']")
        page.wait(f"location.hash === '{link}'", 5)
        assert page.run(f"!!document.querySelector('{link} h2')")
    for section in ("#difficult", "#configuration"):
        page.click(f"{section} details summary")
        assert page.run(f"document.querySelector('{section} details').open")


def test_a_picture_is_enlarged_and_put_back(page: Any) -> None:
    image = ".card .picture img"
    width = f"document.querySelector('{image}').getBoundingClientRect().width"
    small = page.run(width)
    page.click(image)
    assert page.run(width) == page.run("innerWidth") > 2 * small
    page.click(image)
    assert page.run(width) == small


def test_strings_from_data_are_shown_and_never_run(
    write_run: Any, tmp_path: Path, config: Config
) -> None:
    evil = "</script><img src=x onerror=\"document.title='broken'\"><b id=evil>"
    run = write_run(tmp_path, backbones=("VGG19",), scans={"dumc": 8}, data_statement=evil)
    for path in run.root.glob("predictions/*/dumc.scans.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        rows[0]["scan_id"] = evil
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    path = tmp_path / "report.html"
    path.write_text(render_report(run, tmp_path / "none", MADE), encoding="utf-8")
    with browser_module["Browser"](tmp_path / "profile") as page:
        page.open(path)
        page.choose("#explorer-find", "onerror")
        assert column(page, 1) == [evil]
        assert evil in str(page.run("document.querySelector('.banner').textContent"))
        assert not page.run("document.getElementById('evil')")
        assert not page.run("document.querySelector('img[onerror]')")
        assert "broken" not in page.run("document.title")
        assert page.complaints() == []
