"""The header of one slice of a head CT."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydicom.uid import UID

DESCRIPTION = {
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
    "kvp": "KVP",
    "contrast_agent": "ContrastBolusAgent",
    "slice_thickness_mm": "SliceThickness",
}
"""Elements that a volume's description keeps; none of them identifies anybody."""

KEYWORDS = [
    *DESCRIPTION.values(),
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "FrameOfReferenceUID",
    "AcquisitionNumber",
    "InstanceNumber",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
]


@dataclass(frozen=True)
class SliceHeader:
    """One axial CT slice, without its pixels.

    Attributes:
        path: its file.
        sop_instance_uid, series_uid, study_uid, patient_id, frame_of_reference_uid: the source's
            identities. Identifying: kept in memory only.
        shape: rows, columns.
        pixel_spacing_mm: distance between rows, distance between columns.
        orientation: direction cosines of a row and of a column.
        position_mm: centre of the first pixel in the patient's frame.
        rescale: slope and intercept from stored values to HU.
        padding: lowest and highest stored value that mean "no measurement", as the file gives
            them (their sign may not fit the pixels').
        transfer_syntax: how the pixels are encoded.
        description: see :data:`DESCRIPTION`; absent elements have no key.
        acquisition, image_type: as the file gives them, empty where it does not.
        instance_number: the same, ``None`` where it is absent or no number.
        stored: bits of a stored value, and whether it is signed.
        high_bit: the highest of these bits among those allocated, from 0.
        plain_offset: where uncompressed little-endian 16-bit pixels start in the file; ``None``
            for all other pixels.
        jpeg2000_offset: the same for the fragments of one JPEG 2000 image.
        frame: which frame of an enhanced multi-frame file, from 0; ``None`` in other files. Its
            instance UID is the file's with ``#<frame + 1>``.
    """

    path: Path = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    study_uid: str = field(repr=False)
    patient_id: str = field(repr=False)
    shape: tuple[int, int]
    pixel_spacing_mm: tuple[float, float]
    orientation: tuple[float, ...]
    position_mm: tuple[float, ...]
    rescale: tuple[float, float]
    padding: tuple[int, int] | None
    transfer_syntax: UID
    description: dict[str, str] = field(repr=False)
    frame_of_reference_uid: str = field(default="", repr=False)
    acquisition: str = field(default="", repr=False)
    image_type: str = field(default="", repr=False)
    instance_number: int | None = None
    stored: tuple[int, bool] = (16, True)
    high_bit: int = 15
    plain_offset: int | None = None
    jpeg2000_offset: int | None = None
    frame: int | None = None

    @property
    def file_uid(self) -> str:
        """The instance UID of its file, also for a frame."""
        return self.sop_instance_uid.split("#")[0]


class Elements(Protocol):
    """Elements of a header by keyword, as pydicom's data sets and quick headers give them."""

    def get(self, keyword: str) -> Any:
        """Return an element's value, ``None`` when it is absent."""
