"""The segmenters' maps of a record set, computed once.

Weight models train on them and ensembles predict from them, so that five combinations do not run
the same segmenters five times. A cache mirrors its record set, shard for shard: a slice's record
is the one it came from with one more feature, ``maps``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.config import ConfigError, fingerprint
from ichnet.files import whole_path, write_whole
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import FEATURES, Example, parse_identity, parse_slice

logger = logging.getLogger(__name__)

INFO = "info.json"
BATCH_SLICES = 8
TRAINING_SPLIT = "train"


Compute = Callable[[tf.Tensor, tf.Tensor], NDArray[np.float16]]
"""From HU [batch, m, m] and patients [batch] to the maps of all members."""


@dataclass(frozen=True)
class Fold:
    """Segmenters and the patients of whom they have seen nothing.

    Attributes:
        patients: by pseudonym, of the training split.
        members: trained on the other folds, in the order of the members trained on all.
    """

    patients: frozenset[str]
    members: Mapping[str, keras.Model]


def cache_maps(
    members: Mapping[str, keras.Model],
    record_set: RecordSet,
    splits: Sequence[str],
    folder: Path,
    folds: Sequence[Fold] = (),
) -> None:
    """Write every member's map of every slice as float16; a cache of the same models is kept.

    The folder appears whole, so ``info.json`` means that the cache is complete. When it was
    interrupted, the shards that were finished are kept.

    Args:
        members: segmenters of HU [batch, m, m]; their order is that of the maps' last axis.
        record_set: the slices.
        splits: which of its splits.
        folder: of the cache, one TFRecord file for each of the record set's.
        folds: when given, the training split is added: each patient's maps come from the
            segmenters of the patient's fold.

    Raises:
        ValueError: when a training patient is in no fold, or in several.
    """
    if folds:
        splits = [*splits, TRAINING_SPLIT]
        _require_each_once(record_set.patients(TRAINING_SPLIT), folds)
    info: dict[str, Any] = {
        "members": {name: weights_fingerprint(member) for name, member in members.items()},
        "records": record_set.fingerprint,
        "slices": {
            split: sum(row["split"] == split for row in record_set.slices)
            for split in sorted(splits)
        },
        "matrix": record_set.matrix,
    }
    if folds:
        info["folds"] = [
            {name: weights_fingerprint(member) for name, member in fold.members.items()}
            for fold in folds
        ]
    if (folder / INFO).exists() and _read_info(folder) == info:
        logger.info("%s: made by the same models already", folder)
        return
    by_all = _maps_of_all(members, record_set.matrix)
    out_of_fold = _maps_by_fold(folds, record_set.matrix)
    slices = sum(info["slices"].values())
    begun = _begun_by_the_same_models(folder, info)
    with tqdm(desc=f"maps of {folder.name}", total=slices, unit="slice", disable=None) as bar:
        for split in splits:
            compute = out_of_fold if folds and split == TRAINING_SPLIT else by_all
            for shard in map(Path, record_set.shards(split)):
                if not (begun / shard.name).exists():
                    with whole_path(begun / shard.name) as temporary:
                        _write_shard(shard, record_set.matrix, compute, temporary, bar)
    with write_whole(begun / INFO) as handle:
        json.dump(info, handle, indent=2)
    if folder.exists():
        shutil.rmtree(folder)
    begun.replace(folder)


def _begun_by_the_same_models(folder: Path, info: dict[str, Any]) -> Path:
    """Return where a cache grows until it is whole; what other models had begun is removed.

    Also what a process that was killed left of the shard that it was at.
    """
    begun = folder.with_name(f".{folder.name}.{fingerprint(info)}.begun")
    begun.mkdir(parents=True, exist_ok=True)
    for path in folder.parent.glob(f".{folder.name}.*.begun"):
        if path != begun:
            shutil.rmtree(path)
    for path in begun.glob(".*"):
        path.unlink()
    return begun


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
    info = _read_info(folder)
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
    info = _read_info(folder)
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
    info = _read_info(folder)
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
    return tuple(_read_info(folder)["members"])


def require_maps_of(record_set: RecordSet, folder: Path) -> None:
    """Refuse a cache of other records.

    Raises:
        ConfigError: when the records were made again since.
        FileNotFoundError: when the cache is not finished.
    """
    if _read_info(folder)["records"] != record_set.fingerprint:
        raise ConfigError(
            f"{folder}: maps of other records than {record_set.folder} holds now; compute them "
            "again (models/cache_maps.py)"
        )


def maps_fingerprint(folder: Path) -> str:
    """Return 12 hex digits that change with the records or any of the models.

    Raises:
        FileNotFoundError: when the cache is not finished.
    """
    return fingerprint(_read_info(folder))


def weights_fingerprint(model: keras.Model) -> str:
    """Return 12 hex digits that change when any weight of a network does."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:12]


def _files(folder: Path, split: str) -> list[str]:
    return sorted(str(path) for path in folder.glob(f"{split}-*.tfrecord"))


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / INFO
    if not path.exists():
        raise FileNotFoundError(f"{folder}: no finished maps; compute them (models/cache_maps.py)")
    info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return info


def _require_each_once(patients: Mapping[str, str], folds: Sequence[Fold]) -> None:
    for patient in patients:
        if (count := sum(patient in fold.patients for fold in folds)) != 1:
            raise ValueError(f"patient {patient} is in {count} folds")


def _maps_by_fold(folds: Sequence[Fold], matrix: int) -> Compute:
    """Return a function that gives each slice to the segmenters that never saw its patient."""
    graphs = [_maps_of_all(fold.members, matrix) for fold in folds]
    fold_of = {patient: index for index, fold in enumerate(folds) for patient in fold.patients}

    def compute(hu: tf.Tensor, patients: tf.Tensor) -> NDArray[np.float16]:
        of_slice = np.array([fold_of[patient.decode()] for patient in patients.numpy()])
        maps = np.empty((*hu.shape, len(folds[0].members)), np.float16)
        for index in np.unique(of_slice):
            chosen = of_slice == index
            maps[chosen] = graphs[index](hu[chosen], patients[chosen])
        return maps

    return compute


def _maps_of_all(members: Mapping[str, keras.Model], matrix: int) -> Compute:
    """Return a function that gives every slice to the same segmenters."""

    def stack(hu: tf.Tensor) -> tf.Tensor:
        maps = [member(hu, training=False) for member in members.values()]
        return tf.cast(tf.stack(maps, axis=-1), tf.float16)

    signature = [tf.TensorSpec([None, matrix, matrix], tf.float32)]
    graph = tf.function(stack, input_signature=signature, autograph=False)
    return lambda hu, patients: graph(hu).numpy()


def _write_shard(
    shard: Path,
    matrix: int,
    compute: Compute,
    path: Path,
    bar: tqdm,
) -> None:
    records = tf.data.TFRecordDataset(str(shard))

    def needed(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        example = parse_slice(serialized, matrix)
        return serialized, example["hu"], example["patient_id"]

    with tf.io.TFRecordWriter(str(path)) as writer:
        for serialized, hu, patients in records.map(needed).batch(BATCH_SLICES).prefetch(1):
            for record, maps in zip(serialized.numpy(), compute(hu, patients), strict=True):
                writer.write(_with_maps(record, maps))
                bar.update()


def _with_maps(record: bytes, maps: NDArray[np.float16]) -> bytes:
    example = tf.train.Example.FromString(record)
    example.features.feature["maps"].bytes_list.value.append(maps.astype("<f2").tobytes())
    return bytes(example.SerializeToString(deterministic=True))
