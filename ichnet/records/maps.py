"""Cached maps of the segmenters: the format, and how it is read.

A cache mirrors its record set, shard for shard: a slice's record is the one it came from with
``maps`` in place of ``hu``, which is stored once, in the record set. ``slices.csv`` lists the
slices of the cached splits as the record set's does, and ``info.json`` the size of each file.
:mod:`ichnet.evaluation.maps` computes maps.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from ichnet.config import ConfigError, fingerprint
from ichnet.files import file_digest
from ichnet.records.index import RecordIndex
from ichnet.records.mapping import mapped
from ichnet.records.record_set import RecordSet, Row, read_table, shard_files
from ichnet.records.schema import FEATURES, Example, decode_masks, parse_annotation
from ichnet.runs import RunFolder, segmenter_name
from ichnet.subtypes import LABELS

SCHEMA_VERSION = 4
INFO = "info.json"
SHARDS = "shards"
"""Key of ``info.json``: size of each file in bytes, by its name."""

FILES = "files"
"""Key of ``info.json``: digest of each member's file, by the member's name."""

SLICES = "slices.csv"


def maps_dataset(folder: Path, split: str) -> tf.data.Dataset:
    """Return the slices of one split with their maps, in the order of the records.

    Args:
        folder: of the cache.
        split: of the record set.

    Returns:
        what ``parse_slice`` gives, without ``hu`` and ``mask_bits``; ``maps``, float32 [m, m,
        members]; and ``subtype_score``, float32 [6], when a member gives it.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
        RecordSetError: when one of its files is missing or not as long as it was written.
    """
    records = maps_records(folder, split)
    info = read_info(folder)
    matrix, members = info["matrix"], len(info["members"])
    wanted = {"maps": tf.io.FixedLenFeature([], tf.string)}
    if info["subtype_scores"]:
        wanted["subtype_score"] = tf.io.FixedLenFeature([len(LABELS)], tf.float32)

    def parse(serialized: tf.Tensor) -> Example:
        example = parse_annotation(serialized, matrix)
        del example["mask_bits"]
        stored = tf.io.parse_single_example(serialized, wanted)
        maps = tf.io.decode_raw(stored["maps"], tf.float16)
        stored["maps"] = tf.cast(tf.reshape(maps, [matrix, matrix, members]), tf.float32)
        return {**example, **stored}

    return mapped(records, parse)


def maps_records(folder: Path, split: str) -> tf.data.Dataset:
    """Return the serialized records of one split, to be decoded a batch at a time.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
        RecordSetError: when one of its files is missing or not as long as it was written.
    """
    info = _require_split(folder, split)
    files = shard_files(folder, split, info.get(SHARDS, {}))
    records = tf.data.TFRecordDataset(list(map(str, files)))
    # Keras takes the end of a dataset of unknown length for a mistake
    return records.apply(tf.data.experimental.assert_cardinality(info["slices"][split]))


def maps_index(folder: Path, split: str) -> RecordIndex:
    """Return where each record of one split lies.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
        RecordSetError: when one of its files is missing or not as long as it was written.
    """
    count = len(maps_slices(folder, split))
    return RecordIndex.open(folder, split, count, read_info(folder).get(SHARDS, {}))


def maps_decoder(folder: Path) -> Callable[[tf.Tensor], Example]:
    """Return a function that decodes records [batch] for weight models.

    It returns ``maps`` float32 [batch, m, m, members], ``mask`` float32 [batch, m, m] and
    ``labels`` float32 [batch, 6]. Whole batches decode in half the time that slices take one by
    one.
    """
    info = read_info(folder)
    matrix, members = info["matrix"], len(info["members"])
    wanted = {"maps": tf.io.FixedLenFeature([], tf.string)}
    wanted |= {name: FEATURES[name] for name in ("mask", "labels")}

    def decode(serialized: tf.Tensor) -> Example:
        stored = tf.io.parse_example(serialized, wanted)
        maps = tf.io.decode_raw(stored["maps"], tf.float16)
        return {
            "maps": tf.cast(tf.reshape(maps, [-1, matrix, matrix, members]), tf.float32),
            "mask": decode_masks(stored["mask"], matrix),
            "labels": tf.cast(stored["labels"], tf.float32),
        }

    return decode


def maps_slices(folder: Path, split: str) -> list[Row]:
    """Return the rows of ``slices.csv`` of one split, in the order of its records.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
    """
    _require_split(folder, split)
    return [row for row in read_table(folder / SLICES) if row["split"] == split]


def count_slices(folder: Path, split: str) -> tuple[int, int]:
    """Return how many slices of a split are with and without hemorrhage.

    Raises:
        FileNotFoundError: when the cache is not finished or does not hold the split.
    """
    labels = [row["ANY"] for row in maps_slices(folder, split)]
    return labels.count("1"), labels.count("0")


def maps_members(folder: Path) -> tuple[str, ...]:
    """Return the segmenters of a cache, in the order of the maps' last axis."""
    return tuple(read_info(folder)["members"])


def require_maps_of(record_set: RecordSet, folder: Path) -> None:
    """Check that a cache was computed from this record set.

    Raises:
        ConfigError: when the records were made again since.
        FileNotFoundError: when the cache is not finished.
    """
    if read_info(folder)["records"] != record_set.fingerprint:
        raise ConfigError(
            f"{folder}: maps of other records than {record_set.folder} holds now; compute them "
            "again (models/cache_maps.py)"
        )


def require_maps_of_segmenters(run: RunFolder, folder: Path) -> None:
    """Check that a cache holds the maps of a run's segmenters as they are now.

    Raises:
        ConfigError: when one of them was trained again since.
        FileNotFoundError: when the cache is not finished.
    """
    for name, digest in read_info(folder)[FILES].items():
        path = run.best(segmenter_name(name))
        if path.exists() and file_digest(path) != digest:
            raise ConfigError(
                f"{folder}: maps of another {segmenter_name(name)} than {path} is now; compute "
                "them again (models/cache_maps.py)"
            )


def maps_fingerprint(folder: Path) -> str:
    """Return 12 hex digits that change with the records or any of the models.

    Raises:
        FileNotFoundError: when the cache is not finished.
    """
    return fingerprint(read_info(folder))


def read_info(folder: Path) -> dict[str, Any]:
    """Return ``info.json`` of a finished cache: members, splits, digests, sizes of its files.

    Raises:
        FileNotFoundError: when the cache is not finished, or in an older format.
    """
    path = folder / INFO
    if not path.exists():
        raise FileNotFoundError(f"{folder}: no finished maps; compute them (models/cache_maps.py)")
    info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if info.get("schema") != SCHEMA_VERSION:
        raise FileNotFoundError(
            f"{folder}: maps in an older format; compute them again (models/cache_maps.py)"
        )
    return info


def _require_split(folder: Path, split: str) -> dict[str, Any]:
    """Return ``info.json`` of a cache, after checking that the cache holds this split."""
    info = read_info(folder)
    if split not in info["slices"]:
        raise FileNotFoundError(f"{folder}: holds maps of {', '.join(info['slices'])}, not {split}")
    return info
