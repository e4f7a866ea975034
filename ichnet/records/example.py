"""One slice as the bytes of a ``tf.train.Example``, written without TensorFlow.

The processes that prepare a cohort start at once and stay small, as nothing here (nor in
:mod:`ichnet.records.tfrecord`) loads TensorFlow; the pixels are copied once. How records are laid
out is known here and, for reading, in :mod:`ichnet.records.schema`.

HU is stored once, as int16; windows and further channels are made in the networks' graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1

Parts = list[bytes]
"""Bytes in pieces, joined once at the end."""

LENGTH_DELIMITED = 2
"""Protocol buffers' wire type of all fields here."""

BYTES, FLOATS, INTEGERS = 1, 2, 3
"""Fields of ``tf.train.Feature``, by kind of list; field 1 of each list are its values."""


@dataclass(frozen=True, eq=False)
class SliceRecord:
    """What is stored of one slice.

    Attributes:
        hu: int16 [matrix, matrix].
        mask: uint8 [matrix, matrix], a bit for each subtype; ``None`` for a scan without outlines.
        labels: int [6] in the order of ``LABELS``; -1 unknown.
        scan_labels: int [6], labels of the whole scan.
        scan_id, patient_id: pseudonyms.
        slice_index: number of the slice in its scan, from 0 at the feet.
        pixel_spacing_mm: size of the stored pixels.
        slice_spacing_mm: length along the slice normal that the slice stands for.
        volume_ml: float [6], volume in the whole scan by label; NaN unknown.
    """

    hu: NDArray[np.int16]
    mask: NDArray[np.uint8] | None
    labels: NDArray[np.int8]
    scan_labels: NDArray[np.int8]
    scan_id: str
    patient_id: str
    slice_index: int
    pixel_spacing_mm: float
    slice_spacing_mm: float
    volume_ml: NDArray[np.float64]

    def serialize(self) -> bytes:
        """Return the record as a ``tf.train.Example``; the same slice gives the same bytes."""
        return b"".join(self.pieces())

    def pieces(self) -> Parts:
        """Return the same in pieces: the pixels are copied once, and not again to be joined."""
        mask = b"" if self.mask is None else self.mask.astype(np.uint8, copy=False).tobytes()
        hu = self.hu.astype("<i2", copy=False).tobytes()
        after_hu = (  # by name, as TensorFlow sorts them
            _integers("labels", *self.labels.tolist()),
            _pixels_begin("mask", len(mask)),
        )
        after_mask = (
            _text("patient_id", self.patient_id),
            _float("pixel_spacing_mm", self.pixel_spacing_mm),
            _text("scan_id", self.scan_id),
            _integers("scan_labels", *self.scan_labels.tolist()),
            _integers("slice_index", self.slice_index),
            _float("slice_spacing_mm", self.slice_spacing_mm),
            _floats("volume_ml", _float_bytes(self.volume_ml)),
        )
        features = [
            _pixels_begin("hu", len(hu)),
            hu,
            b"".join(after_hu),
            mask,
            b"".join(after_mask),
        ]
        return [_begin(1, sum(map(len, features))), *features]


# what slices share, most of all those of one scan, is encoded once


@lru_cache(maxsize=64)
def _pixels_begin(name: str, length: int) -> bytes:
    """Return what precedes so many bytes of pixels in their entry of ``Features``."""
    return b"".join(_feature(name, BYTES, [bytes(length)]))[: -length or None]


@lru_cache(maxsize=64)
def _text(name: str, value: str) -> bytes:
    return b"".join(_feature(name, BYTES, [value.encode()]))


@lru_cache(maxsize=64)
def _float(name: str, value: float) -> bytes:
    return _floats(name, _float_bytes(value))


def _float_bytes(values: float | NDArray[np.float64]) -> bytes:
    positive_zeros = np.asarray(values) + 0.0  # -0.0, which is equal, must not give other bytes
    return positive_zeros.astype("<f4").tobytes()


@lru_cache(maxsize=64)
def _floats(name: str, content: bytes) -> bytes:
    return b"".join(_feature(name, FLOATS, [content]))


@lru_cache(maxsize=1024)
def _integers(name: str, *values: int) -> bytes:
    return b"".join(_feature(name, INTEGERS, list(map(_varint, values))))


def _feature(name: str, kind: int, values: Parts) -> Parts:
    """Return an entry of ``Features``, a map from names to ``Feature``, each a list of a kind."""
    feature = _field(kind, _field(1, values))
    return _field(1, [*_field(1, [name.encode()]), *_field(2, feature)])


def _field(number: int, content: Parts) -> Parts:
    """Return a field: its number and wire type, its length, and the content."""
    return [_begin(number, sum(map(len, content))), *content]


def _begin(number: int, length: int) -> bytes:
    """Return what precedes a field's content."""
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(length)


def _varint(value: int) -> bytes:
    """Return an integer in groups of seven bits, the lowest first; negative ones as 64 bits."""
    rest = value % (1 << 64)
    groups = bytearray()
    while rest > 0x7F:
        groups.append(rest & 0x7F | 0x80)
        rest >>= 7
    groups.append(rest)
    return bytes(groups)
