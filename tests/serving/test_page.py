"""The page in a real browser: every control is used, and nobody is named."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dicom_peers import Shelf, send, until
from known_scans import BLEEDING_SLICE, HEIGHTS_MM, head

browser_module = runpy.run_path(str(Path(__file__).parents[1] / "browser.py"))
Browser = browser_module["Browser"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not browser_module["EXECUTABLE"], reason=browser_module["WHY_NOT"]),
]

WHOLE, ALONE = ({"NumberOfSeriesRelatedInstances": count} for count in (len(HEIGHTS_MM), 1))


@pytest.fixture
def service(running, write_scan, tmp_path) -> Iterator[Any]:
    """A bleeding head, a scout and a normal head were received and dealt with, one by one."""
    scans = (
        write_scan(tmp_path / "1", head(80.0), HEIGHTS_MM, series="1", **WHOLE),
        write_scan(tmp_path / "2", head()[:1], [0], series="2", **ALONE),
        write_scan(tmp_path / "3", head(), HEIGHTS_MM, series="3", **WHOLE),
    )
    with running(Shelf(), page=True) as one:
        for count, files in enumerate(scans, start=1):
            send(one.port, files)
            wait_finished(one, count)
        yield one


def wait_finished(service: Any, count: int) -> None:
    query = "SELECT name FROM series WHERE finished_at > 0"
    until(lambda: len(service.state.rows(query)) == count)


@pytest.fixture
def browser(service, tmp_path) -> Iterator[Any]:
    with Browser(tmp_path / "profile") as one:
        one.send("Page.navigate", url=f"http://127.0.0.1:{service.http_port}/")
        one.wait("document.documentElement?.dataset.open")
        yield one
        ours = f"http://127.0.0.1:{service.http_port}/"
        assert [text for text in one.complaints() if not text.startswith(ours)] == []


def text(browser: Any, selector: str) -> str:
    return browser.run(f"document.querySelector('{selector}').innerText")


def series_of(service, decision: str) -> str:
    (row,) = service.state.rows("SELECT name FROM series WHERE decision = ?", decision)
    return row["name"]


def wait_shown(browser: Any, name: str, slice_: int, window: int, overlay: int) -> None:
    shown = f"{name}/{slice_}/{window}/{overlay}"
    browser.wait(f"document.querySelector('#stage').dataset.shown === '{shown}'")


def amber_pixels(browser: Any) -> int:
    """How many pixels of the overlay's canvas are drawn on."""
    return browser.run(
        "(() => { const c = document.querySelector('#outlines');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"
    )


def grey_of_the_middle(browser: Any) -> int:
    return browser.run(
        "(() => { const c = document.querySelector('#slice');"
        "return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()"
    )


def test_every_control(service, browser: Any, tmp_path: Path) -> None:
    bleeding, normal = series_of(service, "hemorrhage"), series_of(service, "no hemorrhage")
    middle = len(HEIGHTS_MM) // 2 + 1

    # the newest is open; the lists hold all three
    wait_shown(browser, normal, middle, 1, 0)
    assert text(browser, "#decision") == "No hemorrhage"
    assert text(browser, "#queue") == "Nothing waits"
    assert "0 in the queue" in text(browser, "#counts")
    assert "50 % of the last 2" in text(browser, "#counts")
    assert browser.run("document.querySelectorAll('#scans button').length") == 3

    # filters
    browser.click("[data-show=hemorrhage]")
    assert browser.run("document.querySelectorAll('#scans button').length") == 1
    browser.click("[data-show=without]")
    assert "single-slice" in text(browser, "#scans")
    browser.click("#scans button")
    browser.wait("document.querySelector('#decision').innerText === 'No result'")
    assert "the only slice of its series" in text(browser, "#facts")
    assert browser.run("document.querySelector('.viewer').hidden")
    browser.click("[data-show=all]")

    # a scan with a hemorrhage, its reasons, its slices
    browser.click(f"[data-series='{bleeding}']")
    wait_shown(browser, bleeding, middle, 1, 0)
    assert text(browser, "#decision") == "Hemorrhage"
    assert f"slice {BLEEDING_SLICE + 1}, score 0.999" in text(browser, "#facts")
    assert "mL" in text(browser, "#facts")
    assert "synthetic heads" in text(browser, "#statement")
    browser.choose("#slider", str(BLEEDING_SLICE + 1))
    wait_shown(browser, bleeding, BLEEDING_SLICE + 1, 1, 0)
    assert amber_pixels(browser) == 0
    browser.click("#overlay")
    wait_shown(browser, bleeding, BLEEDING_SLICE + 1, 1, 1)
    assert amber_pixels(browser) > 0
    browser.screenshot(tmp_path / "page.png")

    # windows: brain at 30 HU is grey in the first, dark in bone
    brain = grey_of_the_middle(browser)
    browser.click("#windows button:nth-child(4)")
    wait_shown(browser, bleeding, BLEEDING_SLICE + 1, 4, 1)
    assert grey_of_the_middle(browser) != brain
    browser.key("2")
    wait_shown(browser, bleeding, BLEEDING_SLICE + 1, 2, 1)
    browser.key("1")

    # scrolling by keys and by the wheel
    browser.key("ArrowUp")
    wait_shown(browser, bleeding, BLEEDING_SLICE + 2, 1, 1)
    assert amber_pixels(browser) == 0  # nothing is outlined there
    browser.key("ArrowDown")
    browser.wheel("#stage", 100)
    wait_shown(browser, bleeding, BLEEDING_SLICE, 1, 1)
    browser.key("o")
    wait_shown(browser, bleeding, BLEEDING_SLICE, 1, 0)

    # from scan to scan
    browser.key("ArrowLeft")
    browser.wait("document.querySelector('#decision').innerText === 'No result'")
    browser.key("ArrowLeft")
    wait_shown(browser, normal, middle, 1, 0)
    browser.key("ArrowRight")
    browser.wait("document.querySelector('#decision').innerText === 'No result'")

    page = browser.run("document.documentElement.outerHTML")
    for word in ("HOSPITAL", "Jane", "1.2.826", "20230917"):
        assert word not in page


def test_a_service_that_is_gone_is_said_to_be(running, tmp_path) -> None:
    with Browser(tmp_path / "profile") as browser:
        with running(page=True) as service:
            browser.send("Page.navigate", url=f"http://127.0.0.1:{service.http_port}/")
            browser.wait("document.documentElement?.dataset.ready")
            assert text(browser, "#scans") == "None"
        browser.wait("document.querySelector('#message').innerText.includes('does not answer')")
