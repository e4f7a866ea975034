"""Predicts one complete series after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ichnet.ct.errors import described
from ichnet.deployment.exclusion_table import Excluded
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.predict import Predictor
from ichnet.deployment.scan_result import ScanResult
from ichnet.serving.inbox import Inbox
from ichnet.serving.queue import Claim, ScanOutcome, SeriesQueue
from ichnet.serving.reporter import Reporter
from ichnet.serving.state import REFUSED, SET_ASIDE

PASSING = ("missing-file", "unreadable", "internal-error", "set-aside")
"""Reasons that lie in this machine or program rather than in the scan."""


class Worker:
    """Predicts what the queue holds.

    Args:
        predictor: with a folder for DICOM results; one that does not remember.
        queue: of the series.
        inbox: holds their files.
        destinations: names of those that get the results.
        reporter: is told of each.
        also: makes further DICOM objects of a result, from the series' folder.
        answered: is called when there is something to send.
    """

    def __init__(
        self,
        predictor: Predictor,
        queue: SeriesQueue,
        inbox: Inbox,
        destinations: Sequence[str],
        reporter: Reporter,
        also: Callable[[ScanResult, Path], None] = lambda result, folder: None,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self._predictor, self._queue, self._inbox = predictor, queue, inbox
        self._destinations, self._reporter = destinations, reporter
        self._also, self._answered = also, answered

    def work(self, quiet_s: float) -> bool:
        """Predict the next complete series; return whether there was one.

        Raises:
            ModelError: when the model cannot be loaded.
        """
        claim = self._queue.claim(quiet_s)
        if claim is None:
            return False
        begin = time.perf_counter()
        folder = self._inbox.path(claim.name)
        try:
            results = self._predictor.take([folder])
            if results:
                self._also(results[0], folder)
        except ModelError:
            raise
        except Exception as error:
            self._failed(claim, "", "internal-error", described(error))
            return True
        excluded = self._predictor.exclusions
        if results:
            self._keep(claim, results[0], excluded, time.perf_counter() - begin)
        else:
            self._give_up(claim, excluded)
        return True

    def _keep(
        self, claim: Claim, result: ScanResult, excluded: Sequence[Excluded], seconds: float
    ) -> None:
        """Keep a result, which its destinations get where DICOM objects could be made."""
        has_objects = bool(self._predictor.dicom_paths(result.scan_id))
        answer = ScanOutcome(
            scan_id=result.scan_id,
            digest=result.provenance.digest,
            decision=result.decision,
            probability=result.probability,
            uncertain=result.uncertain,
            slices=len(result.slices),
            seconds=seconds,
            reason="" if has_objects else _main_reason(excluded).reason,
        )
        if self._queue.answered(claim, answer, self._destinations):
            self._reporter.predicted(result.decision, seconds)
            if self._destinations and has_objects:
                self._answered()
            else:
                self._reporter.ended(claim.name)

    def _give_up(self, claim: Claim, excluded: Sequence[Excluded]) -> None:
        main = _main_reason(excluded)
        if main.reason in PASSING:
            self._failed(claim, main.scan_id, main.reason, main.detail)
        elif self._queue.refused(claim, main.scan_id, main.reason, main.detail):
            self._reporter.without_result(REFUSED, main.reason)
            self._reporter.ended(claim.name)

    def _failed(self, claim: Claim, scan_id: str, reason: str, detail: str) -> None:
        if self._queue.failed(claim, scan_id, reason, detail):
            self._reporter.without_result(SET_ASIDE, reason)
            self._reporter.ended(claim.name)


def _main_reason(excluded: Sequence[Excluded]) -> Excluded:
    """Return the exclusion that most files share; of a damaged series that it is incomplete."""
    count = Counter(one.reason for one in excluded)
    (reason, _), *_ = count.most_common(1)
    return next(one for one in excluded if one.reason == reason)
