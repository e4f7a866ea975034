"""The review page as a reader uses it, in a browser: every control by mouse or by keyboard."""

from __future__ import annotations

import csv
import json
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ichnet.ct.volume import Volume
from ichnet.reporting.review.answers import COLUMNS, read_answers
from ichnet.reporting.review.images import EncodedScan, encode_scan
from ichnet.reporting.review.page import KeyRow, number_cases, write_review
from ichnet.reporting.tables.difficult import DifficultCase

browser_module = runpy.run_path(str(Path(__file__).parents[2] / "browser.py"))
Browser = browser_module["Browser"]
pytestmark = [
    pytest.mark.slow,  # each test starts a browser
    pytest.mark.skipif(not browser_module["EXECUTABLE"], reason=browser_module["WHY_NOT"]),
]

CASES, SLICES = 6, 5
EVIL = "Synthetic <img src=x onerror=\"document.title='broken'\">"


def volume(case: int) -> Volume:
    """A square of 40 HU, with a smaller one of 30 HU + case + slice in its middle."""
    hu = np.full((SLICES, 60, 60), -1000, np.int16)
    hu[:, 5:55, 5:55] = 40
    hu[:, 20:40, 20:40] = 30 + 10 * np.arange(SLICES)[:, None, None] + case
    return Volume(
        hu=hu,
        pixel_spacing_mm=(3.0, 3.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0, 0, 5.0 * index] for index in range(SLICES)]),
        slice_spacing_mm=np.full(SLICES, 5.0),
        scan_id="s",
        patient_id="p",
    )


@pytest.fixture(scope="module")
def key() -> list[KeyRow]:
    cases = [
        DifficultCase("AI", "dumc", f"scan-{i}", i % 2 == 0, "", float("nan"), "", 0.5)
        for i in range(CASES)
    ]
    return number_cases("tiny", cases, 0.5, seed=4)


@pytest.fixture(scope="module")
def page(key: list[KeyRow], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("review") / "review.html"

    def encode(case: str) -> EncodedScan:
        scan = volume(int(case[-1]))
        middle = (scan.hu != 40) & (scan.hu > 0)
        return encode_scan(scan, None if case == "case-006" else middle)

    return write_review(path, "tiny", EVIL, key[0].review, [row.case for row in key], encode)


@contextmanager
def opened(page: Path, profile: Path) -> Iterator[Any]:
    with Browser(profile) as browser:
        browser.open(page)
        browser.wait("document.documentElement.dataset.ready === 'true'")
        yield browser
        assert browser.complaints() == []
        assert browser.run("document.title") == "Review of difficult cases – tiny"


@pytest.fixture
def browser(page: Path, tmp_path: Path) -> Iterator[Any]:
    with opened(page, tmp_path) as browser:
        yield browser


def shown(browser: Any, state: str) -> None:
    """Wait for what stands on the canvas: case/slice/window/overlay."""
    browser.wait(f"document.querySelector('#stage').dataset.shown === '{state}'")


def grey(browser: Any) -> int:
    """Return the grey in the middle of the slice."""
    return int(
        browser.run(
            "(() => { const c = document.querySelector('#slice');"
            "return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()"
        )
    )


def expected(case: str, slice_: int, level: float, width: float) -> float:
    hu = 30 + 10 * (slice_ - 1) + int(case[-1])
    return 255 * min(1, max(0, (hu - level + width / 2) / width))


def answer(browser: Any, case: str) -> Any:
    return browser.run(
        "JSON.parse(Object.entries(localStorage).find(([k]) => k.endsWith(':' + "
        f"document.querySelector('#reader').value))[1]).answers['{case}']"
    )


def text(browser: Any, selector: str) -> str:
    return str(browser.run(f"document.querySelector({json.dumps(selector)}).textContent"))


def pressed(browser: Any, selector: str) -> bool:
    attribute = f"document.querySelector({json.dumps(selector)}).getAttribute('aria-pressed')"
    return bool(browser.run(attribute) == "true")


def order(browser: Any) -> list[str]:
    names: list[str] = browser.run(
        "[...document.querySelectorAll('#cases button')].map(b => b.textContent)"
    )
    return names


def choose(browser: Any, reader: str) -> list[str]:
    browser.choose("#reader", reader)
    return order(browser)


def test_slices_windows_and_overlay(browser: Any) -> None:
    cases = choose(browser, "reader-1")
    case = next(name for name in cases if name != "case-006")
    browser.click(f"#cases li:nth-child({cases.index(case) + 1}) button")

    shown(browser, f"{case}/3/1/0")  # opens in the middle, brain window, no overlay
    assert text(browser, "#case") == case
    assert text(browser, "#position") == "Slice 3 of 5"
    assert grey(browser) == pytest.approx(expected(case, 3, 40, 80), abs=8)
    browser.key("ArrowUp")
    shown(browser, f"{case}/4/1/0")
    assert grey(browser) == pytest.approx(expected(case, 4, 40, 80), abs=8)
    browser.key("ArrowDown")
    browser.wheel("#stage", 120)  # down: towards the feet
    shown(browser, f"{case}/2/1/0")
    browser.wheel("#stage", -120)
    browser.choose("#slider", "5")
    shown(browser, f"{case}/5/1/0")
    browser.key("ArrowUp")  # there is none above
    assert text(browser, "#position") == "Slice 5 of 5"
    browser.key("2")
    shown(browser, f"{case}/5/2/0")
    assert grey(browser) == pytest.approx(expected(case, 5, 80, 200), abs=5)
    for number, (level, width) in enumerate([(40, 80), (80, 200), (40, 40), (600, 2800)], start=1):
        browser.click(f"#windows button:nth-child({number})")
        shown(browser, f"{case}/5/{number}/0")
        assert grey(browser) == pytest.approx(expected(case, 5, level, width), abs=12)
        assert pressed(browser, f"#windows button:nth-child({number})")

    outlined = (
        "(() => { const c = document.querySelector('#outlines'); return c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data.some(v => v); })()"
    )
    assert not browser.run(outlined)
    browser.key("o")
    shown(browser, f"{case}/5/4/1")
    assert browser.run(outlined)
    browser.click("#overlay")
    shown(browser, f"{case}/5/4/0")
    assert not browser.run(outlined)
    assert answer(browser, case)["overlay_seen"] is True

    browser.click(f"#cases li:nth-child({cases.index('case-006') + 1}) button")
    assert browser.run("document.querySelector('#overlay').disabled")
    browser.key("o")
    shown(browser, "case-006/3/4/0")
    assert "no overlay" in text(browser, "#position")


def test_every_key_and_every_box(browser: Any) -> None:
    case = choose(browser, "reader-1")[0]
    for number in "1234":
        browser.key(number)
        shown(browser, f"{case}/3/{number}/0")
    subtypes = {"e": "EDH", "i": "IPH", "v": "IVH", "a": "SAH", "s": "SDH"}
    for letter in subtypes:
        browser.key(letter)
    assert answer(browser, case)["subtypes"] == list(subtypes.values())
    for subtype in subtypes.values():
        browser.click(f"[data-subtype='{subtype}']")
        assert not browser.run(f"document.querySelector(\"[data-subtype='{subtype}']\").checked")
    assert (answer(browser, case)["ich"], answer(browser, case)["subtypes"]) == ("1", [])
    browser.click("[data-ich='0']")
    assert (answer(browser, case)["ich"], pressed(browser, "[data-ich='0']")) == ("0", True)
    browser.click("summary")
    assert browser.run("document.querySelector('details').open")


def test_a_full_storage_is_told(browser: Any) -> None:
    choose(browser, "reader-1")
    browser.run(
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"
    )
    browser.key("y")
    assert "cannot be kept in this browser (QuotaExceededError)" in text(browser, "#message")
    assert text(browser, "#progress") == "1 of 6 answered"


def give_answers(browser: Any) -> None:
    first, second, third, *_ = choose(browser, "reader-2")
    assert text(browser, "#progress") == "0 of 6 answered"

    browser.click("[data-ich='1']")
    assert (answer(browser, first)["ich"], pressed(browser, "[data-ich='1']")) == ("1", True)
    browser.click("[data-subtype='SAH']")
    assert answer(browser, first)["subtypes"] == ["SAH"]
    browser.key("n")  # no hemorrhage has no subtypes
    assert (answer(browser, first)["ich"], answer(browser, first)["subtypes"]) == ("0", [])
    browser.key("s")  # and a subtype is a hemorrhage
    browser.key("e")
    assert answer(browser, first)["subtypes"] == ["EDH", "SDH"]
    browser.key("e")
    assert (answer(browser, first)["ich"], answer(browser, first)["subtypes"]) == ("1", ["SDH"])
    browser.run("document.querySelector('#comment').focus()")
    browser.type('thin, "falx"\nor tentorium = y')
    browser.key("n")  # a letter of the comment, not an answer
    assert answer(browser, first)["ich"] == "1"
    assert answer(browser, first)["comment"].startswith('thin, "falx"\nor tentorium = y')
    assert browser.run("document.querySelector('#cases button').className") == "answered"

    browser.click("#next")
    assert text(browser, "#case") == second
    browser.key("y")
    browser.key("y")  # taken back
    assert answer(browser, second)["ich"] == ""
    browser.click("#unanswered")
    assert text(browser, "#case") == third
    browser.key("n")
    browser.key("u")
    browser.key("ArrowLeft")
    browser.click("#previous")
    assert text(browser, "#case") == second
    browser.key("ArrowRight")
    assert text(browser, "#case") == third
    assert text(browser, "#progress") == "2 of 6 answered"


def find_answers(browser: Any) -> None:
    assert browser.run("document.querySelector('#reader').value") == "reader-2"
    assert text(browser, "#progress") == "2 of 6 answered"
    assert text(browser, "#case") == order(browser)[2]
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    assert browser.run("document.querySelector(\"[data-subtype='SDH']\").checked")
    assert "tentorium" in browser.run("document.querySelector('#comment').value")


def export_and_import(browser: Any, key: list[KeyRow], tmp_path: Path) -> None:
    done = choose(browser, "reader-2")[0]
    browser.click("#export")
    name = f"{key[0].review}-reader-2.csv"
    path = browser.downloaded(name)

    assert text(browser, "#message") == "Exported; 4 cases are still without an answer."
    with path.open(encoding="utf-8", newline="") as handle:
        rows = {row["case"]: row for row in csv.DictReader(handle)}
    assert tuple(rows[done]) == COLUMNS
    assert [row.case for row in key] == list(rows)
    assert (rows[done]["ich"], rows[done]["SDH"], rows[done]["EDH"]) == ("1", "1", "0")
    assert rows[done]["comment"].startswith('thin, "falx"\nor tentorium = y')
    answers = read_answers([path], key)
    assert sorted(answers.ich[:, 0].tolist()) == [-1, -1, -1, -1, 0, 1]

    browser.choose("#reader", "reader-3")
    browser.upload("#import", path)
    browser.wait("document.querySelector('#message').textContent.startsWith('Not imported')")
    assert "of reader-2, not of reader-3" in text(browser, "#message")
    browser.run("localStorage.clear()")
    browser.choose("#reader", "")
    browser.upload("#import", path)
    browser.wait("document.querySelector('#message').textContent === '2 answers imported.'")
    assert browser.run("document.querySelector('#reader').value") == "reader-2"
    assert answer(browser, done)["comment"] == rows[done]["comment"]
    assert answer(browser, done)["subtypes"] == ["SDH"]

    other = tmp_path / "other.csv"
    for change, message in (
        (lambda t: t.replace("tiny-", "evil-"), "belongs to another review"),
        (lambda t: t.replace("case-001", "case-<b>"), "case-<b> belongs to another review"),
        (lambda t: t.replace("reader,case", "who,case"), "its columns are others"),
    ):
        other.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="")
        browser.upload("#import", other)
        browser.wait(f"document.querySelector('#message').textContent.includes('{message}')")
    assert browser.run("document.querySelectorAll('#message b').length") == 0


def test_answers_survive_and_travel(page: Path, key: list[KeyRow], tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    with opened(page, profile) as browser:
        give_answers(browser)
    with opened(page, profile) as browser:  # the tab was closed, the whole browser was
        find_answers(browser)
        export_and_import(browser, key, tmp_path)


def test_each_reader_has_an_order_and_answers_of_their_own(browser: Any) -> None:
    orders = {reader: choose(browser, reader) for reader in ("reader-1", "reader-2", "reader-3")}

    assert len({tuple(names) for names in orders.values()}) == 3
    assert {tuple(sorted(names)) for names in orders.values()} == {
        tuple(f"case-00{number}" for number in range(1, 7))
    }
    assert choose(browser, "reader-1") == orders["reader-1"]
    assert text(browser, "#progress") == "0 of 6 answered"

    # without a reader nothing can be answered
    browser.choose("#reader", "")

    assert text(browser, "#progress") == "Choose a reader to begin"
    browser.key("y")
    assert browser.run("document.querySelector('#export').disabled")
    assert not pressed(browser, "[data-ich='1']")
