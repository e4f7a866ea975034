"""Studies from a PACS by DICOMweb, and what a model says of them back into it.

Fetched by WADO-RS one series at a time into a folder that is removed afterwards, stored by STOW-RS.
The PACS's own objects are never changed: a Segmentation and a report are added to the study.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom
from dicomweb_client import DICOMwebClient
from tqdm import tqdm

from ichnet.ct.pseudonym import pseudonym
from ichnet.deployment.predict import Predictor

CT = "CT"
SERIES_UID = "0020000E"
MODALITY = "00080060"


class PacsError(OSError):
    """The PACS does not hold what was asked for, or refuses what it was given."""


def predict_studies(
    client: DICOMwebClient, study_uids: Sequence[str], predictor: Predictor
) -> Iterator[tuple[str, int]]:
    """Fetch, predict and store back one study after another.

    Args:
        client: of the PACS.
        study_uids: StudyInstanceUID of each.
        predictor: writes DICOM results into its ``dicom_dir``, which it must have.

    Yields:
        each study and how many objects were stored in it: none when no series of it could be
        predicted; the predictor's ``excluded.csv`` then says why.

    Raises:
        PacsError: for a study without CT, or objects that the PACS refuses.
        OSError: when the PACS cannot be reached, or answers with an error.
    """
    for study_uid in tqdm(study_uids, desc="studies", unit="study", disable=None):
        with tempfile.TemporaryDirectory(prefix="ichnet-") as scratch:
            series_uids = list(fetch_ct(client, study_uid, Path(scratch)))
            predictor.take([Path(scratch)])
        yield study_uid, store_results(client, study_uid, series_uids, predictor)


def fetch_ct(client: DICOMwebClient, study_uid: str, folder: Path) -> Iterator[str]:
    """Write the CT series of a study below a folder, and yield their SeriesInstanceUIDs.

    Raises:
        PacsError: when the study has none.
    """
    found = client.search_for_series(study_instance_uid=study_uid, fields=[MODALITY])
    series_uids = [
        one[SERIES_UID]["Value"][0]
        for one in found
        if one.get(MODALITY, {}).get("Value", [CT])[0] == CT
    ]
    if not series_uids:
        raise PacsError(f"the PACS holds no CT of study {study_uid}")
    for number, series_uid in enumerate(series_uids):
        (folder / str(number)).mkdir()
        for index, instance in enumerate(client.iter_series(study_uid, series_uid)):
            instance.save_as(folder / str(number) / f"{index:05d}.dcm", enforce_file_format=True)
        yield series_uid


def store_results(
    client: DICOMwebClient, study_uid: str, series_uids: Sequence[str], predictor: Predictor
) -> int:
    """Store what the predictor wrote of these series, and return how many objects that were.

    Raises:
        PacsError: when the PACS refuses one of them.
    """
    if predictor.dicom_dir is None:
        raise ValueError("a predictor without a folder for DICOM results has nothing to store")
    paths = [
        path
        for uid in series_uids
        for path in sorted(predictor.dicom_dir.glob(f"{pseudonym(predictor.key, 'scan', uid)}.*"))
    ]
    if not paths:
        return 0
    answer = client.store_instances([pydicom.dcmread(path) for path in paths], study_uid)
    if refused := answer.get("FailedSOPSequence"):
        reasons = sorted({f"{one.get('FailureReason', 0):04X}H" for one in refused})
        raise PacsError(
            f"the PACS refused {len(refused)} of {len(paths)} objects ({', '.join(reasons)})"
        )
    return len(paths)
