from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ichnet.reporting.review.images import EncodedScan
from ichnet.reporting.review.page import (
    KeyRow,
    number_cases,
    read_key,
    write_key,
    write_review,
)
from ichnet.reporting.tables.difficult import DifficultCase

EVIL = "</script><script>alert('x')</script>"


def case(index: int) -> DifficultCase:
    return DifficultCase(
        difficult_for="AI" if index % 2 else "humans",
        cohort="dumc",
        scan_id=f"scan-{index}",
        ich=index % 3 == 0,
        kind="SDH" if index % 3 == 0 else "",
        volume_ml=float("nan") if index == 1 else 2.5,
        votes="110",
        probability=index / 10,
    )


@pytest.fixture
def rows() -> list[KeyRow]:
    return number_cases("tiny", [case(index) for index in range(8)], threshold=0.5, seed=1)


def test_numbers_are_in_random_order_and_the_same_for_the_same_seed(rows: list[KeyRow]) -> None:
    scans = [row.scan_id for row in rows]

    assert [row.case for row in rows] == [f"case-{number:03d}" for number in range(1, 9)]
    assert sorted(scans) == [f"scan-{index}" for index in range(8)] != scans
    assert rows[0] == number_cases("tiny", [case(index) for index in range(8)], 0.5, seed=1)[0]
    again = number_cases("tiny", [case(index) for index in range(8)], 0.5, seed=2)
    assert again[0].review != rows[0].review
    assert [row.scan_id for row in again] != scans


def test_the_decision_is_that_of_the_threshold(rows: list[KeyRow]) -> None:
    assert {row.scan_id for row in rows if row.decision} == {"scan-5", "scan-6", "scan-7"}


def test_the_key_comes_back_and_is_its_owners_alone(rows: list[KeyRow], tmp_path: Path) -> None:
    path = write_key(rows, tmp_path / "key.csv")

    assert path.stat().st_mode & 0o777 == 0o600
    read = read_key(path)
    assert [repr(row) for row in read] == [repr(row) for row in rows]  # NaN is not itself


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("case,", "number,"), "not a review's key"),
        (lambda text: text.replace("case-002", "case-001"), "a case stands there twice"),
        (lambda text: text.replace("tiny-", "other-", 1), "one review"),
        (lambda text: text.splitlines()[0] + "\n", "one review"),
        (lambda text: text.replace("0.5,", "half,"), "case-00"),
    ],
)
def test_a_broken_key_is_refused(rows, tmp_path, change, message):
    path = write_key(rows, tmp_path / "key.csv")
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(ValueError, match=message) as error:
        read_key(path)
    assert str(path) in str(error.value)


def test_readers_are_not_told_what_a_case_is(rows: list[KeyRow], tmp_path: Path) -> None:
    scan = EncodedScan(1, 1, ("AAAA",), None)
    page = write_review(
        tmp_path / "review.html", EVIL, EVIL, rows[0].review, [r.case for r in rows], lambda _: scan
    ).read_text(encoding="utf-8")

    assert not re.search(r"scan-\d|dumc|probability|humans", page)
    settings = json.loads(re.search(r'id="review">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
    assert settings["cases"] == [row.case for row in rows]
    assert len(settings["hu"]) == 256


def test_strings_from_data_are_escaped(tmp_path: Path) -> None:
    scan = EncodedScan(1, 1, (EVIL,), ([],))
    page = write_review(
        tmp_path / "review.html", EVIL, EVIL, EVIL, ["case-001"], lambda _: scan, readers=[EVIL]
    ).read_text(encoding="utf-8")

    assert "<script>alert" not in page
    assert page.count("<script") == 3  # settings, one case, the page's own
    assert "&lt;script&gt;alert" in page
