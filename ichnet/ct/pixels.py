"""The pixels of one DICOM slice, decoded to Hounsfield units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.decode import StoredValues, plain_values, read_plain_values
from ichnet.ct.decoder import decode_in_child
from ichnet.ct.errors import ReadError
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import read_content
from ichnet.ct.volume import AIR_HU

HIGHEST_HU = np.iinfo(np.int16).max

TISSUE_HU = (-200, 1000)
"""What a range of padding values must not cover."""

WRAPPED_FROM = 3096
"""Of 12-bit stored values that are HU modulo 4096, those from here up stand for HU below -1000."""

WRAPPED_SHARE = 0.01
"""Least share of such values. Air surrounds every head; metal, as high, covers less of an image."""


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


def read_pixels(
    header: SliceHeader, out: NDArray[np.int16] | None = None, content: bytes | None = None
) -> Pixels:
    """Decode one slice, into ``out`` (int16 [rows, columns]) where it is given.

    HU are stored values times slope plus intercept, rounded; padding and everything below -1024
    becomes -1024, and what int16 cannot hold (metal) becomes 32767.

    Some files of RSNA 2019 hold HU modulo 4096 in 12 unsigned bits, with an intercept near 0: air
    would be 3096 HU. Without a negative intercept unsigned values cannot hold air, so that 3096
    and more, on a hundredth of the image or more, are taken to be HU below -1000.

    Args:
        header: of the slice.
        out: receives the pixels.
        content: of the slice's file; read when it is not given.

    Raises:
        ReadError: ``unsupported-syntax`` when no installed decoder knows the transfer syntax;
            ``bad-header`` when the range of padding covers tissue; ``truncated`` when the pixels
            are incomplete or damaged, or take too long or too much memory to decode; the reasons of
            :func:`ichnet.ct.source.read_content`.
    """
    stored = _stored_values(header, out, content)
    slope, intercept = header.rescale
    padding = None if header.padding is None else _is_padding(header, stored, header.padding)
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
        whole = stored.view(np.int16)
        if intercept or lowest >= AIR_HU:
            whole = np.add(whole, np.int16(intercept), out=hu)
        if lowest < AIR_HU:
            # the limits' type matters: with others NumPy takes eight times as long
            np.clip(whole, np.int16(AIR_HU), np.int16(HIGHEST_HU), out=hu)
    if padding is not None:
        np.putmask(hu, padding, AIR_HU)
    return Pixels(hu, repaired)


def _lowest_of_int16(
    stored: NDArray[np.integer[Any]], slope: float, intercept: float
) -> int | None:
    """Return a bound of HU when stored values and HU are 16-bit integers; ``None`` otherwise."""
    limits = np.iinfo(np.int16)
    if stored.dtype not in (np.int16, np.uint16) or slope != 1 or not intercept.is_integer():
        return None
    if stored.dtype == np.int16 and intercept == 0:
        return limits.min  # whatever they are
    low, high = int(stored.min()) + int(intercept), int(stored.max()) + int(intercept)
    fits = abs(intercept) <= limits.max and low >= limits.min and high <= limits.max
    return low if fits else None


def _is_wrapped(header: SliceHeader, stored: NDArray[np.integer[Any]]) -> bool:
    slope, intercept = header.rescale
    if header.stored != (12, False) or slope != 1 or intercept <= -100:
        return False
    return bool(np.mean(stored >= WRAPPED_FROM) >= WRAPPED_SHARE)


def _stored_values(
    header: SliceHeader, out: NDArray[np.int16] | None, content: bytes | None
) -> StoredValues:
    """Return the stored values, an integer array [rows, columns].

    Plain ones are read into ``out``, where HU will stand: nothing else of the file is needed, and
    no byte is copied twice.
    """
    if header.plain_offset is None:
        return decode_in_child(header, read_content(header.path) if content is None else content)
    if content is not None:
        return plain_values(header, content, header.plain_offset)
    pixels = np.empty(header.shape, np.int16) if out is None else out
    return read_plain_values(header, header.plain_offset, pixels)


def _is_padding(
    header: SliceHeader, stored: NDArray[np.integer[Any]], padding: tuple[int, int]
) -> NDArray[np.bool_]:
    """Find padding. Files write its value signed or unsigned, independently of the pixels.

    A value that tissue has too (0 HU is water) is padding only where it reaches the image's edge.
    """
    bits = 8 * stored.dtype.itemsize
    low, high = sorted(_wrap(value, bits, stored.dtype.kind == "i") for value in padding)
    slope, intercept = header.rescale
    low_hu, high_hu = sorted((low * slope + intercept, high * slope + intercept))
    is_tissue = low_hu <= TISSUE_HU[1] and high_hu >= TISSUE_HU[0]
    if low == high:
        return _from_the_edge(stored == low) if is_tissue else np.asarray(stored == low)
    if is_tissue:
        detail = "its range of padding covers tissue, which would be taken for air"
        raise ReadError(header.path, "bad-header", detail)
    inside: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return inside


def _from_the_edge(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what is connected with the edge of the image."""
    from scipy import ndimage  # so rarely needed that no other file waits for its import

    nowhere = np.zeros_like(found)  # what lies beyond the edge spreads inwards
    return np.asarray(ndimage.binary_propagation(nowhere, mask=found, border_value=1))


def _wrap(value: int, bits: int, signed: bool) -> int:
    """Read the bits of an integer as signed or unsigned."""
    unsigned = value % (1 << bits)
    return unsigned - (1 << bits) if signed and unsigned >= 1 << (bits - 1) else unsigned
