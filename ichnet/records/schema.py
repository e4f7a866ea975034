"""Records read back in TensorFlow's graph; :mod:`ichnet.records.example` wrote them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ichnet.subtypes import LABELS

Example = dict[str, tf.Tensor]
"""A parsed slice, or a batch of them, by feature name."""


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
