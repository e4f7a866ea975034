from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.review.answers import (
    UNANSWERED,
    Answers,
    read_answers,
    read_votes,
    write_answers,
)
from ichnet.reporting.review.page import READERS, KeyRow
from ichnet.reporting.review.results import (
    agreement_table,
    amend,
    before_after_table,
    errors_table,
    needed_votes,
    write_meeting,
)
from ichnet.reporting.review.simulated_readers import simulate_answers
from ichnet.statistics.agreement import count_ratings, fleiss_kappa

# truth, the model's decision, opinions of six readers
CASES = [
    (1, 1, "111111"),  # nothing to discuss
    (1, 0, "000000"),  # six against: becomes normal, and the model right
    (1, 0, "000011"),  # four against: becomes normal
    (1, 0, "000111"),  # three to three: stays
    (0, 0, "111100"),  # becomes ICH, and the model wrong
    (0, 1, "100000"),  # one against: stays
    (0, 0, "000000"),
]


def key_row(index: int, ich: int, decision: int) -> KeyRow:
    return KeyRow(
        review="tiny-1",
        case=f"case-{index:03d}",
        difficult_for="AI",
        cohort="dumc",
        scan_id=f"scan-{index}",
        ich=bool(ich),
        kind="SDH" if ich else "",
        volume_ml=1.5 if ich else 0.0,
        votes="",
        probability=0.45 + 0.2 * decision + index / 1000,
        decision=bool(decision),
    )


@pytest.fixture
def answers() -> Answers:
    key = tuple(key_row(index, *case[:2]) for index, case in enumerate(CASES, start=1))
    ich = np.array([[int(opinion) for opinion in case[2]] for case in CASES], np.int8)
    return Answers(key, READERS, ich, np.zeros(ich.shape, bool))


@pytest.mark.parametrize(("readers", "needed"), [(6, 4), (3, 2), (5, 4), (1, 1)])
def test_four_of_six_amend(readers: int, needed: int) -> None:
    assert needed_votes(readers) == needed


def test_the_four_of_six_rule(answers: Answers) -> None:
    amendment = amend(answers)

    assert amendment.discussed.tolist() == [False, True, True, True, True, True, False]
    assert amendment.truth.tolist() == [True, False, False, True, True, False, False]
    assert amendment.votes[2].tolist() == [2, 4]
    assert amendment.pending == 0


def test_the_meetings_votes_stand_above_opinions(answers: Answers) -> None:
    amendment = amend(answers, {"case-002": (3, 3), "case-004": (2, 4), "case-005": (0, 6)})

    assert amendment.truth.tolist() == [True, True, True, False, False, False, False]
    assert amendment.pending == 2  # case-003 and case-006


def test_more_votes_than_readers_are_refused(answers: Answers) -> None:
    with pytest.raises(ValueError, match="case-003: 7 votes of 6 readers"):
        amend(answers, {"case-003": (3, 4)})


def test_votes_on_what_nobody_disputed_are_refused(answers: Answers) -> None:
    with pytest.raises(ValueError, match="case-001: votes on a case that no reader disputed"):
        amend(answers, {"case-001": (1, 5)})


def test_agreement(answers: Answers) -> None:
    table = agreement_table(answers)

    assert "7 cases answered by all" in table.caption
    assert "completely on 3: 2 with the ground truth, 1 against it" in table.caption
    assert len(table.rows) == 1 + 15
    # seen by 6, 0, 2, 3, 4, 1, 0 readers: P = (15+15+7+6+7+10+15)/105, share of ICH 16/42
    agreement, share = 75 / 105, 16 / 42
    chance = share**2 + (1 - share) ** 2
    assert table.rows[0][2].value == pytest.approx((agreement - chance) / (1 - chance))  # type: ignore[union-attr]


def test_before_and_after(answers: Answers) -> None:
    table = before_after_table(answers, amend(answers))

    assert "On 5 a reader disagreed" in table.caption
    assert "4 of 6 votes amend it: 1 became ICH and 2 normal" in table.caption
    assert "1 times 6:0, 1 times 5:1, 2 times 4:2, 1 times 3:3" in table.caption
    assert len(table.rows) == 2 * 7
    before, after = table.rows[0], table.rows[7]
    assert before[0] == "Original truth (4 ICH, 3 normal)"
    assert after[0] == "Amended truth (3 ICH, 4 normal)"
    # the model: right on 1, 5, 7 of the original truth, and on 1, 2, 3, 7 of the amended one
    assert [cell.value for cell in before[3:6]] == pytest.approx([3 / 7, 1 / 4, 2 / 3])  # type: ignore[union-attr]
    assert [cell.value for cell in after[3:6]] == pytest.approx([4 / 7, 1 / 3, 3 / 4])  # type: ignore[union-attr]
    assert before[6] == "–"


def test_what_the_model_still_gets_wrong(answers: Answers) -> None:
    table = errors_table(answers, amend(answers))

    assert [(row[0], row[3], row[7], row[8]) for row in table.rows] == [
        ("case-006", "false alarm", "1 of 6", "no"),
        ("case-004", "missed", "3 of 6", "no"),
        ("case-005", "missed", "4 of 6", "yes"),
    ]
    assert "2 missed, 1 false alarms" in table.caption


def test_the_meeting_is_blinded_and_its_votes_come_back(answers: Answers, tmp_path: Path) -> None:
    path = write_meeting(answers, amend(answers), tmp_path / "meeting.csv")

    text = path.read_text(encoding="utf-8")
    assert "scan-" not in text
    assert "reader" not in text
    assert read_votes(path, answers.key) == {}
    path.write_text(text.replace("case-003,,,", "case-003,1,5,"), encoding="utf-8")
    assert read_votes(path, answers.key) == {"case-003": (1, 5)}
    path.write_text(text.replace("case-003,,,", "case-003,1,,"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"meeting\.csv: case-003: votes are"):
        read_votes(path, answers.key)


def test_answers_come_back_in_order(answers: Answers, tmp_path: Path) -> None:
    answers.ich[3, 2] = UNANSWERED
    paths = write_answers(answers, tmp_path)

    read = read_answers(paths[::-1], answers.key)

    assert read.readers == READERS
    assert (read.ich == answers.ich).all()
    assert read.complete.tolist() == [True, True, True, False, True, True, True]


def test_missing_answers_are_counted(answers: Answers) -> None:
    answers.ich[3, 2] = UNANSWERED
    answers.overlay_seen[0, 0] = True

    table = before_after_table(answers, amend(answers))

    assert table.rows[3][1:3] == ("reader-3", "6")
    assert table.notes == (
        "reader-3: 1 cases without an answer, left out where this reader counts.",
        "1 answers were given after the model's outlines had been looked at.",
    )
    assert "6 cases answered by all" in agreement_table(answers).caption


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("tiny-1", "tiny-2"), "belongs to review tiny-2"),
        (lambda text: text.replace("case-002", "case-001"), "the key has no case-001"),
        (lambda text: text.replace("case-002", "case-099"), "the key has no case-099"),
        (lambda text: text.replace("case-002,0", "case-002,yes"), "ich is 'yes'"),
        (lambda text: text.replace("reader-1,case-002", "reader-2,case-002"), "one reader"),
        (lambda text: text.replace("overlay_seen", "seen"), "missing: overlay_seen"),
    ],
)
def test_wrong_answers_are_refused(answers, tmp_path, change, message):
    path = write_answers(answers, tmp_path)[0]
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(ValueError, match=message) as error:
        read_answers([path], answers.key)
    assert str(path) in str(error.value)


def test_a_reader_counts_once(answers: Answers, tmp_path: Path) -> None:
    path = write_answers(answers, tmp_path)[0]

    with pytest.raises(ValueError, match="two files of reader-1"):
        read_answers([path, path], answers.key)


def test_simulated_readers_agree_more_than_by_chance_and_differ() -> None:
    key = [key_row(index, index % 2, 0) for index in range(200)]

    answers = simulate_answers(key, seed=3)

    kappa = agreement_table(answers).rows[0][2]
    assert isinstance(kappa, Estimate)
    assert 0.2 < kappa.low < kappa.high < 0.9
    assert (answers.ich == simulate_answers(key, seed=3).ich).all()
    amendment = amend(answers)
    assert 0 < (amendment.truth != answers.truth).sum() < 60


def test_simulated_experts_agree_as_the_papers_did() -> None:
    """161 cases, 90 with hemorrhage, volumes of the phantom's size; paper: kappa .54."""
    rng = np.random.default_rng(7)
    kappas = []
    for seed in range(4):
        volumes_ml = np.exp(rng.normal(1.5, 1.6, 90))
        key = [
            replace(key_row(i, int(i < 90), 0), volume_ml=volumes_ml[i] if i < 90 else 0.0)
            for i in range(161)
        ]
        kappas.append(fleiss_kappa(count_ratings(simulate_answers(key, seed).ich)).value)
    assert abs(np.mean(kappas) - 0.54) < 0.05
    assert np.abs(np.array(kappas) - 0.54).max() < 0.12
