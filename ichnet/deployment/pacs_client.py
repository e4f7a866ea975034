"""A DICOMweb client that checks whether a PACS has sent everything that was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset

from ichnet.deployment.pacs_access import PacsAccess
from ichnet.deployment.time_limit import OutOfTimeError

CT = "CT"
STUDY_UID = "0020000D"
SERIES_UID = "0020000E"
INSTANCE_UID = "00080018"
MODALITY = "00080060"
NUMBER_OF_INSTANCES = "00201209"
NUMBER_OF_STUDY_INSTANCES = "00201208"

BUSY = (408, 429, 503, 504)
"""HTTP status of a PACS that is busy."""

BUSY_PAUSES_S = (1.0, 2.0, 4.0, 8.0)
"""Pauses between attempts; the time limit holds for all attempts together."""

PARTIAL = 206
"""HTTP status of an answer that is not complete."""


class PacsError(Exception):
    """The PACS does not hold what was asked for, or does not give it.

    Attributes:
        reason: a code of ``excluded.csv``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class BusyError(PacsError):
    """The PACS is busy: the request may be repeated later."""


class UnreachableError(PacsError):
    """The PACS does not answer at all."""

    def __init__(self, error: Exception) -> None:
        super().__init__("pacs-failure", f"the PACS does not answer ({type(error).__name__})")


@dataclass(frozen=True)
class SeriesInPacs:
    """A series as a PACS lists it.

    Attributes:
        uid: SeriesInstanceUID.
        instances: SOP Instance UIDs that it lists.
        count: their number by NumberOfSeriesRelatedInstances; ``None`` where that is not given.
    """

    uid: str
    instances: frozenset[str]
    count: int | None


class Pacs:
    """A PACS' DICOMweb service.

    Args:
        url: of the service.
        settle_s: for which the number of a series' instances must not change.
        time_limit_s: for all that is asked about a study, and again for storing its results.
        access: what it is shown.

    Raises:
        AccessError: when that cannot be shown to it.
    """

    def __init__(
        self,
        url: str,
        settle_s: float,
        time_limit_s: float,
        access: PacsAccess = PacsAccess(),  # noqa: B008 - frozen
    ) -> None:
        self.settle_s, self.time_limit_s = settle_s, time_limit_s
        self._client = DICOMwebClient(
            url, session=access.session(url), permissive_uid=True, callback=self._note_partial
        )
        # its own retries also swallow what ends the program
        self._client.set_http_retry_params(retry=False)
        self._is_partial = False

    def settled_series(self, study_uid: str) -> list[SeriesInPacs]:
        """Return the CT series of a study once their numbers do not change any more.

        It may wait for ever: use a time limit.

        Raises:
            PacsError: ``not-in-pacs`` when there is none, ``incomplete-answer`` when the PACS lists
                only a part and does not tell how much there is.
        """
        before = self._ct_series(study_uid)
        if not before:
            raise PacsError("not-in-pacs", "the PACS holds no CT of the study")
        while True:
            time.sleep(self.settle_s)
            now = self._ct_series(study_uid)
            if now == before:
                return now
            before = now

    def studies(self, first_day: str) -> dict[str, int | None]:
        """Return the studies with CT since a day, with the number of their instances.

        Args:
            first_day: ``YYYYMMDD``, by the studies' own date.

        Raises:
            PacsError: when it does not tell.
        """
        filters = {"ModalitiesInStudy": CT, "StudyDate": f"{first_day}-"}
        fields = [NUMBER_OF_STUDY_INSTANCES]
        found, _ = self._pages(
            lambda offset: self._client.search_for_studies(
                search_filters=filters, fields=fields, offset=offset
            ),
            STUDY_UID,
        )
        counts = {uid: _value(one, NUMBER_OF_STUDY_INSTANCES) for uid, one in found.items()}
        return {uid: None if count is None else int(count) for uid, count in counts.items()}

    def fetch(self, study_uid: str, series: SeriesInPacs, folder: Path) -> None:
        """Write all instances of a series into a new folder.

        Instances that are missing in the answer, or cannot be read, are requested one by one.

        Raises:
            PacsError: ``incomplete-answer`` when not all of it came.
        """
        folder.mkdir(parents=True)
        received: set[str] = set()

        def keep(instance: Dataset) -> None:
            uids = (str(instance.StudyInstanceUID), str(instance.SeriesInstanceUID))
            uid = str(instance.SOPInstanceUID)
            if uids == (study_uid, series.uid) and uid not in received:
                path = folder / f"{len(received):05d}.dcm"
                instance.save_as(path, enforce_file_format=True)
                received.add(uid)

        with suppress_but_time():
            for instance in self._client.iter_series(study_uid, series.uid):
                keep(instance)
        for uid in sorted(series.instances - received):
            with suppress_but_time():
                keep(self._client.retrieve_instance(study_uid, series.uid, uid))
        count = len(series.instances) if series.count is None else series.count
        if len(received) != count or not series.instances <= received:
            came = len(received)
            raise PacsError("incomplete-answer", f"{came} of {count} instances of a series came")

    def store(self, paths: Iterable[Path], study_uid: str) -> int:
        """Store objects in a study, and return how many of them the PACS then says it holds.

        Raises:
            PacsError: when it refuses one.
        """
        objects = [pydicom.dcmread(path) for path in paths]
        answer = _asked(lambda: self._client.store_instances(objects, study_uid))
        if refused := answer.get("FailedSOPSequence"):
            reasons = sorted({f"{one.get('FailureReason', 0):04X}H" for one in refused})
            detail = f"the PACS refused {len(refused)} of {len(objects)} objects"
            raise PacsError("pacs-failure", f"{detail} ({', '.join(reasons)})")
        return sum(
            str(one.SOPInstanceUID) in self._instances(study_uid, str(one.SeriesInstanceUID))
            for one in objects
        )

    def _ct_series(self, study_uid: str) -> list[SeriesInPacs]:
        fields = [MODALITY, NUMBER_OF_INSTANCES]
        found, is_partial = self._pages(
            lambda offset: self._client.search_for_series(study_uid, fields=fields, offset=offset),
            SERIES_UID,
        )
        if is_partial:
            raise PacsError("incomplete-answer", "the PACS lists only some series of the study")
        series = []
        for uid, one in sorted(found.items()):
            if _value(one, MODALITY) in (CT, None):
                count = _value(one, NUMBER_OF_INSTANCES)
                instances = self._instances(study_uid, uid, is_counted=count is not None)
                series.append(SeriesInPacs(uid, instances, None if count is None else int(count)))
        return series

    def _instances(
        self, study_uid: str, series_uid: str, is_counted: bool = True
    ) -> frozenset[str]:
        found, is_partial = self._pages(
            lambda offset: self._client.search_for_instances(study_uid, series_uid, offset=offset),
            INSTANCE_UID,
        )
        if is_partial and not is_counted:
            raise PacsError("incomplete-answer", "the PACS does not tell how much there is")
        return frozenset(found)

    def _pages(
        self, search: Callable[[int | None], list[dict[str, Any]]], tag: str
    ) -> tuple[dict[str, dict[str, Any]], bool]:
        """Request page after page until one holds nothing new.

        Returns:
            the entries by their UID; and whether the PACS said that the last page was incomplete.
        """
        found: dict[str, dict[str, Any]] = {}
        is_partial = False
        while True:
            self._is_partial = False
            try:
                page = _asked(partial(search, len(found) or None))
            except (BusyError, UnreachableError):
                raise
            except PacsError:
                if not found:
                    raise
                return found, is_partial  # a PACS that does not support pages
            new = {str(_value(one, tag)): one for one in page if _value(one, tag)}
            if new.keys() <= found.keys():
                return found, is_partial
            is_partial = self._is_partial
            found |= new

    def _note_partial(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._is_partial |= response.status_code == PARTIAL


class suppress_but_time(suppress):  # noqa: N801 - as its base
    """Suppress all errors of an answer, except that the time is over."""

    def __init__(self) -> None:
        super().__init__(Exception)

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool:
        if kind is not None and issubclass(kind, OutOfTimeError):
            return False
        return super().__exit__(kind, *rest)


def _asked(ask: Callable[[], Any]) -> Any:
    """Return an answer; repeat the request while the PACS is busy.

    Errors do not quote the library's message, which holds the URL.
    """
    for pause_s in BUSY_PAUSES_S:
        try:
            return _asked_once(ask)
        except BusyError:
            time.sleep(pause_s)
    return _asked_once(ask)


def _asked_once(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except OutOfTimeError:
        raise
    except requests.HTTPError as error:
        status = None if error.response is None else error.response.status_code
        failure = BusyError if status in BUSY else PacsError
        raise failure("pacs-failure", f"the PACS answers with status {status}") from error
    except requests.ConnectionError as error:
        raise UnreachableError(error) from error
    except requests.Timeout as error:
        raise UnreachableError(error) from error
    except Exception as error:
        kind = type(error).__name__
        raise PacsError("pacs-failure", f"its answer cannot be read ({kind})") from error


def _value(answer: dict[str, Any], tag: str) -> Any:
    return next(iter(answer.get(tag, {}).get("Value", [])), None)
