"""Records as tf.data pipelines: every slice in order, or balanced and augmented batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import AugmentationConfig, ImageConfig, TrainingConfig
from ichnet.records.augmentation import augment
from ichnet.records.index import RecordIndex
from ichnet.records.mapping import mapped
from ichnet.records.record_set import RecordSet, Row
from ichnet.records.sampling import BalancedSampler
from ichnet.records.schema import Example, parse_hu, parse_slice, parse_training_batch
from ichnet.records.strata import Stratum, by_hemorrhage

ALONE_SHARE = 0.1
"""Share of the slices that a network with neighbours is trained on without them.

Each then takes the place of its neighbours, as it does when a single slice is sent to an export.
"""


def slices_dataset(
    record_set: RecordSet,
    split: str,
    scans: Collection[str] | None = None,
    neighbours: int = 0,
) -> tf.data.Dataset:
    """Return every slice of a split once, in stored order, as ``parse_slice`` gives it.

    Args:
        record_set: the set.
        split: ``train``, ``validation``, ``ensemble`` or ``test``.
        scans: read these scans only.
        neighbours: number of neighbouring slices on either side that ``hu`` holds with each slice;
            with 1 or more, ``hu`` is [matrix, matrix, 2 neighbours + 1].

    Raises:
        RecordSetError: when a file of the split is missing or cut off.
    """
    rows = record_set.slices_of(split)
    index = RecordIndex.of(record_set, split)
    wanted = None if scans is None else set(scans)
    numbers = [i for i, row in enumerate(rows) if wanted is None or row["scan_id"] in wanted]
    read = slice_reader(record_set, split, index, neighbours)
    wanted_slices = tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64))
    return mapped(wanted_slices, lambda number: read(number)[1])


def stored_scans(record_set: RecordSet, split: str) -> Iterator[list[dict[str, Any]]]:
    """Yield each scan of a split as the list of its stored slices, from feet to head.

    Each slice holds what ``parse_slice`` gives, as NumPy arrays.

    Raises:
        RecordSetError: when a file of the split is missing or cut off.
    """
    slices = slices_dataset(record_set, split).as_numpy_iterator()
    for _, group in itertools.groupby(slices, key=lambda one: one["scan_id"]):
        yield list(group)


def slice_reader(
    record_set: RecordSet, split: str, index: RecordIndex, neighbours: int
) -> Callable[[tf.Tensor], tuple[tf.Tensor, Example]]:
    """Return a function from a slice's number, int64, to its record and the parsed record.

    Args:
        record_set: the set.
        split: the split of the set.
        index: where its records lie.
        neighbours: as for :func:`slices_dataset`.
    """
    beside = tf.constant(numbers_beside(record_set.slices_of(split), neighbours))
    matrix = record_set.matrix

    def read(number: tf.Tensor) -> tuple[tf.Tensor, Example]:
        records = index.read_in_graph(beside[number])
        own = records[neighbours]
        example = parse_slice(own, matrix)
        if neighbours:
            stack = tf.transpose(parse_hu(records, matrix), [1, 2, 0])
            example["hu"] = tf.ensure_shape(stack, [matrix, matrix, 2 * neighbours + 1])
        return own, example

    return read


def numbers_beside(slices: Sequence[Row], neighbours: int) -> NDArray[np.int64]:
    """Return the numbers of each slice and its neighbours, from feet to head.

    Beyond the ends of a scan, and where a slice was not stored, the nearest one is repeated.

    Args:
        slices: rows of ``slices.csv``, all of one split.
        neighbours: number on either side.

    Returns:
        int64 [slices, 2 neighbours + 1], the slice itself in the middle.
    """
    number_of = {(row["scan_id"], int(row["slice_index"])): i for i, row in enumerate(slices)}
    found = np.empty((len(slices), 2 * neighbours + 1), np.int64)
    found[:, neighbours] = np.arange(len(slices))
    for number, row in enumerate(slices):
        for step in (-1, 1):
            last = number
            for distance in range(1, neighbours + 1):
                place = int(row["slice_index"]) + step * distance
                last = number_of.get((row["scan_id"], place), last)
                found[number, neighbours + step * distance] = last
    return found


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
    neighbours: int = 0,
) -> tf.data.Dataset:
    """Return the batches of the remaining epochs, by default half of each with hemorrhage.

    What epoch ``e`` holds depends on ``seed`` and ``e`` only, so that training resumed at ``e``
    sees what uninterrupted training sees, and arms of one experiment see the same slices in the
    same order, changed in the same way.

    Args:
        record_set: the set.
        split: usually ``train``.
        training: batch size, epochs and steps in each.
        image: gives the size of a pixel.
        seed: of order and augmentation.
        first_epoch: the first epoch to return.
        augmentation: random changes; none when ``None``.
        scans: draw from these scans only.
        strata: the kinds of slices and their shares of a batch; replaces ``scans`` and the two
            halves.
        neighbours: number of neighbouring slices on either side that ``hu`` holds with each.

    Returns:
        ``steps_per_epoch`` batches for each epoch: ``hu``, ``mask`` float32
        [batch, matrix, matrix], ``labels`` float32 [batch, 6]; with neighbours ``hu`` is
        [batch, matrix, matrix, 2 neighbours + 1].

    Raises:
        ConfigError: when a stratum is empty, e.g. no slice shows hemorrhage.
        RecordSetError: when a file of the split is missing or cut off.
    """
    rows = record_set.slices_of(split)
    index = RecordIndex.of(record_set, split)
    strata = by_hemorrhage(rows, scans) if strata is None else strata
    beside = numbers_beside(rows, neighbours) if neighbours else None
    sampler = BalancedSampler(index, strata, training, seed, beside)

    def parse(batch_seed: tf.Tensor, records: tf.Tensor) -> Example:
        own = records[:, neighbours] if neighbours else records
        batch = parse_training_batch(own, record_set.matrix)
        if neighbours:
            batch["hu"] = _stacks(records, record_set.matrix, batch_seed)
        if augmentation is not None:
            hu, mask = augment(batch["hu"], batch["mask"], augmentation, image, batch_seed)
            batch = {**batch, "hu": hu, "mask": mask}
        if neighbours:
            batch["hu"] = tf.transpose(batch["hu"], [0, 2, 3, 1])
        return batch

    return mapped(sampler.batches(first_epoch), parse).prefetch(2)


def _stacks(records: tf.Tensor, matrix: int, seed: tf.Tensor) -> tf.Tensor:
    """Return the HU of records [batch, slices], float32 [batch, slices, matrix, matrix].

    A few slices take the place of their neighbours, see ``ALONE_SHARE``.
    """
    batch, slices = records.shape
    hu = tf.reshape(parse_hu(tf.reshape(records, [-1]), matrix), [batch, slices, matrix, matrix])
    alone = tf.random.stateless_uniform([batch, 1, 1, 1], seed) < ALONE_SHARE
    return tf.where(alone, hu[:, slices // 2 : slices // 2 + 1], hu)
