"""Predicts studies of a PACS by DICOMweb, and stores the results there.

Studies are fetched by WADO-RS, one series at a time, into a folder that is removed afterwards;
results are stored by STOW-RS.
The PACS's own objects are never changed: a Segmentation and a report are added to the study.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ichnet.ct.errors import described
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.pacs_client import Pacs, PacsError, UnreachableError
from ichnet.deployment.predict import Predictor
from ichnet.deployment.scratch import scratch_folder
from ichnet.deployment.time_limit import OutOfTimeError, time_limit

__all__ = ["Pacs", "StudyOutcome", "predict_studies"]


@dataclass
class StudyOutcome:
    """The outcome of predicting a study.

    Attributes:
        study_uid: its StudyInstanceUID.
        made: DICOM objects that were made.
        stored: of these, how many the PACS says it holds.
        problem: what went wrong, empty when nothing did; the predictor's ``excluded.csv`` has it.
        unreachable: whether the PACS did not answer at all.
    """

    study_uid: str
    made: int = 0
    stored: int = 0
    problem: str = ""
    unreachable: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the PACS holds all results of the study."""
        return not self.problem and 0 < self.made == self.stored

    def __str__(self) -> str:
        return f"{self.study_uid}: {self.said}"

    @property
    def said(self) -> str:
        """The outcome in a sentence that does not name the study."""
        missing = "" if self.stored == self.made else f" of {self.made} that were made"
        problem = f"; {self.problem}" if self.problem else ""
        return f"{self.stored} objects stored{missing}{problem}"


def predict_studies(
    pacs: Pacs, study_uids: Sequence[str], predictor: Predictor
) -> Iterator[StudyOutcome]:
    """Fetch, predict and store back one study after another; a failure does not stop the others.

    A study that is predicted again replaces its rows of ``excluded.csv``.

    Args:
        pacs: that holds them.
        study_uids: StudyInstanceUID of each.
        predictor: writes DICOM results into its ``dicom_dir``, which it must have.

    Yields:
        the outcome of each study.

    Raises:
        ModelError: when the model cannot be loaded.
    """
    if predictor.dicom_dir is None:
        raise ValueError("a predictor without a folder for DICOM results has nothing to store")
    for study_uid in tqdm(study_uids, desc="studies", unit="study", disable=None):
        outcome = StudyOutcome(study_uid)
        predictor.come_from(study_uid)
        with _problems_of(outcome, predictor), scratch_folder() as scratch:
            fetch_study(pacs, outcome, scratch / "study", predictor)
            whole = sorted((scratch / "study").iterdir())
            results = predictor.take(whole) if whole else []
            paths = [path for one in results for path in predictor.dicom_paths(one.scan_id)]
            outcome.made = len(paths)
            if paths:
                with time_limit(pacs.time_limit_s):
                    outcome.stored = pacs.store(paths, study_uid)
        if outcome.stored < outcome.made and not outcome.problem:
            outcome.problem = "the PACS took them, but does not list all of them"
        yield outcome


def fetch_study(pacs: Pacs, outcome: StudyOutcome, folder: Path, predictor: Predictor) -> None:
    """Write the CT series of a study below a folder, if all of a series arrived.

    A series of which something is missing becomes a row of ``excluded.csv`` and the outcome's
    problem.

    Raises:
        PacsError: when the PACS has no CT series of the study.
        OutOfTimeError: when it takes too long.
    """
    study_uid = outcome.study_uid
    folder.mkdir()
    with time_limit(pacs.time_limit_s):
        series = pacs.settled_series(study_uid)
        for number, one in enumerate(series):
            target = folder / str(number)
            try:
                pacs.fetch(study_uid, one, target)
            except PacsError as error:
                shutil.rmtree(target)
                outcome.problem = str(error)
                predictor.exclude(Path(study_uid, one.uid), error.reason, str(error))
        again = pacs.settled_series(study_uid)
    if again != series:
        raise PacsError("incomplete-answer", "more of the study arrived while it was fetched")


@contextmanager
def _problems_of(outcome: StudyOutcome, predictor: Predictor) -> Iterator[None]:
    """Record an exception as the problem of its study, so that the next studies go on."""
    try:
        yield
    except ModelError:
        raise
    except PacsError as error:
        outcome.unreachable = isinstance(error, UnreachableError)
        reason, outcome.problem = error.reason, str(error)
    except OutOfTimeError as error:
        reason, outcome.problem = "pacs-failure", f"the PACS {error}"
    except Exception as error:
        reason, outcome.problem = "internal-error", described(error)
    else:
        return
    predictor.exclude(Path(outcome.study_uid), reason, outcome.problem)
