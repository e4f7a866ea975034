"""Reads DICOM files with pydicom up to their pixels, and turns whatever is wrong into a reason."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.config import disable_value_validation
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from ichnet.ct.deflated import inflated_header
from ichnet.ct.errors import ReadError
from ichnet.ct.source import open_source

PARSE_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    BytesLengthException,
    struct.error,
    zlib.error,
)
"""Exceptions that pydicom raises on bytes that break the standard."""

CT_CLASSES = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"}
"""SOP classes of CT images and enhanced CT images."""

TEXT_VRS = {
    *("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT"),
    *("PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"),
}

BLOCK_BYTES = 1 << 20

UNDEFINED_LENGTH = 0xFFFFFFFF


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Let pydicom read values that break the rules without a warning for each.

    Public data sets hold thousands of them (RSNA's UIDs are text). This package checks the values
    that it uses; others may be wrong. Do not use it in several threads at once: pydicom's settings
    and Python's warning filters are global.
    """
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def read_dataset(path: Path, keywords: list[str]) -> tuple[FileDataset, int | None]:
    """Read some elements of a file's header.

    Args:
        path: a file, or a member of a zip archive (:mod:`ichnet.ct.source`).
        keywords: the elements that are wanted.

    Returns:
        the elements; and the number of bytes of pixel data in the file, 0 without any, ``None``
        where compression hides it.

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``not-dicom``, ``truncated``, ``bad-header``,
            ``empty-file``, ``bad-archive`` or ``unsafe-archive``.
    """
    try:
        with open_source(path) as opened:
            inflated = inflated_header(opened)
            file = inflated or opened
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=keywords)
            claims_ct = str(dataset.file_meta.get("MediaStorageSOPClassUID") or "") in CT_CLASSES
            if claims_ct and "Modality" not in dataset and "SOPClassUID" not in dataset:
                detail = "a CT slice by its first lines, which does not go on as one"
                raise ReadError(path, "bad-header", detail)
            _require_usual_values(path, dataset, keywords)
            if not dataset.file_meta and not dataset:
                raise ReadError(path, "truncated", "the file ends before its header begins")
            if _ends_within_header(dataset, file, size):
                raise ReadError(path, "truncated", "the file ends in the middle of its header")
            if inflated:
                dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
            return dataset, _stored_bytes(dataset, file, size)
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or type(error).__name__) from error
    except InvalidDicomError as error:
        raise ReadError(path, *_kind_of(path)) from error
    except PARSE_ERRORS as error:
        raise ReadError(path, "bad-header", not_as_standard(error)) from error


def _require_usual_values(path: Path, dataset: FileDataset, keywords: list[str]) -> None:
    """Refuse text that is marked as binary numbers, or the reverse: its value would be wrong.

    Raises:
        ReadError: ``bad-header``.
    """
    for keyword in keywords:
        element = dataset.get_item(keyword)
        if element is None or element.VR in (None, "UN"):
            continue
        usual = dictionary_VR(tag_for_keyword(keyword) or 0)
        if (element.VR in TEXT_VRS) != (usual in TEXT_VRS):
            detail = f"{keyword} has another value representation than the standard's"
            raise ReadError(path, "bad-header", detail)


def not_as_standard(error: Exception) -> str:
    """Return a message that a header breaks the standard, without pydicom's own message.

    That one quotes the element, which may tell who the patient is.
    """
    return f"an element of the header cannot be read ({type(error).__name__})"


def _kind_of(path: Path) -> tuple[str, str]:
    """Return reason and detail for a file that is not DICOM."""
    with open_source(path) as file:
        start = file.read(8)
        if not start:
            return "empty-file", "an empty file"
        if not any(start) and _is_all_zeros(file):
            return "empty-file", "nothing but zeros: it was never written, or not fetched whole"
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
            return "not-dicom", f"{kind}, not DICOM"
    return "not-dicom", "not a DICOM file"


def _is_all_zeros(file: BinaryIO) -> bool:
    return all(not any(block) for block in iter(lambda: file.read(BLOCK_BYTES), b""))


def _ends_within_header(dataset: FileDataset, file: BinaryIO, size: int) -> bool:
    """Return whether an element was cut off: it ends after the file does, or is too short."""
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
