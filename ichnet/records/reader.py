"""Records as tf.data pipelines: every slice in order, or balanced and augmented batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import tensorflow as tf

from ichnet.config import AugmentationConfig, ImageConfig, TrainingConfig
from ichnet.records.augmentation import augment
from ichnet.records.index import RecordIndex
from ichnet.records.record_set import RecordSet
from ichnet.records.sampling import BalancedSampler
from ichnet.records.schema import Example, parse_slice, parse_training_batch
from ichnet.records.strata import Stratum, by_hemorrhage


def slices_dataset(
    record_set: RecordSet, split: str, scans: Collection[str] | None = None
) -> tf.data.Dataset:
    """Return every slice of a split once, in stored order, as ``parse_slice`` gives it.

    Args:
        record_set: the set.
        split: ``train``, ``validation``, ``ensemble`` or ``test``.
        scans: read these scans only.

    Raises:
        RecordSetError: when a file of the split is missing or cut off.
    """
    rows = record_set.slices_of(split)
    index = RecordIndex.open(record_set.folder, split, len(rows))
    wanted = None if scans is None else set(scans)
    numbers = [i for i, row in enumerate(rows) if wanted is None or row["scan_id"] in wanted]

    def read(number: tf.Tensor) -> Example:
        return parse_slice(index.read_in_graph(number[None])[0], record_set.matrix)

    return tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64)).map(
        read, num_parallel_calls=tf.data.AUTOTUNE
    )


def training_dataset(
    record_set: RecordSet,
    split: str,
    training: TrainingConfig,
    image: ImageConfig,
    seed: int,
    first_epoch: int = 0,
    augmentation: AugmentationConfig | None = None,
    scans: Collection[str] | None = None,
    strata: Sequence[Stratum] | None = None,
) -> tf.data.Dataset:
    """Return the batches of the remaining epochs, by default half of each with hemorrhage.

    What epoch ``e`` holds depends on ``seed`` and ``e`` only, so that training resumed at ``e``
    sees what uninterrupted training sees, and arms of one experiment see the same slices in the
    same order, changed in the same way.

    Args:
        record_set: the set.
        split: usually ``train``.
        training: batch size, epochs and steps in each.
        image: for the size of a pixel.
        seed: of order and augmentation.
        first_epoch: the first one wanted.
        augmentation: random changes; none when ``None``.
        scans: draw from these scans only.
        strata: what to draw how often, in place of ``scans`` and the two halves.

    Returns:
        ``steps_per_epoch`` batches for each epoch: ``hu``, ``mask`` float32
        [batch, matrix, matrix], ``labels`` float32 [batch, 6].

    Raises:
        ConfigError: when a stratum is empty, e.g. no slice shows hemorrhage.
        RecordSetError: when a file of the split is missing or cut off.
    """
    rows = record_set.slices_of(split)
    index = RecordIndex.open(record_set.folder, split, len(rows))
    strata = by_hemorrhage(rows, scans) if strata is None else strata
    sampler = BalancedSampler(index, strata, training, seed)

    def parse(batch_seed: tf.Tensor, records: tf.Tensor) -> Example:
        batch = parse_training_batch(records, record_set.matrix)
        if augmentation is None:
            return batch
        hu, mask = augment(batch["hu"], batch["mask"], augmentation, image, batch_seed)
        return {**batch, "hu": hu, "mask": mask}

    batches = sampler.batches(first_epoch)
    return batches.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
