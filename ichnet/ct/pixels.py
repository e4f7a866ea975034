"""The pixels of one DICOM slice, decoded to Hounsfield units."""

from __future__ import annotations

from typing import Any, NamedTuple

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
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import open_source
from ichnet.ct.volume import AIR_HU

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

HIGHEST_HU = np.iinfo(np.int16).max


WRAPPED_FROM = 3096
"""12-bit stored values that are HU modulo 4096: from here up they stand for HU below -1000."""

WRAPPED_SHARE = 0.01
"""Air surrounds every head; metal alone, which reaches as high, covers less of an image."""


class Pixels(NamedTuple):
    """One decoded slice.

    Attributes:
        hu: int16 [rows, columns].
        repaired: whether HU had wrapped at 12 bits (see :func:`read_pixels`).
    """

    hu: NDArray[np.int16]
    repaired: bool


def read_hu(header: SliceHeader) -> NDArray[np.int16]:
    """Decode one slice, see :func:`read_pixels`."""
    return read_pixels(header).hu


def read_pixels(header: SliceHeader, out: NDArray[np.int16] | None = None) -> Pixels:
    """Decode one slice, into ``out`` (int16 [rows, columns]) where it is given.

    HU are stored values times slope plus intercept, rounded; padding and everything below -1024
    becomes -1024, and what int16 cannot hold (metal) becomes 32767.

    Some files of RSNA 2019 hold HU modulo 4096 in 12 unsigned bits, with an intercept near 0: air
    would be 3096 HU. Without a negative intercept unsigned values cannot hold air, so that 3096
    and more, on a hundredth of the image or more, are taken to be HU below -1000.

    Raises:
        ReadError: ``unsupported-syntax`` when no installed decoder knows the transfer syntax,
            ``truncated`` when the pixels are incomplete or damaged.
    """
    stored = _stored_values(header)
    slope, intercept = header.rescale
    padding = None if header.padding is None else _is_padding(stored, header.padding)
    repaired = _is_wrapped(header, stored)
    if repaired:
        stored = stored.astype(np.int16)
        stored[stored >= WRAPPED_FROM] -= 1 << 12
    hu = np.empty(stored.shape, np.int16) if out is None else out
    lowest = _lowest_of_int16(stored, slope, intercept)
    if lowest is None:
        hu[...] = np.rint(stored * slope + intercept).clip(AIR_HU, HIGHEST_HU)
    else:
        # in 16-bit integers, which wrap to the right value: ten times faster
        np.add(stored.astype(np.int16, copy=False), np.int16(intercept), out=hu)
        if lowest < AIR_HU:
            # against a row of air rather than one number: NumPy takes a seventh of the time
            np.maximum(hu, np.full(hu.shape[-1], AIR_HU, np.int16), out=hu)
    if padding is not None:
        np.putmask(hu, padding, AIR_HU)
    return Pixels(hu, repaired)


def _lowest_of_int16(
    stored: NDArray[np.integer[Any]], slope: float, intercept: float
) -> int | None:
    """Return the lowest HU when stored values and HU are 16-bit integers; ``None`` otherwise."""
    limits = np.iinfo(np.int16)
    if stored.dtype not in (np.int16, np.uint16) or slope != 1 or not intercept.is_integer():
        return None
    low, high = int(stored.min()) + int(intercept), int(stored.max()) + int(intercept)
    fits = abs(intercept) <= limits.max and low >= limits.min and high <= limits.max
    return low if fits else None


def _is_wrapped(header: SliceHeader, stored: NDArray[np.integer[Any]]) -> bool:
    slope, intercept = header.rescale
    if header.stored != (12, False) or slope != 1 or intercept <= -100:
        return False
    return bool(np.mean(stored >= WRAPPED_FROM) >= WRAPPED_SHARE)


def _stored_values(header: SliceHeader) -> NDArray[np.integer[Any]]:
    """Return the stored values, an integer array [rows, columns]."""
    if header.plain_offset is not None:
        return _plain_values(header, header.plain_offset)
    if header.jpeg2000_offset is not None:
        decoded = _jpeg2000_values(header, header.jpeg2000_offset)
        if decoded is not None:
            return decoded
    _require_decoder(header)
    try:
        with lenient_pydicom(), open_source(header.path) as file:
            if header.frame is not None:
                stored = pixel_array(file, index=header.frame)
            else:
                dataset = pydicom.dcmread(file, specific_tags=PIXEL_KEYWORDS)
                stored = dataset.pixel_array
    except OSError as error:
        raise ReadError(header.path, "unreadable", error.strerror or str(error)) from error
    except (RuntimeError, *PARSE_ERRORS) as error:
        raise ReadError(
            header.path, "truncated", "the pixels are incomplete or damaged: decoding failed"
        ) from error
    if stored.shape != header.shape:
        raise ReadError(
            header.path, "truncated", f"the pixels have shape {stored.shape}, not {header.shape}"
        )
    values: NDArray[np.integer[Any]] = stored
    return values


def _jpeg2000_values(header: SliceHeader, offset: int) -> NDArray[np.integer[Any]] | None:
    """Decode JPEG 2000 quickly; ``None`` for what is better left to pydicom."""
    bits, signed = header.stored
    try:
        with open_source(header.path) as file:
            file.seek(offset)
            frames = list(generate_frames(file.read(), number_of_frames=1))
    except (OSError, *PARSE_ERRORS):
        return None
    return decode_jpeg2000(frames[0], header.shape, bits, signed) if len(frames) == 1 else None


def _plain_values(header: SliceHeader, offset: int) -> NDArray[np.integer[Any]]:
    """Read uncompressed 16-bit values; bits above those stored are not theirs."""
    bits, signed = header.stored
    rows, columns = header.shape
    try:
        with open_source(header.path) as file:
            file.seek(offset)
            content = file.read(2 * rows * columns)
    except OSError as error:
        raise ReadError(header.path, "unreadable", error.strerror or str(error)) from error
    if len(content) < 2 * rows * columns:
        raise ReadError(header.path, "truncated", "the file has become shorter")
    stored = np.frombuffer(content, "<i2" if signed else "<u2").reshape(rows, columns)
    unused = 16 - bits
    return stored if not unused else stored << unused >> unused


def _require_decoder(header: SliceHeader) -> None:
    syntax: UID = header.transfer_syntax
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError as error:
        raise ReadError(
            header.path, "unsupported-syntax", f"pixels are encoded as {syntax.name} ({syntax})"
        ) from error
    if not available:
        raise ReadError(
            header.path,
            "unsupported-syntax",
            f"pixels are encoded as {syntax.name} ({syntax}) and no decoder for it is installed; "
            "pip install 'ichnet[dicom-codecs]'",
        )


def _is_padding(stored: NDArray[np.integer[Any]], padding: tuple[int, int]) -> NDArray[np.bool_]:
    """Find padding. Its value is written signed or unsigned, whatever the pixels are."""
    bits = 8 * stored.dtype.itemsize
    low, high = sorted(_wrap(value, bits, stored.dtype.kind == "i") for value in padding)
    if low == high:
        return np.asarray(stored == low)
    inside: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return inside


def _wrap(value: int, bits: int, signed: bool) -> int:
    """Read the bits of an integer as signed or unsigned."""
    unsigned = value % (1 << bits)
    return unsigned - (1 << bits) if signed and unsigned >= 1 << (bits - 1) else unsigned
