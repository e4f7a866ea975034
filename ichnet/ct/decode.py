"""The stored values of one slice, from the bytes of its file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from ichnet.ct.dicom_file import PARSE_ERRORS, lenient_pydicom
from ichnet.ct.errors import ReadError
from ichnet.ct.jpeg2000 import decode_jpeg2000
from ichnet.ct.slice_checks import uid_name
from ichnet.ct.slice_header import SliceHeader

PIXEL_KEYWORDS = [
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
]

StoredValues = NDArray[np.integer[Any]]


def plain_values(header: SliceHeader, content: bytes, offset: int) -> StoredValues:
    """Read uncompressed 16-bit values; allocated bits that are not stored bits are dropped.

    Args:
        header: of the slice.
        content: of its file.
        offset: of the first value.

    Raises:
        ReadError: ``truncated``.
    """
    bits, signed = header.stored
    rows, columns = header.shape
    if len(content) < offset + 2 * rows * columns:
        raise ReadError(header.path, "truncated", "the file has become shorter")
    kind = "<i2" if signed else "<u2"
    stored = np.frombuffer(content, kind, rows * columns, offset).reshape(rows, columns)
    above, unused = 15 - header.high_bit, 16 - bits
    # the shift up drops the bits above; the shift down drops those below and extends the sign
    return stored if not unused else stored << above >> unused


def decoded_values(header: SliceHeader, content: bytes) -> StoredValues:
    """Decode pixels of any other encoding.

    Decoders are C libraries, and the bytes come from outside: call this in a process that can be
        stopped (:mod:`ichnet.ct.decoder`).

    Args:
        header: of the slice.
        content: of its file.

    Raises:
        ReadError: ``unsupported-syntax`` or ``truncated``.
    """
    if header.jpeg2000_offset is not None:
        decoded = _jpeg2000_values(header, content, header.jpeg2000_offset)
        if decoded is not None:
            return decoded
    _require_decoder(header)
    try:
        with lenient_pydicom():
            if header.frame is not None:
                stored = pixel_array(io.BytesIO(content), index=header.frame)
            else:
                dataset = pydicom.dcmread(io.BytesIO(content), specific_tags=PIXEL_KEYWORDS)
                stored = dataset.pixel_array
    except (OSError, RuntimeError, MemoryError, *PARSE_ERRORS) as error:
        raise ReadError(
            header.path, "truncated", "the pixels are incomplete or damaged: decoding failed"
        ) from error
    if stored.shape != header.shape:
        raise ReadError(
            header.path, "truncated", f"the pixels have shape {stored.shape}, not {header.shape}"
        )
    values: StoredValues = stored
    return values


def _jpeg2000_values(header: SliceHeader, content: bytes, offset: int) -> StoredValues | None:
    """Decode JPEG 2000 quickly; ``None`` for what is better left to pydicom."""
    bits, signed = header.stored
    try:
        frames = list(generate_frames(content[offset:], number_of_frames=1))
    except (OSError, *PARSE_ERRORS):
        return None
    return decode_jpeg2000(frames[0], header.shape, bits, signed) if len(frames) == 1 else None


def _require_decoder(header: SliceHeader) -> None:
    syntax: UID = header.transfer_syntax
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError as error:
        raise ReadError(
            header.path, "unsupported-syntax", f"encoding of the pixels: {uid_name(syntax)}"
        ) from error
    if not available:
        raise ReadError(
            header.path,
            "unsupported-syntax",
            f"pixels are encoded as {uid_name(syntax)} and no decoder for it is installed; "
            "pip install 'ichnet[dicom-codecs]'",
        )
