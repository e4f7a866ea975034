"""The segmenters' maps of a record set, computed once.

Weight models train on them and ensembles predict from them, so that five combinations do not run
the same segmenters five times. :mod:`ichnet.records.maps` is their format.
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

from ichnet.config import fingerprint
from ichnet.files import whole_path, write_whole
from ichnet.records.maps import INFO, read_info
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import parse_slice

logger = logging.getLogger(__name__)

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
    if (folder / INFO).exists() and read_info(folder) == info:
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


def weights_fingerprint(model: keras.Model) -> str:
    """Return 12 hex digits that change when any weight of a network does."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:12]


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
