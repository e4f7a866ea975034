"""What DICOM results take from their scan (patient, study, slices), and their own UIDs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, Comprehensive3DSRStorage, generate_uid

from ichnet.ct.dicom_file import PARSE_ERRORS
from ichnet.ct.errors import ReadError
from ichnet.ct.volume import Volume
from ichnet.deployment.scan_result import Provenance

SCHEME = "99ICHNET"
"""Coding scheme of the concepts that no standard scheme contains."""

UTF_8 = "ISO_IR 192"
"""The character set of all objects written, whatever that of the source."""

TEXTS = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientSex"),
    *("StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription"),
    *("PositionReferenceIndicator", "PatientIdentityRemoved", "DeidentificationMethod"),
)
DATES, TIMES = ("PatientBirthDate", "StudyDate"), ("StudyTime",)
OTHERS = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "Modality", "Rows", "Columns", "PixelSpacing", "SliceThickness"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
)
"""The other elements that are copied; no free text such as PatientComments."""

EMPTY_IF_ABSENT: tuple[str, ...] = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("StudyID", "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator"),
)
"""Elements that DICOM wants in every object of a study, with or without a value (type 2)."""

TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")


@dataclass(frozen=True)
class Identity:
    """The UIDs of a result's objects: the same result gets the same UIDs again.

    Another result gets others, so that a PACS never takes the objects of a part of a series for
    those of the whole.

    Attributes:
        provenance: of the result.
    """

    provenance: Provenance

    def uid(self, *name: str) -> UID:
        """Return a UID derived from the result's digest, model and version and from ``name``."""
        made = self.provenance
        return generate_uid(entropy_srcs=[made.digest, made.model_sha256, made.ichnet, *name])

    def report_reference(self, study_uid: str) -> Dataset:
        """Return the reference by which another report refers to the report of this result."""
        reference = Dataset()
        reference.StudyInstanceUID = study_uid
        reference.SeriesInstanceUID = self.uid("report series")
        reference.SOPClassUID = Comprehensive3DSRStorage
        reference.SOPInstanceUID = self.uid("report")
        return reference


def source_slices(volume: Volume, files: Sequence[Path]) -> list[Dataset]:
    """Return the headers of a scan's slices in the volume's order, complete enough to refer to.

    Texts are decoded and become UTF-8; invalid dates and times become empty.

    Raises:
        ReadError: ``multi-frame``.
    """
    headers: dict[str, Dataset] = {}
    for path in files:
        read = pydicom.dcmread(path, stop_before_pixels=True)
        headers[str(read.SOPInstanceUID)] = reduced_header(read)
    if not set(volume.sop_instance_uids) <= headers.keys():
        raise ReadError(files[0], "multi-frame", "DICOM results can refer to single-frame CT only")
    slices = [headers[uid] for uid in volume.sop_instance_uids]
    # images of one series share a frame of reference, also where a file does not name it
    frame_of_reference = generate_uid(entropy_srcs=[str(slices[0].SeriesInstanceUID), "frame"])
    for header in slices:
        if not header.get("FrameOfReferenceUID"):
            header.FrameOfReferenceUID = frame_of_reference
        if header.get("PatientIdentityRemoved") == "YES" and not header.get(
            "DeidentificationMethod"
        ):
            header.DeidentificationMethod = "not stated in the source"
        if "SliceThickness" not in header:
            header.SliceThickness = None
    return slices


def reduced_header(source: Dataset) -> Dataset:
    """Return the elements of a header that results take over, as they can be written."""
    header = Dataset()
    header.SpecificCharacterSet = UTF_8
    for keyword in OTHERS:
        if keyword in source:
            setattr(header, keyword, source.get(keyword))
    for keyword in (*TEXTS, *DATES, *TIMES):
        value = _text(source, keyword)
        if value or keyword in EMPTY_IF_ABSENT:
            setattr(header, keyword, value)
    header.PatientSex = header.PatientSex if header.PatientSex in ("M", "F", "O") else ""
    return header


def _text(source: Dataset, keyword: str) -> str:
    """Return an element as text; empty where it cannot be read, or is an invalid date."""
    text = ""
    with suppress(*PARSE_ERRORS):
        text = str(source.get(keyword) or "").strip().strip("\0")
    if keyword in DATES:
        return text if _is_date(text) else ""
    if keyword in TIMES:
        return text if TIME.fullmatch(text) else ""
    return text


def _is_date(text: str) -> bool:
    with suppress(ValueError):
        return len(text) == 8 and bool(datetime.datetime.strptime(text, "%Y%m%d"))
    return False
