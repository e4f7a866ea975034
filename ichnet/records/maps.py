"""Cached maps of the segmenters: the format, and how it is read.

A cache mirrors its record set, shard for shard: a slice's record is the one it came from with one
more feature, ``maps``. :mod:`ichnet.evaluation.maps` computes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from ichnet.config import ConfigError, fingerprint
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import FEATURES, Example, parse_identity, parse_slice

INFO = "info.json"


def maps_dataset(folder: Path, split: str) -> tf.data.Dataset:
    """Return the slices of one split with their maps, in the order of the records.

    Args:
        folder: of the cache.
        split: of the record set.

    Returns:
        what ``parse_slice`` gives but ``hu`` and ``mask_bits``, and ``maps``, float32
        [m, m, members].

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
    """
    records = maps_records(folder, split)
    info = read_info(folder)
    matrix, members = info["matrix"], len(info["members"])
    wanted = {"maps": tf.io.FixedLenFeature([], tf.string)}

    def parse(serialized: tf.Tensor) -> Example:
        example = parse_slice(serialized, matrix)
        del example["hu"], example["mask_bits"]
        stored = tf.io.parse_single_example(serialized, wanted)["maps"]
        maps = tf.reshape(tf.io.decode_raw(stored, tf.float16), [matrix, matrix, members])
        return {**example, "maps": tf.cast(maps, tf.float32)}

    return records.map(parse, num_parallel_calls=tf.data.AUTOTUNE)


def maps_records(folder: Path, split: str) -> tf.data.Dataset:
    """Return the records of one split as they are stored, to be decoded by the batch.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
    """
    info = read_info(folder)
    if split not in info["slices"]:
        raise FileNotFoundError(f"{folder}: holds maps of {', '.join(info['slices'])}, not {split}")
    records = tf.data.TFRecordDataset(_files(folder, split))
    # Keras takes the end of a dataset of unknown length for a mistake
    return records.apply(tf.data.experimental.assert_cardinality(info["slices"][split]))


def maps_decoder(folder: Path) -> Callable[[tf.Tensor], Example]:
    """Return a function from records [batch] to what weight models learn from.

    That is ``maps`` float32 [batch, m, m, members], ``mask`` float32 [batch, m, m] and ``labels``
    float32 [batch, 6]. Whole batches decode in half the time that slices take one by one.
    """
    info = read_info(folder)
    matrix, members = info["matrix"], len(info["members"])
    wanted = {"maps": tf.io.FixedLenFeature([], tf.string)}
    wanted |= {name: FEATURES[name] for name in ("mask", "labels")}

    def decode(serialized: tf.Tensor) -> Example:
        stored = tf.io.parse_example(serialized, wanted)
        maps = tf.io.decode_raw(stored["maps"], tf.float16)
        # where nobody drew there are no bytes, which the fixed length fills with zeros
        mask = tf.io.decode_raw(stored["mask"], tf.uint8, fixed_length=matrix**2)
        return {
            "maps": tf.cast(tf.reshape(maps, [-1, matrix, matrix, members]), tf.float32),
            "mask": tf.cast(tf.reshape(mask, [-1, matrix, matrix]) > 0, tf.float32),
            "labels": tf.cast(stored["labels"], tf.float32),
        }

    return decode


def count_slices(folder: Path, split: str) -> tuple[int, int]:
    """Return how many slices of a split are with and without hemorrhage."""
    records = tf.data.TFRecordDataset(_files(folder, split))
    labels = [int(one) for one in records.map(lambda one: parse_identity(one)[0])]
    return labels.count(1), labels.count(0)


def maps_members(folder: Path) -> tuple[str, ...]:
    """Return the segmenters of a cache, in the order of the maps' last axis."""
    return tuple(read_info(folder)["members"])


def require_maps_of(record_set: RecordSet, folder: Path) -> None:
    """Refuse a cache of other records.

    Raises:
        ConfigError: when the records were made again since.
        FileNotFoundError: when the cache is not finished.
    """
    if read_info(folder)["records"] != record_set.fingerprint:
        raise ConfigError(
            f"{folder}: maps of other records than {record_set.folder} holds now; compute them "
            "again (models/cache_maps.py)"
        )


def maps_fingerprint(folder: Path) -> str:
    """Return 12 hex digits that change with the records or any of the models.

    Raises:
        FileNotFoundError: when the cache is not finished.
    """
    return fingerprint(read_info(folder))


def _files(folder: Path, split: str) -> list[str]:
    return sorted(str(path) for path in folder.glob(f"{split}-*.tfrecord"))


def read_info(folder: Path) -> dict[str, Any]:
    """Return what a finished cache says about itself.

    Raises:
        FileNotFoundError: when the cache is not finished.
    """
    path = folder / INFO
    if not path.exists():
        raise FileNotFoundError(f"{folder}: no finished maps; compute them (models/cache_maps.py)")
    info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return info
