"""JPEG 2000 by OpenCV: on one core it takes three quarters of the time of GDCM, pydicom's default.

No decoder found for Python is faster: for a lossless slice of 512 x 512 OpenCV, pylibjpeg and
imagecodecs (all of them OpenJPEG) take 17 ms of one core, GDCM 21 ms and FFmpeg 25 ms. GDCM spreads
an image over all cores, which gains nothing where every core has a file of its own.

OpenCV refuses signed images. Signed and unsigned ones differ in a single bit of the header, and in
the constant that is added after decoding, so that a signed image is decoded as an unsigned one of
which the constant is taken off again. Whatever is not exactly one grey image of the size and depth
that the DICOM header tells is left to pydicom.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

START, END = b"\xff\x4f\xff\x51", b"\xff\xd9"
"""Start of codestream, then the marker of image and tile size; end of codestream (ISO/IEC 15444-1,
annex A)."""

DEPTH_AT = 42
"""Byte that holds the first component's sign and depth."""

LOGGING: Any = getattr(cv2.utils, "logging", cv2)
"""Module in which OpenCV 5, or OpenCV 4, sets its log level."""

SILENT = 0


def decode_jpeg2000(
    codestream: bytes, shape: tuple[int, int], bits: int, signed: bool
) -> NDArray[np.int16] | NDArray[np.uint16] | None:
    """Decode one image.

    Args:
        codestream: a bare JPEG 2000 codestream, as DICOM encapsulates it.
        shape: rows, columns that it must have.
        bits: bit depth that it must have, 9 to 16.
        signed: whether its values must be signed.

    Returns:
        int16 or uint16 [rows, columns]; ``None`` when it is another kind of image, or damaged.
    """
    if not _is_as_told(codestream, shape, bits, signed):
        return None
    content = np.frombuffer(codestream, np.uint8).copy()
    content[DEPTH_AT] = bits - 1
    decoded = _decode(content)
    if decoded is None or decoded.shape != shape or decoded.dtype != np.uint16:
        return None
    if not signed:
        return np.asarray(decoded, np.uint16)
    return np.asarray(decoded.astype(np.int32) - (1 << bits - 1), np.int16)


def decode_reduced(
    codestream: bytes, shape: tuple[int, int], bits: int, signed: bool, levels: int
) -> NDArray[np.int16] | NDArray[np.uint16] | None:
    """Decode one image at a lower resolution, by Pillow: OpenCV cannot.

    Args:
        codestream: as for :func:`decode_jpeg2000`.
        shape: rows, columns of the result.
        bits: that it must have.
        signed: whether its values must be signed.
        levels: how many times the resolution is halved.

    Returns:
        int16 or uint16 [rows, columns]; ``None`` when it is another kind of image, damaged, or
        does not hold so many levels.
    """
    # OpenCV refuses what was cut off, Pillow does not
    if not codestream.rstrip(b"\0").endswith(END):
        return None
    if not _is_as_told(codestream, shape, bits, signed, step=2**levels):
        return None
    try:
        with Image.open(io.BytesIO(codestream), formats=["JPEG2000"]) as image:
            image.reduce = levels  # type: ignore[method-assign,assignment] # it has two meanings
            decoded = np.asarray(image)
    except (OSError, ValueError, SyntaxError):
        return None
    if decoded.shape != shape or decoded.dtype != np.uint16:
        return None
    # Pillow moves values up to 16 bits, signed ones after it has made them positive
    values = decoded >> (16 - bits)
    if not signed:
        return np.asarray(values, np.uint16)
    return np.asarray(values.astype(np.int32) - (1 << bits - 1), np.int16)


def _is_as_told(
    codestream: bytes, shape: tuple[int, int], bits: int, signed: bool, step: int = 1
) -> bool:
    """Whether the header of an image tells one grey one of a size and depth.

    Args:
        codestream: as for :func:`decode_jpeg2000`.
        bits: of a value.
        signed: whether values are signed.
        shape: rows, columns, when every ``step``-th pixel is counted.
        step: 1 for the whole image.
    """
    if len(codestream) < DEPTH_AT + 3 or codestream[:4] != START or not 8 < bits <= 16:
        return False
    columns, rows, left, top = struct.unpack_from(">IIII", codestream, 8)
    (components,) = struct.unpack_from(">H", codestream, DEPTH_AT - 2)
    told = (-(-rows // step), -(-columns // step), left, top, components, codestream[DEPTH_AT])
    return bool(told == (*shape, 0, 0, 1, bits - 1 | signed << 7))


def _decode(content: NDArray[np.uint8]) -> NDArray[Any] | None:
    level = LOGGING.getLogLevel()
    LOGGING.setLogLevel(SILENT)  # it would warn of images without colours
    try:
        return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        LOGGING.setLogLevel(level)
