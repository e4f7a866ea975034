"""The page of the paper's numbers: every one is on it, counted, and the page is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.paper import STATUSES, Ledger, PrintedNumber, load_ledger
from ichnet.reporting.tables.ledger import MEANINGS, ledger_page, write_ledger

PAGE = Path(__file__).parents[3] / "docs" / "ledger.md"


def ledger_of(*entries: tuple[str, str, str]) -> Ledger:
    return Ledger(
        {
            key: PrintedNumber(key, printed, status, "found", "as printed", "It is so.")
            for key, printed, status in entries
        }
    )


def test_committed_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == ledger_page(load_ledger()), "run eval/ledger.py"


def test_every_status_has_a_meaning():
    assert tuple(MEANINGS) == STATUSES


def test_page_counts_by_status_then_lists_by_place():
    page = ledger_page(
        ledger_of(
            ("table1/dumc/cases", "600", "consistent"),
            ("table1/dumc/age", "65.7 ± 14.9", "not-reproducible"),
            ("table2/VGG19/rsna-weak/p", "P < 0.0001 (*0.0031)", "consistent"),
        )
    )

    lines = page.splitlines()
    assert "3 printed numbers, an estimate with its interval counted as one." in lines
    assert [line[:20] for line in lines if line.startswith("| consistent ")] == [
        "| consistent | 2 | a"
    ]
    assert sum(line.startswith("| contradiction | 0 |") for line in lines) == 1
    headings = [line for line in lines if line.startswith("#")]
    assert headings == ["# The paper's numbers", "## How they stand", "## Table 1", "## Table 2"]
    assert "1 consistent, 1 not-reproducible." in lines
    assert "| dumc, cases | 600 | consistent | as printed | It is so. |" in lines
    assert (
        "| VGG19, rsna-weak, p | P &lt; 0.0001 (*0.0031) | consistent | as printed | It is so. |"
        in lines
    )


def test_a_place_without_a_heading_is_named(tmp_path):
    ledger = ledger_of(("table9/cases", "1", "consistent"))

    with pytest.raises(ValueError, match=r"table9/cases: 'table9' is not one of table1, .*text"):
        write_ledger(ledger, tmp_path / "ledger.md")
    assert not list(tmp_path.iterdir())
