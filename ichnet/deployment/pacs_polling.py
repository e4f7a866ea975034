"""A PACS is asked again and again for new studies; the model is loaded once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from ichnet.deployment.pacs import Pacs, StudyOutcome, predict_studies
from ichnet.deployment.pacs_client import PacsError
from ichnet.deployment.predict import Predictor
from ichnet.deployment.time_limit import OutOfTimeError, time_limit

MOST_TRIES = 3
"""A study that fails so often is left until its number of instances changes."""


def new_studies(
    pacs: Pacs,
    predictor: Predictor,
    pause_s: float,
    days: int,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> Iterator[StudyOutcome]:
    """Predict the studies of the last days, and each that comes, until told to stop.

    A study is taken again when it has another number of instances than after it was last taken,
    its results counted in; where the PACS tells no number, once. What is known of
    studies lives as long as the call; after a restart the studies of the last days are fetched
    again, and results that exist are kept and stored under the same UIDs.

    Args:
        pacs: that is asked.
        predictor: as for :func:`~ichnet.deployment.pacs.predict_studies`.
        pause_s: between two times of asking.
        days: before today, by the studies' date.
        stop: looked at between studies.
        tell: is told when the PACS cannot be asked; it is asked again after the pause.

    Yields:
        what became of each study.

    Raises:
        ModelError: when the model cannot be loaded.
    """
    done: dict[str, int | None] = {}
    failures: Counter[tuple[str, int | None]] = Counter()
    while not stop.is_set():
        try:
            with time_limit(pacs.time_limit_s):
                found = pacs.studies(f"{date.today() - timedelta(days):%Y%m%d}")
        except (PacsError, OutOfTimeError) as error:
            tell(str(error))
            found = {}
        for study, count in found.items():
            if stop.is_set():
                break
            known = study in done and done[study] == count
            if known or failures[study, count] >= MOST_TRIES:
                continue
            (outcome,) = predict_studies(pacs, [study], predictor)
            if outcome.problem:
                failures[study, count] += 1
            else:  # refused is an answer, too
                added = 0 if study in done else outcome.stored
                done[study] = None if count is None else count + added
            yield outcome
        stop.wait(pause_s)
