"""One slice as a ``tf.train.Example``: the only place that knows how records are laid out.

HU is stored once, as int16; windows and further channels are made in the networks' graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.subtypes import LABELS

SCHEMA_VERSION = 1

Example = dict[str, tf.Tensor]
"""A parsed slice, or a batch of them, by feature name."""


@dataclass(frozen=True, eq=False)
class SliceRecord:
    """What is stored of one slice.

    Attributes:
        hu: int16 [matrix, matrix].
        mask: uint8 [matrix, matrix], a bit for each subtype; ``None`` where nobody drew.
        labels: int [6] in the order of ``LABELS``; -1 unknown.
        scan_labels: the same of the whole scan.
        scan_id, patient_id: pseudonyms.
        slice_index: counted from the feet, in the whole scan.
        pixel_spacing_mm: of the matrix.
        slice_spacing_mm: extent the slice stands for along the normal.
        volume_ml: float [6], hemorrhage in the whole scan; NaN unknown.
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
        """Return the record as bytes; the same slice gives the same bytes."""
        mask = b"" if self.mask is None else self.mask.astype(np.uint8).tobytes()
        features = {
            "hu": _bytes(self.hu.astype("<i2").tobytes()),
            "mask": _bytes(mask),
            "labels": _integers(self.labels.tolist()),
            "scan_labels": _integers(self.scan_labels.tolist()),
            "scan_id": _bytes(self.scan_id.encode()),
            "patient_id": _bytes(self.patient_id.encode()),
            "slice_index": _integers([self.slice_index]),
            "pixel_spacing_mm": _floats([self.pixel_spacing_mm]),
            "slice_spacing_mm": _floats([self.slice_spacing_mm]),
            "volume_ml": _floats(self.volume_ml.tolist()),
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        return bytes(example.SerializeToString(deterministic=True))


def parse_slice(serialized: tf.Tensor, matrix: int) -> Example:
    """Decode one record.

    Returns:
        ``hu`` float32 [matrix, matrix]; ``mask`` float32 [matrix, matrix], 1 where any subtype
        was outlined (zeros where nobody drew: see ``has_mask``, bool); ``mask_bits`` uint8
        [matrix, matrix]; ``labels`` and ``scan_labels`` float32 [6]; ``volume_ml`` float32 [6];
        ``scan_id``, ``patient_id`` string; ``slice_index`` int64; ``pixel_spacing_mm``,
        ``slice_spacing_mm`` float32.
    """
    stored = tf.io.parse_single_example(serialized, FEATURES)
    hu = tf.reshape(tf.io.decode_raw(stored["hu"], tf.int16), [matrix, matrix])
    has_mask = tf.strings.length(stored["mask"]) > 0
    bits = tf.cond(
        has_mask,
        lambda: tf.io.decode_raw(stored["mask"], tf.uint8),
        lambda: tf.zeros([matrix * matrix], tf.uint8),
    )
    bits = tf.reshape(bits, [matrix, matrix])
    return {
        **{name: stored[name] for name in PLAIN_FEATURES},
        "hu": tf.cast(hu, tf.float32),
        "mask": tf.cast(bits > 0, tf.float32),
        "mask_bits": bits,
        "has_mask": has_mask,
        "labels": tf.cast(stored["labels"], tf.float32),
        "scan_labels": tf.cast(stored["scan_labels"], tf.float32),
    }


def parse_identity(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return (ANY label int64, scan_id string) of a record, without decoding its pixels."""
    wanted = {name: FEATURES[name] for name in ("labels", "scan_id")}
    stored = tf.io.parse_single_example(serialized, wanted)
    return stored["labels"][0], stored["scan_id"]


PLAIN_FEATURES = (
    "scan_id",
    "patient_id",
    "slice_index",
    "pixel_spacing_mm",
    "slice_spacing_mm",
    "volume_ml",
)

FEATURES: dict[str, Any] = {
    "hu": tf.io.FixedLenFeature([], tf.string),
    "mask": tf.io.FixedLenFeature([], tf.string),
    "labels": tf.io.FixedLenFeature([len(LABELS)], tf.int64),
    "scan_labels": tf.io.FixedLenFeature([len(LABELS)], tf.int64),
    "scan_id": tf.io.FixedLenFeature([], tf.string),
    "patient_id": tf.io.FixedLenFeature([], tf.string),
    "slice_index": tf.io.FixedLenFeature([], tf.int64),
    "pixel_spacing_mm": tf.io.FixedLenFeature([], tf.float32),
    "slice_spacing_mm": tf.io.FixedLenFeature([], tf.float32),
    "volume_ml": tf.io.FixedLenFeature([len(LABELS)], tf.float32),
}


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _integers(values: list[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values: list[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
