from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import load_predictions
from ichnet.reporting.tables.difficult import difficult_cases, difficult_tables, split_votes
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions

# scan, ICH, probability, votes
DUMC = [
    ("ich-at-limit", 1, 0.6, ""),
    ("ich-above", 1, 0.601, ""),
    ("ich-missed", 1, 0.1, ""),
    ("normal-at-limit", 0, 0.4, ""),
    ("normal-below", 0, 0.399, ""),
    ("normal-alarm", 0, 0.8, ""),
]
CQ500 = [
    ("all-yes", 1, 0.1, "111"),
    ("two-to-one", 1, 0.9, "110"),
    ("one-to-two", 0, 0.7, "001"),
    ("all-no", 0, 0.9, "000"),
]


@pytest.fixture
def tiny(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path)
    for cohort, rows in (("dumc", DUMC), ("cq500", CQ500)):
        write_predictions(
            (
                {"cohort": cohort, "scan_id": s, "ANY": ich, "probability": p, "votes": votes}
                for s, ich, p, votes in rows
            ),
            SCAN_COLUMNS,
            scans_path(run.predictions("ensemble-all"), cohort),
        )
    return run


def test_both_limits_are_difficult_and_votes_count_only_when_split(tiny: RunFolder) -> None:
    predictions = load_predictions(tiny, ["ensemble-all"])

    cases = difficult_cases(predictions, "ensemble-all", (0.4, 0.6))

    assert [(case.difficult_for, case.scan_id) for case in cases] == [
        ("AI", "ich-missed"),  # error .9
        ("AI", "normal-alarm"),  # .8
        ("AI", "ich-at-limit"),  # .4
        ("AI", "normal-at-limit"),  # .4
        ("humans", "one-to-two"),  # .7
        ("humans", "two-to-one"),  # .1
    ]


def test_summary_counts_what_the_model_got_right(tiny: RunFolder, config: Config) -> None:
    summary, listing = difficult_tables(tiny, config)

    # at 0.5 the model is right on ich-at-limit (.6) and normal-at-limit (.4)
    assert summary.rows == (
        ("Difficult for AI", "DUMC", "6", "4", "2", "2", "1/2", "1/2", "2/4"),
        ("Difficult for humans", "Qure.ai CQ500", "4", "2", "1", "1", "1/1", "0/1", "1/2"),
    )
    assert listing.caption.startswith("Scan level; 6 of 10 scans (5 with, 5 without ICH)")


def test_list_as_csv(tiny: RunFolder, config: Config, tmp_path: Path) -> None:
    path = write_table(difficult_tables(tiny, config)[1], tmp_path)[0]

    with path.open(encoding="utf-8", newline="") as handle:
        last = list(csv.DictReader(handle))[-1]
    assert path.name == "difficult_cases.csv"
    assert last == {
        "Difficult for": "humans",
        "Cohort": "cq500",
        "Scan": "two-to-one",
        "Truth": "ICH",
        "Subtype": "none",
        "Volume, mL": "",
        "Votes": "110",
        "Probability": "0.900",
    }


def test_without_the_final_model_the_tables_say_so(tmp_path: Path, config: Config) -> None:
    summary, listing = difficult_tables(RunFolder(tmp_path), config)

    assert listing.rows == ()
    assert "ensemble-all: no predictions for dumc, cq500." in summary.notes
    assert [row[2] for row in summary.rows] == ["–", "–"]


def test_split_votes() -> None:
    votes = np.array(["", "1", "111", "000", "101"], dtype=object)

    assert split_votes(votes).tolist() == [False, False, False, False, True]
