"""The header of one DICOM slice: what is known of it, and whether it is a slice of a head CT.

Nothing here decodes pixels, so a folder is searched at the price of its headers.
"""

from __future__ import annotations

import math
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from ichnet.ct.errors import ReadError
from ichnet.ct.quick_header import QUICK_BYTES, QuickHeader, read_quickly, wanted_elements
from ichnet.ct.source import open_source

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
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
]

WANTED = wanted_elements(KEYWORDS)
FRAME_KEYWORDS = ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]

MAX_FRAMES = 20_000
"""An enhanced CT of more frames is a mistake of its header."""

JPEG2000_SYNTAXES = (JPEG2000Lossless, JPEG2000)

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
        stored: bits of a stored value, and whether it is signed.
        plain_offset: where uncompressed little-endian 16-bit pixels start in the file; ``None``
            for all other pixels.
        jpeg2000_offset: the same for the fragments of one JPEG 2000 image.
        frame: which frame of an enhanced multi-frame file, from 0; ``None`` in other files. Its
            instance UID is the file's with ``#<frame + 1>``.
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
    stored: tuple[int, bool] = (16, True)
    plain_offset: int | None = None
    jpeg2000_offset: int | None = None
    frame: int | None = None


class Elements(Protocol):
    """Elements of a header by keyword, as pydicom's data sets and quick headers give them."""

    def get(self, keyword: str) -> Any:
        """Return a value, ``None`` when there is none."""


def read_header(path: Path) -> SliceHeader:
    """Read the header of a file of one slice and check that it can be part of a head CT.

    Raises:
        ReadError: the reasons of :func:`read_frames`, and ``multi-frame`` for a file of several.
    """
    frames = read_frames(path)
    if len(frames) > 1:
        raise ReadError(path, "multi-frame", f"{len(frames)} frames where one slice is expected")
    return frames[0]


def read_frames(path: Path) -> list[SliceHeader]:
    """Read the header of one file: one slice, or each frame of an enhanced multi-frame CT.

    Args:
        path: a file, or a member of a zip archive (:mod:`ichnet.ct.source`).

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``not-dicom``, ``truncated``, ``not-ct``,
            ``localizer``, ``no-pixels``, ``multi-frame``, ``no-geometry``, ``not-axial``,
            ``bad-header``, ``bad-archive`` or ``unsafe-archive``.
    """
    quick = _read_quick(path)
    if quick is not None:
        return [_checked(path, quick, quick.transfer_syntax, quick.pixel_bytes, quick.pixel_offset)]
    with lenient_pydicom():
        dataset, stored_bytes = _read(path, KEYWORDS)
        if _frames(path, dataset) > 1:
            dataset, stored_bytes = _read(path, [*KEYWORDS, *FRAME_KEYWORDS])
            return _enhanced(path, dataset, stored_bytes)
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        return [_checked(path, dataset, syntax, stored_bytes, None)]


def _checked(
    path: Path, elements: Elements, syntax: str | None, stored_bytes: int | None, offset: int | None
) -> SliceHeader:
    try:
        _require_ct(path, elements)
        _require_grey_image(path, elements, stored_bytes)
        return _slice_header(path, elements, syntax, stored_bytes, offset)
    except PARSE_ERRORS as error:
        raise ReadError(
            path, "bad-header", _not_as_standard(error), _series_uid(elements)
        ) from error
    except ReadError as error:
        error.series_uid = _series_uid(elements)
        raise


def _series_uid(elements: Elements) -> str:
    """Return what a file that cannot be used still tells of its series; empty when nothing."""
    with suppress(*PARSE_ERRORS):
        return str(elements.get("SeriesInstanceUID") or "").strip()
    return ""


def _read_quick(path: Path) -> QuickHeader | None:
    """Return the header of a plain file of one frame."""
    try:
        with open_source(path) as file:
            start = file.read(QUICK_BYTES)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or str(error)) from error
    quick = read_quickly(start, size, WANTED)
    return None if quick is None or quick.get("NumberOfFrames") not in (None, "1") else quick


def _frames(path: Path, dataset: FileDataset) -> int:
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except PARSE_ERRORS as error:
        raise ReadError(path, "bad-header", _not_as_standard(error)) from error
    if frames > MAX_FRAMES:
        raise ReadError(path, "bad-header", f"NumberOfFrames {frames:,}")
    return frames


def _enhanced(path: Path, dataset: FileDataset, stored_bytes: int | None) -> list[SliceHeader]:
    """Return the frames of an enhanced CT, each with the geometry of its functional groups."""
    try:
        _require_ct(path, dataset)
        _require_grey_image(path, dataset, stored_bytes)
        groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        frames = int(dataset.get("NumberOfFrames"))
        if len(groups) != frames:
            raise ReadError(
                path, "multi-frame", f"{len(groups)} of {frames} frames say where they lie"
            )
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        slices = []
        for index, group in enumerate(groups):
            elements = _FrameElements(dataset, shared, group)
            header = _slice_header(path, elements, syntax, stored_bytes, None, frames)
            uid = f"{header.sop_instance_uid}#{index + 1}"
            slices.append(replace(header, frame=index, sop_instance_uid=uid))
    except PARSE_ERRORS as error:
        raise ReadError(path, "bad-header", _not_as_standard(error)) from error
    return slices


class _FrameElements:
    """The elements of one frame: its own groups, else the shared ones, else the file's."""

    def __init__(self, dataset: Dataset, shared: Dataset, own: Dataset) -> None:
        self._places = [own, shared]
        self._dataset = dataset

    def get(self, keyword: str) -> Any:
        for place in self._places:
            for element in place:
                if element.VR == "SQ" and element.value and keyword in element.value[0]:
                    return element.value[0].get(keyword)
        return self._dataset.get(keyword)


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


def _read(path: Path, keywords: list[str]) -> tuple[FileDataset, int | None]:
    """Return the header and the bytes of pixel data present (see :func:`_stored_bytes`)."""
    try:
        with open_source(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=keywords)
            claims_ct = str(dataset.file_meta.get("MediaStorageSOPClassUID") or "") in CT_CLASSES
            if claims_ct and not dataset:
                detail = "a CT slice by its first lines, without any element of one"
                raise ReadError(path, "bad-header", detail)
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
    with open_source(path) as file:
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


def _require_ct(path: Path, dataset: Elements) -> None:
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


def _require_grey_image(path: Path, dataset: Elements, stored_bytes: int | None) -> None:
    if stored_bytes == 0 or not dataset.get("Rows") or not dataset.get("Columns"):
        raise ReadError(path, "no-pixels", "the file holds no image; it may have been cut off")
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ReadError(path, "no-geometry", "a colour image, such as a screenshot or dose page")


def _slice_header(
    path: Path,
    dataset: Elements,
    syntax: str | None,
    stored_bytes: int | None,
    offset: int | None,
    frames: int = 1,
) -> SliceHeader:
    position, orientation, pixel_spacing_mm = _geometry(path, dataset)
    shape = (int(dataset.get("Rows")), int(dataset.get("Columns")))
    bits_allocated = int(dataset.get("BitsAllocated"))
    expected_bytes = frames * shape[0] * shape[1] * bits_allocated // 8
    if stored_bytes is not None and stored_bytes < expected_bytes:
        raise ReadError(
            path, "truncated", f"{stored_bytes:,} of {expected_bytes:,} bytes of pixels are there"
        )
    if not syntax:
        raise ReadError(path, "bad-header", "no TransferSyntaxUID: the encoding is unknown")
    stored = (
        int(dataset.get("BitsStored") or 0),
        int(dataset.get("PixelRepresentation") or 0) == 1,
    )
    description = {key: dataset.get(keyword) for key, keyword in DESCRIPTION.items()}
    plain = (
        syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        and bits_allocated == 16
        and 1 <= stored[0] <= 16
        and str(dataset.get("PhotometricInterpretation")).startswith("MONOCHROME")
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
        transfer_syntax=UID(syntax),
        description={key: str(value) for key, value in description.items() if value},
        stored=stored,
        plain_offset=offset if plain else None,
        jpeg2000_offset=offset if syntax in JPEG2000_SYNTAXES else None,
    )


def _geometry(
    path: Path, dataset: Elements
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]:
    """Return position, orientation and pixel spacing, checked."""
    position = _numbers(path, dataset, "ImagePositionPatient", 3)
    orientation = _numbers(path, dataset, "ImageOrientationPatient", 6)
    row_mm, column_mm = _numbers(path, dataset, "PixelSpacing", 2)
    if row_mm <= 0 or column_mm <= 0:
        raise ReadError(path, "bad-header", f"PixelSpacing {row_mm} x {column_mm} mm")
    row, column = orientation[:3], orientation[3:]
    products = (math.hypot(*row) ** 2 - 1, math.hypot(*column) ** 2 - 1, _dot(row, column))
    if max(map(abs, products)) > COSINE_TOLERANCE:
        raise ReadError(
            path, "bad-header", "ImageOrientationPatient is not two orthogonal unit vectors"
        )
    normal_z = row[0] * column[1] - row[1] * column[0]
    if abs(normal_z) < AXIAL_COSINE * math.hypot(*row) * math.hypot(*column):
        raise ReadError(path, "not-axial", "a sagittal, coronal or steeply oblique slice")
    return position, orientation, (row_mm, column_mm)


def _numbers(path: Path, dataset: Elements, keyword: str, count: int) -> tuple[float, ...]:
    value = dataset.get(keyword)
    if value is None or value == "" or value == []:
        raise ReadError(path, "no-geometry", f"no {keyword}: the slice has no place in space")
    values = value if isinstance(value, (MultiValue, list)) else [value]
    numbers = tuple(float(number) for number in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ReadError(path, "bad-header", f"{keyword} is not {count} finite numbers")
    return numbers


def _dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _rescale(path: Path, dataset: Elements) -> tuple[float, float]:
    """Return slope and intercept; without them stored values are no Hounsfield units."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        raise ReadError(path, "bad-header", "no RescaleSlope or RescaleIntercept: HU are unknown")
    rescale = (float(slope), float(intercept))
    if not all(map(math.isfinite, rescale)) or rescale[0] == 0:
        raise ReadError(path, "bad-header", f"RescaleSlope {slope}, RescaleIntercept {intercept}")
    return rescale


def _padding(dataset: Elements) -> tuple[int, int] | None:
    value = dataset.get("PixelPaddingValue")
    if value is None or value == "":
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    return int(value), int(value if limit is None else limit)


def _identity(path: Path, dataset: Elements, keyword: str) -> str:
    identity = str(dataset.get(keyword) or "").strip()
    if not identity:
        raise ReadError(path, "bad-header", f"no {keyword}")
    return identity
