"""Checks by its header that a file is an axial CT slice, and builds its ``SliceHeader``."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path

from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ichnet.ct.dicom_file import CT_CLASSES, PARSE_ERRORS
from ichnet.ct.errors import ReadError
from ichnet.ct.slice_header import DESCRIPTION, Elements, SliceHeader

MAX_MATRIX = 4096
"""Most rows or columns: eight times those of nearly all head CT."""

MAX_PIXELS = 1 << 30
"""Most pixels of a series: 2 GiB of HU, e.g. 4,096 slices of 512 x 512."""

MODALITIES = {
    *("AU", "CR", "DX", "ES", "IO", "IVUS", "KO", "MG", "MR", "NM", "OP", "OPT", "OT", "PR", "PT"),
    *("PX", "REG", "RF", "RTDOSE", "RTIMAGE", "RTPLAN", "RTSTRUCT", "SEG", "SM", "SR", "US", "XA"),
}
"""Modalities that an error may quote; any other text might identify the patient."""

LOCALIZER_TYPES = {"LOCALIZER", "SCOUT", "TOPOGRAM"}

AXIAL_COSINE = math.cos(math.radians(45))
"""A slice whose normal is further than this from the patient's long axis is not axial; gantries
tilt by 30 degrees at most."""

LARGEST_SLOPE, LARGEST_INTERCEPT = 100.0, 100_000.0
"""Limits of rescaling: for CT the slope is 1, and the intercept at most some thousands."""

COSINE_TOLERANCE = 1e-2
"""How far rounded direction cosines may be from orthogonal unit vectors."""


def require_ct(path: Path, dataset: Elements) -> None:
    """Check that a file is CT and no scout image.

    Raises:
        ReadError: ``not-ct`` or ``localizer``.
    """
    modality = str(dataset.get("Modality") or "").strip()
    sop_class = str(dataset.get("SOPClassUID") or "")
    if modality != "CT" and (modality or sop_class not in CT_CLASSES):
        known = f"modality {modality}" if modality in MODALITIES else "a modality not known"
        name = known if modality else "no modality"
        raise ReadError(path, "not-ct", f"{name} ({uid_name(sop_class)}), not CT")
    image_type = dataset.get("ImageType") or []
    values = [image_type] if isinstance(image_type, str) else image_type
    if any(str(value).strip().upper() in LOCALIZER_TYPES for value in values):
        raise ReadError(path, "localizer", "a scout image, for planning the scan")


def require_grey_image(path: Path, dataset: Elements, stored_bytes: int | None) -> None:
    """Check that a file holds a grey image.

    Raises:
        ReadError: ``no-pixels`` or ``no-geometry``.
    """
    if stored_bytes == 0 or not dataset.get("Rows") or not dataset.get("Columns"):
        raise ReadError(path, "no-pixels", "the file holds no image; it may have been cut off")
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ReadError(path, "no-geometry", "a colour image, such as a screenshot or dose page")


def slice_header(
    path: Path,
    dataset: Elements,
    syntax: str | None,
    stored_bytes: int | None,
    offset: int | None,
    frames: int = 1,
) -> SliceHeader:
    """Build the header of a slice from its elements, all of them checked.

    Args:
        path: of its file.
        dataset: its elements.
        syntax: how its pixels are encoded.
        stored_bytes: bytes of pixels in the file; ``None`` where compression hides their number.
        offset: first byte of the pixels in the file, where it is known.
        frames: number of slices in the file's pixels.

    Raises:
        ReadError: ``no-geometry``, ``not-axial``, ``bad-header``, ``too-large`` or ``truncated``.
    """
    position, orientation, pixel_spacing_mm = _geometry(path, dataset)
    shape = _shape(path, dataset, frames)
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
    plain = (
        syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        and bits_allocated == 16
        and 1 <= stored[0] <= 16
        and str(dataset.get("PhotometricInterpretation")).startswith("MONOCHROME")
    )
    description = {key: text(dataset, keyword) for key, keyword in DESCRIPTION.items()}
    return SliceHeader(
        path=path,
        sop_instance_uid=_identity(path, dataset, "SOPInstanceUID"),
        series_uid=_identity(path, dataset, "SeriesInstanceUID"),
        study_uid=text(dataset, "StudyInstanceUID"),
        patient_id=text(dataset, "PatientID"),
        shape=shape,
        pixel_spacing_mm=pixel_spacing_mm,
        orientation=orientation,
        position_mm=position,
        rescale=_rescale(path, dataset),
        padding=_padding(dataset),
        transfer_syntax=_uid(syntax),
        description={key: value for key, value in description.items() if value},
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        acquisition=text(dataset, "AcquisitionNumber"),
        image_type=text(dataset, "ImageType"),
        instance_number=_instance_number(dataset),
        stored=stored,
        high_bit=_high_bit(path, dataset, stored[0], is_plain=plain and offset is not None),
        plain_offset=offset if plain else None,
        fragments_offset=offset if not plain and stored_bytes is None else None,
    )


def uid_name(uid: str) -> str:
    """Return the standard's name of a UID, e.g. of a transfer syntax; empty for an unknown one."""
    name = UID(uid).name
    return name if name != uid else "unknown object"


def text(dataset: Elements, keyword: str) -> str:
    """Return a merely descriptive element as text; empty where it cannot be read."""
    try:
        value = dataset.get(keyword)
        if isinstance(value, str):  # nearly always
            return value.strip()
        if value is None:
            return ""
        several = isinstance(value, (list, MultiValue))
        return "\\".join(map(str, value)) if several else str(value or "").strip()
    except PARSE_ERRORS:
        return ""


@lru_cache(maxsize=64)
def _uid(text: str) -> UID:
    """Return a UID; pydicom checks each that is made."""
    return UID(text)


def _instance_number(dataset: Elements) -> int | None:
    number = text(dataset, "InstanceNumber")
    return int(number) if re.fullmatch(r"-?\d{1,9}", number) else None


def _shape(path: Path, dataset: Elements, frames: int) -> tuple[int, int]:
    """Return rows and columns, checked before memory is allocated for them."""
    rows, columns = int(dataset.get("Rows")), int(dataset.get("Columns"))
    if max(rows, columns) > MAX_MATRIX or frames * rows * columns > MAX_PIXELS:
        of_frames = f" in {frames:,} frames" if frames > 1 else ""
        raise ReadError(path, "too-large", f"{rows:,} x {columns:,} pixels{of_frames}")
    return rows, columns


def _high_bit(path: Path, dataset: Elements, bits: int, is_plain: bool) -> int:
    """Return the highest bit of stored values.

    The standard no longer allows values outside of the lowest bits; they are read where pixels are
    uncompressed, and refused elsewhere.
    """
    value = dataset.get("HighBit")
    high_bit = bits - 1 if value is None or value == "" else int(value)
    if high_bit != bits - 1 and not (is_plain and bits - 1 <= high_bit <= 15):
        raise ReadError(path, "bad-header", f"HighBit {high_bit} for {bits} bits stored")
    return high_bit


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
    values = value if isinstance(value, (list, MultiValue)) else [value]
    numbers = tuple(float(number) for number in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ReadError(path, "bad-header", f"{keyword} is not {count} finite numbers")
    return numbers


def _dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _rescale(path: Path, dataset: Elements) -> tuple[float, float]:
    """Return slope and intercept, which turn stored values into Hounsfield units."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        raise ReadError(path, "bad-header", "no RescaleSlope or RescaleIntercept: HU are unknown")
    rescale = (float(slope), float(intercept))
    if not 0 < abs(rescale[0]) <= LARGEST_SLOPE or not abs(rescale[1]) <= LARGEST_INTERCEPT:
        numbers = "RescaleSlope {:g}, RescaleIntercept {:g}".format(*rescale)
        raise ReadError(path, "bad-header", numbers)
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
