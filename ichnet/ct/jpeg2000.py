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

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

START = b"\xff\x4f\xff\x51"
"""Start of codestream, then the marker of image and tile size (ISO/IEC 15444-1, annex A)."""

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
    if len(codestream) < DEPTH_AT + 3 or codestream[:4] != START or not 8 < bits <= 16:
        return None
    columns, rows, left, top = struct.unpack_from(">IIII", codestream, 8)
    (components,) = struct.unpack_from(">H", codestream, DEPTH_AT - 2)
    depth = bits - 1 | signed << 7
    if (rows, columns, left, top) != (*shape, 0, 0) or components != 1:
        return None
    if codestream[DEPTH_AT] != depth:
        return None
    content = np.frombuffer(codestream, np.uint8).copy()
    content[DEPTH_AT] = bits - 1
    decoded = _decode(content)
    if decoded is None or decoded.shape != shape or decoded.dtype != np.uint16:
        return None
    if not signed:
        return np.asarray(decoded, np.uint16)
    return np.asarray(decoded.astype(np.int32) - (1 << bits - 1), np.int16)


def _decode(content: NDArray[np.uint8]) -> NDArray[Any] | None:
    level = LOGGING.getLogLevel()
    LOGGING.setLogLevel(SILENT)  # it would warn of images without colours
    try:
        return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        LOGGING.setLogLevel(level)
