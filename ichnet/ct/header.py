"""The header of one DICOM slice: what is known of it, and whether it is a slice of a head CT.

Nothing here decodes pixels, so a folder is searched at the price of its headers.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import UID

from ichnet.ct.errors import ReadError
from ichnet.ct.volume import slice_normal

PARSE_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
    BytesLengthException,
    struct.error,
    zlib.error,
)
"""What pydicom raises on bytes that are not as the standard says."""

DESCRIPTION = {
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
    "kvp": "KVP",
    "contrast_agent": "ContrastBolusAgent",
    "slice_thickness_mm": "SliceThickness",
}
"""What a volume's description tells of its source: nothing that identifies anybody."""

KEYWORDS = [
    *DESCRIPTION.values(),
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
]

CT_CLASSES = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"}
LOCALIZER_TYPES = {"LOCALIZER", "SCOUT", "TOPOGRAM"}

AXIAL_COSINE = math.cos(math.radians(45))
"""A slice whose normal is further than this from the patient's long axis is not axial; gantries
tilt by 30 degrees at most."""

COSINE_TOLERANCE = 1e-2
"""How far rounded direction cosines may be from orthogonal unit vectors."""

UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class SliceHeader:
    """One axial CT slice, without its pixels.

    Attributes:
        path: its file.
        sop_instance_uid, series_uid, study_uid, patient_id: the source's identities. Identifying:
            kept in memory only.
        shape: rows, columns.
        pixel_spacing_mm: distance between rows, distance between columns.
        orientation: direction cosines of a row and of a column.
        position_mm: centre of the first pixel in the patient's frame.
        rescale: slope and intercept from stored values to HU.
        padding: lowest and highest stored value that mean "no measurement", as the file gives
            them (their sign may not fit the pixels').
        transfer_syntax: how the pixels are encoded.
        description: see :data:`DESCRIPTION`; absent elements have no key.
    """

    path: Path
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
    description: dict[str, str]


def read_header(path: Path) -> SliceHeader:
    """Read the header of one file and check that it can be part of a head CT.

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``not-dicom``, ``truncated``, ``not-ct``,
            ``localizer``, ``no-pixels``, ``multi-frame``, ``no-geometry``, ``not-axial`` or
            ``bad-header``.
    """
    with lenient_pydicom():
        dataset, stored_bytes = _read(path)
        try:
            _require_ct(path, dataset)
            _require_one_grey_frame(path, dataset, stored_bytes)
            return _slice_header(path, dataset, stored_bytes)
        except PARSE_ERRORS as error:
            raise ReadError(path, "bad-header", _not_as_standard(error)) from error


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Let pydicom read values that break the rules without a warning for each.

    Public data sets hold thousands of them (RSNA's UIDs are text). What matters here is checked
    here, so that the rest may pass. Not for several threads at once: pydicom's settings and
    Python's warning filters belong to the process.
    """
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _read(path: Path) -> tuple[FileDataset, int | None]:
    """Return the header and the bytes of pixel data present (see :func:`_stored_bytes`)."""
    try:
        with path.open("rb") as file:
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=KEYWORDS)
            size = path.stat().st_size
            if _ends_within_header(dataset, file, size):
                raise ReadError(path, "truncated", "the file ends in the middle of its header")
            return dataset, _stored_bytes(dataset, file, size)
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or str(error)) from error
    except InvalidDicomError as error:
        raise ReadError(path, "not-dicom", _kind_of(path)) from error
    except PARSE_ERRORS as error:
        raise ReadError(path, "bad-header", _not_as_standard(error)) from error


def _not_as_standard(error: Exception) -> str:
    # Not pydicom's own words: they quote the element, which may tell who the patient is.
    return f"an element of the header cannot be read ({type(error).__name__})"


def _kind_of(path: Path) -> str:
    """Say what a file is that is not DICOM."""
    with path.open("rb") as file:
        start = file.read(8)
    kinds = {
        b"\xff\xd8\xff": "a JPEG image",
        b"\x89PNG": "a PNG image",
        b"BM": "a BMP image",
        b"PK\x03\x04": "a zip archive that is not opened (inside another, or not named .zip)",
        b"\x1f\x8b": "a gzip archive",
        b"%PDF": "a PDF document",
    }
    for magic, kind in kinds.items():
        if start.startswith(magic):
            return f"{kind}, not DICOM"
    return "not a DICOM file" if start else "an empty file"


def _ends_within_header(dataset: FileDataset, file: BinaryIO, size: int) -> bool:
    """Whether an element was cut: skipped past the end, or shorter than it says."""
    if file.tell() > size:
        return True
    last: object = dataset.get_item(max(dataset.keys())) if dataset else None
    if not isinstance(last, RawDataElement) or last.value is None:
        return False
    return last.length != UNDEFINED_LENGTH and len(last.value) < last.length


def _stored_bytes(dataset: FileDataset, file: BinaryIO, size: int) -> int | None:
    """Return the bytes of uncompressed pixels in the file: 0 without, ``None`` when compressed.

    pydicom has stopped at the pixel element; only its length is read. A deflated file tells no
    length before it is inflated.
    """
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is not None and UID(syntax).is_deflated:
        return None
    start = file.read(12)
    if len(start) < 12:
        return 0
    endian = "<" if syntax is None or UID(syntax).is_little_endian else ">"
    long_form = start[4:6] in (b"OB", b"OW", b"UN")
    (length,) = struct.unpack(f"{endian}I", start[8:12] if long_form else start[4:8])
    if length == UNDEFINED_LENGTH:
        return None
    return int(min(length, size - file.tell() + (0 if long_form else 4)))


def _require_ct(path: Path, dataset: FileDataset) -> None:
    modality = str(dataset.get("Modality") or "").strip()
    sop_class = str(dataset.get("SOPClassUID") or "")
    if modality != "CT" and (modality or sop_class not in CT_CLASSES):
        name = f"modality {modality}" if modality else "no modality"
        kind = UID(sop_class).name if sop_class else "unknown object"
        raise ReadError(path, "not-ct", f"{name} ({kind}), not CT")
    image_type = dataset.get("ImageType") or []
    values = [image_type] if isinstance(image_type, str) else image_type
    if any(str(value).strip().upper() in LOCALIZER_TYPES for value in values):
        raise ReadError(path, "localizer", "a scout image, for planning the scan")


def _require_one_grey_frame(path: Path, dataset: FileDataset, stored_bytes: int | None) -> None:
    if stored_bytes == 0 or not dataset.get("Rows") or not dataset.get("Columns"):
        raise ReadError(path, "no-pixels", "the file holds no image; it may have been cut off")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise ReadError(
            path, "multi-frame", "several frames in one file; convert it to single-frame CT first"
        )
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ReadError(path, "no-geometry", "a colour image, such as a screenshot or dose page")


def _slice_header(path: Path, dataset: FileDataset, stored_bytes: int | None) -> SliceHeader:
    position, orientation, pixel_spacing_mm = _geometry(path, dataset)
    shape = (int(dataset.Rows), int(dataset.Columns))
    expected_bytes = shape[0] * shape[1] * int(dataset.BitsAllocated) // 8
    if stored_bytes is not None and stored_bytes < expected_bytes:
        raise ReadError(
            path, "truncated", f"{stored_bytes:,} of {expected_bytes:,} bytes of pixels are there"
        )
    return SliceHeader(
        path=path,
        sop_instance_uid=_identity(path, dataset, "SOPInstanceUID"),
        series_uid=_identity(path, dataset, "SeriesInstanceUID"),
        study_uid=str(dataset.get("StudyInstanceUID") or "").strip(),
        patient_id=str(dataset.get("PatientID") or "").strip(),
        shape=shape,
        pixel_spacing_mm=pixel_spacing_mm,
        orientation=orientation,
        position_mm=position,
        rescale=_rescale(path, dataset),
        padding=_padding(dataset),
        transfer_syntax=_transfer_syntax(path, dataset),
        description={
            key: str(dataset[keyword].value)
            for key, keyword in DESCRIPTION.items()
            if dataset.get(keyword)
        },
    )


def _geometry(
    path: Path, dataset: FileDataset
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]:
    """Return position, orientation and pixel spacing, checked."""
    position = _numbers(path, dataset, "ImagePositionPatient", 3)
    orientation = _numbers(path, dataset, "ImageOrientationPatient", 6)
    row_mm, column_mm = _numbers(path, dataset, "PixelSpacing", 2)
    if row_mm <= 0 or column_mm <= 0:
        raise ReadError(path, "bad-header", f"PixelSpacing {row_mm} x {column_mm} mm")
    cosines = np.array(orientation).reshape(2, 3)
    if not np.allclose(cosines @ cosines.T, np.eye(2), atol=COSINE_TOLERANCE):
        raise ReadError(
            path, "bad-header", "ImageOrientationPatient is not two orthogonal unit vectors"
        )
    if abs(slice_normal(cosines.ravel())[2]) < AXIAL_COSINE:
        raise ReadError(path, "not-axial", "a sagittal, coronal or steeply oblique slice")
    return position, orientation, (row_mm, column_mm)


def _numbers(path: Path, dataset: FileDataset, keyword: str, count: int) -> tuple[float, ...]:
    value = dataset.get(keyword)
    if value is None or value == "" or value == []:
        raise ReadError(path, "no-geometry", f"no {keyword}: the slice has no place in space")
    values = value if isinstance(value, MultiValue) else [value]
    numbers = tuple(float(number) for number in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ReadError(path, "bad-header", f"{keyword} is not {count} finite numbers")
    return numbers


def _rescale(path: Path, dataset: FileDataset) -> tuple[float, float]:
    """Return slope and intercept; without them stored values are no Hounsfield units."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        raise ReadError(path, "bad-header", "no RescaleSlope or RescaleIntercept: HU are unknown")
    rescale = (float(slope), float(intercept))
    if not all(map(math.isfinite, rescale)) or rescale[0] == 0:
        raise ReadError(path, "bad-header", f"RescaleSlope {slope}, RescaleIntercept {intercept}")
    return rescale


def _padding(dataset: FileDataset) -> tuple[int, int] | None:
    value = dataset.get("PixelPaddingValue")
    if value is None or value == "":
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    return int(value), int(value if limit is None else limit)


def _identity(path: Path, dataset: FileDataset, keyword: str) -> str:
    identity = str(dataset.get(keyword) or "").strip()
    if not identity:
        raise ReadError(path, "bad-header", f"no {keyword}")
    return identity


def _transfer_syntax(path: Path, dataset: FileDataset) -> UID:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not syntax:
        raise ReadError(path, "bad-header", "no TransferSyntaxUID: the encoding is unknown")
    return UID(syntax)
