"""Records as tf.data pipelines: every slice in order, or balanced and augmented batches."""

from __future__ import annotations

from collections.abc import Collection

import tensorflow as tf

from ichnet.config import AugmentationConfig, ConfigError, ImageConfig, TrainingConfig
from ichnet.records.augmentation import augment
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import Example, parse_identity, parse_slice

SHUFFLED_RECORDS = 512
"""Records held for shuffling in each of the two streams, two shards' worth: 384 MiB at 512 x 512.
The shards themselves come in shuffled order."""


def slices_dataset(
    record_set: RecordSet, split: str, scans: Collection[str] | None = None
) -> tf.data.Dataset:
    """Return every slice of a split once, in stored order, as ``parse_slice`` gives it.

    Args:
        record_set: the set.
        split: ``train``, ``validation``, ``ensemble`` or ``test``.
        scans: keep these scans only.
    """
    records = tf.data.TFRecordDataset(record_set.shards(split))
    if scans is not None:
        records = records.filter(_among(scans))
    slices = records.map(
        lambda serialized: parse_slice(serialized, record_set.matrix),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    # Keras takes the end of a dataset of unknown length for a mistake
    count = len(_any_labels(record_set, split, scans))
    return slices.apply(tf.data.experimental.assert_cardinality(count))


def training_dataset(
    record_set: RecordSet,
    split: str,
    training: TrainingConfig,
    image: ImageConfig,
    seed: int,
    first_epoch: int = 0,
    augmentation: AugmentationConfig | None = None,
    scans: Collection[str] | None = None,
) -> tf.data.Dataset:
    """Return the batches of the remaining epochs, half of each with hemorrhage, half without.

    Slices with and without hemorrhage are two streams, each shuffled (the order of the shards,
    then a buffer) and repeated, and drawn from in turn. What epoch ``e`` holds depends on ``seed``
    and ``e`` only, so that training resumed at ``e`` sees what uninterrupted training sees, and
    arms of one experiment see the same slices in the same order, changed in the same way.

    Args:
        record_set: the set.
        split: usually ``train``.
        training: batch size, epochs and steps in each.
        image: for the size of a pixel.
        seed: of order and augmentation.
        first_epoch: the first one wanted.
        augmentation: random changes; none when ``None``.
        scans: draw from these scans only.

    Returns:
        ``steps_per_epoch`` batches for each epoch: ``hu``, ``mask`` float32
        [batch, matrix, matrix], ``labels`` float32 [batch, 6].

    Raises:
        ConfigError: when the split lacks slices with, or without, hemorrhage.
    """
    _require_both_kinds(record_set, split, scans)
    shards = tf.constant(record_set.shards(split))

    def stream(positive: bool, epoch_seed: tf.Tensor) -> tf.data.Dataset:
        """Return one kind of slices, shuffled and without end, still serialized."""
        order = tf.random.experimental.stateless_shuffle(shards, tf.stack([epoch_seed, 0]))
        records = tf.data.TFRecordDataset(order)
        if scans is not None:
            records = records.filter(_among(scans))
        records = records.filter(lambda one: parse_identity(one)[0] == int(positive))
        return records.shuffle(SHUFFLED_RECORDS, seed=epoch_seed).repeat()

    def batch_of(seed_and_step: tuple[tf.Tensor, tf.Tensor], batch: Example) -> Example:
        hu, mask = batch["hu"], batch["mask"]
        if augmentation is not None:
            hu, mask = augment(hu, mask, augmentation, image, tf.stack(seed_and_step))
        return {"hu": hu, "mask": mask, "labels": batch["labels"]}

    def epoch_dataset(epoch: tf.Tensor) -> tf.data.Dataset:
        # of this graph only: shuffling mixes in the global seed, which building a network sets
        tf.compat.v1.set_random_seed(1)
        epoch_seed = epoch + 1_000_003 * seed
        streams = [stream(True, epoch_seed), stream(False, epoch_seed)]
        in_turn = tf.data.Dataset.choose_from_datasets(streams, tf.data.Dataset.range(2).repeat())
        batches = in_turn.map(
            lambda serialized: parse_slice(serialized, record_set.matrix),
            num_parallel_calls=tf.data.AUTOTUNE,
        ).batch(training.batch_size)
        steps = tf.data.Dataset.range(training.steps_per_epoch)
        seeds = steps.map(lambda step: (epoch_seed, step))
        return tf.data.Dataset.zip((seeds, batches)).map(
            batch_of, num_parallel_calls=tf.data.AUTOTUNE
        )

    epochs = tf.data.Dataset.range(first_epoch, training.epochs)
    count = training.steps_per_epoch * (training.epochs - first_epoch)
    batches = epochs.flat_map(epoch_dataset)
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _among(scans: Collection[str]) -> tf.types.experimental.GenericFunction:
    """Return a filter of serialized records by scan."""
    keys = tf.constant(sorted(scans))
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(keys, tf.ones_like(keys, tf.int64)), default_value=0
    )
    return lambda serialized: table.lookup(parse_identity(serialized)[1]) == 1


def _any_labels(record_set: RecordSet, split: str, scans: Collection[str] | None) -> list[str]:
    """Return the ANY label of each slice of a split, of the chosen scans only."""
    wanted = {row["scan_id"] for row in record_set.scans} if scans is None else set(scans)
    return [
        row["ANY"]
        for row in record_set.slices
        if row["split"] == split and row["scan_id"] in wanted
    ]


def _require_both_kinds(record_set: RecordSet, split: str, scans: Collection[str] | None) -> None:
    """Refuse a split from which half-and-half batches cannot be drawn: the pipeline would hang."""
    labels = _any_labels(record_set, split, scans)
    for label, kind in (("1", "with"), ("0", "without")):
        if label not in labels:
            raise ConfigError(
                f"{record_set.folder}: no slices {kind} hemorrhage among the {len(labels)} of "
                f"split {split!r} to train on"
            )
