"""DICOM secondary capture of a result, for viewers that cannot display DICOM SEG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import highdicom
import pydicom
from numpy.typing import NDArray

from ichnet import __version__
from ichnet.ct.dicom_file import PARSE_ERRORS
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.deployment.dicom_source import Identity, reduced_header
from ichnet.deployment.scan_result import ScanResult
from ichnet.files import whole_path

SERIES_NUMBER = 9003
"""SeriesNumber; those of SEG and SR are lower."""


def capture_path(folder: Path, scan_id: str) -> Path:
    """Return the path of the secondary capture of a scan."""
    return folder / f"{scan_id}.sc.dcm"


def write_capture(result: ScanResult, picture: Path, series: Path, folder: Path) -> None:
    """Write the picture of a scan as secondary capture, if there is a picture.

    Like all DICOM results it carries the patient's identity, but in its header only: the picture
    shows the scan's pseudonym and states that it is for research. No capture is written when the
    header does not allow a valid object; SEG and SR, which contain more, are written then too.

    Args:
        result: result of the scan.
        picture: PNG file of the result.
        series: folder of the series' DICOM files.
        folder: folder to write DICOM results to.
    """
    path = capture_path(folder, result.scan_id)
    path.unlink(missing_ok=True)  # of an earlier result
    if not result.picture or not result.dicom:
        return
    image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"the picture of scan {result.scan_id} cannot be read")
    try:
        capture = _capture(result, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), series)
    except PARSE_ERRORS:
        return
    with whole_path(path) as temporary:
        capture.save_as(temporary, enforce_file_format=True)


def _capture(result: ScanResult, image: NDArray[Any], series: Path) -> highdicom.sc.SCImage:
    first = sorted(series.iterdir())[0]
    header = reduced_header(pydicom.dcmread(first, stop_before_pixels=True))
    identity = Identity(result.provenance)
    capture = highdicom.sc.SCImage(
        pixel_array=image,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
        patient_orientation=("L", "P"),
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=identity.uid("capture series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=identity.uid("capture"),
        instance_number=1,
        manufacturer="ichnet",
        patient_id=header.PatientID,
        patient_name=header.PatientName,
        patient_birth_date=header.PatientBirthDate,
        patient_sex=header.PatientSex,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        study_date=header.StudyDate or None,
        study_time=header.StudyTime or None,
        referring_physician_name=header.ReferringPhysicianName,
    )
    capture.SpecificCharacterSet = header.SpecificCharacterSet
    capture.SeriesDescription = f"RESEARCH ONLY {result.model}"[:64]
    capture.ImageComments = RESEARCH_USE
    capture.SoftwareVersions = __version__
    return capture
