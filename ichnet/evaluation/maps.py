"""The segmenters' maps of a record set, computed once.

Weight models train on them and ensembles predict from them, so that five combinations do not run
the same segmenters five times. :mod:`ichnet.records.maps` is their format.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.files import whole_path, write_whole
from ichnet.networks.channels import neighbours_of
from ichnet.networks.loading import weights_fingerprint
from ichnet.networks.mirrored import is_mirrored
from ichnet.networks.scores import map_and_subtypes
from ichnet.networks.without_bone import is_without_bone
from ichnet.records.index import RecordIndex
from ichnet.records.mapping import mapped
from ichnet.records.maps import FILES, INFO, SCHEMA_VERSION, SHARDS, SLICES
from ichnet.records.reader import slice_reader
from ichnet.records.record_set import SLICE_COLUMNS, RecordSet, write_table
from ichnet.records.schema import Example
from ichnet.runs.stage import Stage

logger = logging.getLogger(__name__)

BATCH_SLICES = 8
TRAINING_SPLIT = "train"


Outputs = dict[str, NDArray[Any]]
"""``maps`` of all members, float16 [batch, m, m, members], and what :data:`SUBTYPES` names."""

Compute = Callable[[tf.Tensor, tf.Tensor], Outputs]
"""A function from (HU as the members take it, patients [batch]) to what is cached."""

SUBTYPES = "subtype_score"
"""Scores of Model 2's head, float32 [batch, 6]; absent when no member has one."""


@dataclass(frozen=True)
class Fold:
    """The segmenters of one fold, and the patients that they were not trained on.

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
    files: Mapping[str, str] = {},
) -> None:
    """Write every member's map of every slice as float16, unless the cache is up to date.

    The folder is created when the cache is complete. After an interruption the finished shards
    are kept.

    Args:
        members: segmenters by name; their order is that of the maps' last axis.
        record_set: the slices.
        splits: which of its splits.
        folder: of the cache, one TFRecord file for each of the record set's.
        folds: when given, the training split is added: each patient's maps come from the
            segmenters of the patient's fold.
        files: digest of the file of each member that was read from one, so that maps are refused
            when it has been trained again.

    Raises:
        ValueError: when a training patient is in no fold, or in several.
    """
    if folds:
        splits = [*splits, TRAINING_SPLIT]
        _require_each_once(record_set.patients(TRAINING_SPLIT), folds)
    info = {**_made_from(members, record_set, splits, folds), FILES: dict(files)}
    stage = Stage(folder, info, marks=(INFO,))
    if stage.is_finished():
        logger.info("%s: made by the same models already", folder)
        return
    begun = stage.begin()
    for left_half_written in begun.glob(".*"):
        left_half_written.unlink()
    by_all, out_of_fold = _maps_of_all(members), _maps_by_fold(folds)
    computes = {
        split: out_of_fold if folds and split == TRAINING_SPLIT else by_all for split in splits
    }
    neighbours = neighbours_of(next(iter(members.values())))
    slices = sum(info["slices"].values())
    with tqdm(desc=f"maps of {folder.name}", total=slices, unit="slice", disable=None) as bar:
        for split, compute in computes.items():
            _write_split(record_set, split, neighbours, compute, begun, bar)
    cached = [row for row in record_set.slices if row["split"] in splits]
    write_table(cached, SLICE_COLUMNS, begun / SLICES)
    sizes = {path.name: path.stat().st_size for path in sorted(begun.glob("*.tfrecord"))}
    with write_whole(begun / INFO) as handle:
        json.dump({**info, SHARDS: sizes}, handle, indent=2)
    stage.finish()


def _made_from(
    members: Mapping[str, keras.Model],
    record_set: RecordSet,
    splits: Sequence[str],
    folds: Sequence[Fold],
) -> dict[str, Any]:
    """Return what a cache is made from, and what its readers must know."""
    info: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "members": {name: weights_fingerprint(member) for name, member in members.items()},
        "records": record_set.fingerprint,
        "slices": {
            split: sum(row["split"] == split for row in record_set.slices)
            for split in sorted(splits)
        },
        "matrix": record_set.matrix,
        "mirrored": any(is_mirrored(one) for one in members.values()),
        "without_bone": any(is_without_bone(one) for one in members.values()),
        "subtype_scores": any(isinstance(one.output, dict) for one in members.values()),
    }
    if folds:
        info["folds"] = [
            {name: weights_fingerprint(member) for name, member in fold.members.items()}
            for fold in folds
        ]
    return info


def _write_split(
    record_set: RecordSet, split: str, neighbours: int, compute: Compute, folder: Path, bar: tqdm
) -> None:
    """Write the shards of one split, but for those that are there."""
    index = RecordIndex.of(record_set, split)
    read = slice_reader(record_set, split, index, neighbours)
    for number, shard in enumerate(index.files):
        if not (folder / shard.name).exists():
            wanted = np.flatnonzero(index.file_of == number)
            with whole_path(folder / shard.name) as temporary:
                _write_shard(wanted, read, compute, temporary, bar)


def _require_each_once(patients: Mapping[str, str], folds: Sequence[Fold]) -> None:
    for patient in patients:
        if (count := sum(patient in fold.patients for fold in folds)) != 1:
            raise ValueError(f"patient {patient} is in {count} folds")


def _maps_by_fold(folds: Sequence[Fold]) -> Compute:
    """Return a function that gives each slice to the segmenters that never saw its patient."""
    graphs = [_maps_of_all(fold.members) for fold in folds]
    fold_of = {patient: index for index, fold in enumerate(folds) for patient in fold.patients}

    def compute(hu: tf.Tensor, patients: tf.Tensor) -> Outputs:
        of_slice = np.array([fold_of[patient.decode()] for patient in patients.numpy()])
        result: Outputs = {}
        for index in np.unique(of_slice):
            chosen = of_slice == index
            for name, values in graphs[index](hu[chosen], patients[chosen]).items():
                whole = result.setdefault(
                    name, np.empty((len(hu), *values.shape[1:]), values.dtype)
                )
                whole[chosen] = values
        return result

    return compute


def _maps_of_all(members: Mapping[str, keras.Model]) -> Compute:
    """Return a function that gives every slice to the same segmenters."""

    def stack(hu: tf.Tensor) -> dict[str, tf.Tensor]:
        maps, result = [], {}
        for member in members.values():
            found, subtype_score = map_and_subtypes(member(hu, training=False))
            maps.append(found)
            if subtype_score is not None:
                result[SUBTYPES] = subtype_score
        return {**result, "maps": tf.cast(tf.stack(maps, axis=-1), tf.float16)}

    signature = [tf.TensorSpec(next(iter(members.values())).inputs[0].shape, tf.float32)]
    graph = tf.function(stack, input_signature=signature, autograph=False)
    return lambda hu, patients: {name: value.numpy() for name, value in graph(hu).items()}


def _write_shard(
    numbers: NDArray[np.int64],
    read: Callable[[tf.Tensor], tuple[tf.Tensor, Example]],
    compute: Compute,
    path: Path,
    bar: tqdm,
) -> None:
    """Write the slices with the given numbers, each with its maps, to one file."""

    def needed(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        serialized, example = read(number)
        return serialized, example["hu"], example["patient_id"]

    slices = mapped(tf.data.Dataset.from_tensor_slices(numbers), needed)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for serialized, hu, patients in slices.batch(BATCH_SLICES).prefetch(1):
            outputs = compute(hu, patients)
            for place, record in enumerate(serialized.numpy()):
                own = {name: values[place] for name, values in outputs.items()}
                writer.write(_with_maps(record, own))
                bar.update()


def _with_maps(record: bytes, outputs: Outputs) -> bytes:
    """Return a slice's record with its maps, and subtype scores, in place of its HU."""
    example = tf.train.Example.FromString(record)
    feature = example.features.feature
    del feature["hu"]
    feature["maps"].bytes_list.value.append(outputs["maps"].astype("<f2").tobytes())
    if SUBTYPES in outputs:
        feature[SUBTYPES].float_list.value.extend(outputs[SUBTYPES].tolist())
    return bytes(example.SerializeToString(deterministic=True))
