"""The pixels of one DICOM slice, decoded to Hounsfield units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from ichnet.ct.errors import ReadError
from ichnet.ct.header import PARSE_ERRORS, SliceHeader, lenient_pydicom
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


def read_hu(header: SliceHeader) -> NDArray[np.int16]:
    """Decode one slice.

    HU are stored values times slope plus intercept, rounded; padding and everything below -1024
    becomes -1024, and what int16 cannot hold (metal) becomes 32767.

    Returns:
        int16 [rows, columns].

    Raises:
        ReadError: ``unsupported-syntax`` when no installed decoder knows the transfer syntax,
            ``truncated`` when the pixels are incomplete or damaged.
    """
    stored = _stored_values(header)
    slope, intercept = header.rescale
    hu = np.rint(stored * slope + intercept)
    if header.padding is not None:
        hu[_is_padding(stored, header.padding)] = AIR_HU
    clipped: NDArray[np.int16] = hu.clip(AIR_HU, HIGHEST_HU).astype(np.int16)
    return clipped


def _stored_values(header: SliceHeader) -> NDArray[np.integer[Any]]:
    """Return the stored values, an integer array [rows, columns]."""
    _require_decoder(header)
    try:
        with lenient_pydicom():
            dataset = pydicom.dcmread(header.path, specific_tags=PIXEL_KEYWORDS)
            stored: NDArray[np.integer[Any]] = dataset.pixel_array
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
    return stored


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
    inside: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return inside


def _wrap(value: int, bits: int, signed: bool) -> int:
    """Read the bits of an integer as signed or unsigned."""
    unsigned = value % (1 << bits)
    return unsigned - (1 << bits) if signed and unsigned >= 1 << (bits - 1) else unsigned
