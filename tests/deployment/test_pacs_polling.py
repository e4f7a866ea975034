"""Which studies are taken when a PACS is asked again and again."""

from __future__ import annotations

import threading
from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from ichnet import commands
from ichnet.ct.pseudonym import pseudonym
from ichnet.deployment import pacs_polling
from ichnet.deployment.pacs import StudyOutcome
from ichnet.deployment.pacs_client import PacsError


class Growing:
    """A PACS that tells something else each time, and then ends the polling."""

    time_limit_s = 60.0

    def __init__(self, stop: threading.Event, *answers: Any) -> None:
        self._stop, self._answers = stop, list(answers)

    def studies(self, first_day: str) -> dict[str, int | None]:
        assert len(first_day) == 8
        if not self._answers:
            self._stop.set()
            return {}
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def taken(monkeypatch):
    """Poll some answers; return the studies taken, and what was told."""

    def poll(*answers: Any, **outcome: Any) -> tuple[list[str], list[str]]:
        def predict(pacs, studies, predictor):
            yield from (StudyOutcome(study, **outcome) for study in studies)

        monkeypatch.setattr(pacs_polling, "predict_studies", predict)
        stop, told = threading.Event(), []
        pacs = Growing(stop, *answers)
        found = pacs_polling.new_studies(pacs, None, 0.01, 1, stop, told.append)
        return [one.study_uid for one in found], told

    return poll


STORED = {"made": 2, "stored": 2}


def test_each_study_once_also_when_its_results_are_in_it(taken):
    studies, told = taken({"1": 16}, {"1": 18, "2": 16}, {"1": 18, "2": 18}, **STORED)
    assert studies == ["1", "2"]
    assert told == []


def test_a_study_that_grows_is_taken_again(taken):
    assert taken({"1": 16}, {"1": 18}, {"1": 20}, **STORED)[0] == ["1", "1"]


def test_a_study_without_a_result_is_not_asked_about_for_ever(taken):
    assert taken({"1": 16}, {"1": 16}, {"1": 16})[0] == ["1"]


def test_a_study_that_fails_is_tried_three_times_until_it_changes(taken):
    same = [{"1": 16}] * 5
    assert taken(*same, problem="the PACS refused")[0] == ["1"] * 3
    assert taken(*same, {"1": 17}, problem="the PACS refused")[0] == ["1"] * 4


def test_a_pacs_that_does_not_answer_is_asked_again(taken):
    error = PacsError("pacs-failure", "the PACS does not answer")
    studies, told = taken(error, {"1": None}, {"1": None}, **STORED)
    assert studies == ["1"]
    assert told == ["the PACS does not answer"]


def test_what_is_said_of_studies_that_nobody_named_holds_no_uid(monkeypatch, capsys):
    outcomes = [StudyOutcome("1.2.3", 2, 2), StudyOutcome("1.2.4", problem="the PACS refused")]
    monkeypatch.setattr(pacs_polling, "new_studies", lambda *_: iter(outcomes))
    predictor = SimpleNamespace(key=bytes(32), model=SimpleNamespace(load=lambda: None))
    commands._poll(None, predictor, Namespace(poll=1.0, days=1))
    said = capsys.readouterr()
    assert said.out == f"{pseudonym(bytes(32), 'input', '1.2.3')}: 2 objects stored\n"
    name = pseudonym(bytes(32), "input", "1.2.4")
    assert said.err == f"{name}: 0 objects stored; the PACS refused\n"
