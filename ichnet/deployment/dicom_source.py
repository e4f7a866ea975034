"""What DICOM results take from the scan they belong to: patient, study, slices; and their UIDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from ichnet.ct.errors import ReadError
from ichnet.ct.volume import Volume

EMPTY_IF_ABSENT: tuple[str, ...] = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
"""Elements that DICOM wants in every object of a study, with or without a value (type 2)."""


@dataclass(frozen=True)
class Identity:
    """What the objects of one result are called: the same result has the same UIDs again.

    Attributes:
        seed: the scan and the model's fingerprint.
    """

    seed: tuple[str, ...]

    def uid(self, *name: str) -> UID:
        """Return a UID that follows from the seed and a name."""
        return generate_uid(entropy_srcs=[*self.seed, *name])


def source_slices(volume: Volume, files: Sequence[Path]) -> list[Dataset]:
    """Return the headers of a scan's slices in the volume's order, complete enough to refer to.

    Raises:
        ReadError: ``multi-frame``.
    """
    if len(set(volume.sop_instance_uids)) < len(volume.hu):
        raise ReadError(files[0], "multi-frame", "DICOM results can refer to single-frame CT only")
    headers: dict[str, Dataset] = {}
    for path in files:
        read = pydicom.dcmread(path, stop_before_pixels=True)
        headers[str(read.SOPInstanceUID)] = read
    slices = [headers[uid] for uid in volume.sop_instance_uids]
    # images of one series share a frame of reference, also where a file does not name it
    frame_of_reference = generate_uid(entropy_srcs=[str(slices[0].SeriesInstanceUID), "frame"])
    for header in slices:
        for keyword in EMPTY_IF_ABSENT:
            if keyword not in header:
                setattr(header, keyword, "")
        if not header.get("FrameOfReferenceUID"):
            header.FrameOfReferenceUID = frame_of_reference
        if header.get("PatientIdentityRemoved") == "YES" and not header.get(
            "DeidentificationMethod"
        ):
            header.DeidentificationMethod = "not stated in the source"
        if "SliceThickness" not in header:
            header.SliceThickness = None
    return slices
