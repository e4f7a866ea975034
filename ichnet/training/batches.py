"""The training batches of a network, from any epoch on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import tensorflow as tf

from ichnet.config import Config, TrainingConfig
from ichnet.records.mapping import mapped
from ichnet.records.reader import training_dataset
from ichnet.records.record_set import RecordSet


def training_batches(
    config: Config,
    record_set: RecordSet,
    training: TrainingConfig,
    targets: Callable[[dict[str, tf.Tensor]], Any],
    scans: Collection[str] | None = None,
    neighbours: int = 0,
) -> Callable[[int], tf.data.Dataset]:
    """Return a function from the number of an epoch to the batches from there on.

    What :func:`ichnet.training.fit.fit` takes: an epoch's batches depend on its number alone.

    Args:
        config: the experiment, whose seed, image and augmentation the batches follow.
        record_set: whose split ``train`` they are drawn from.
        training: size and number of the batches.
        targets: function from a batch of records to input and targets.
        scans: draw from these scans only.
        neighbours: neighbouring slices on either side that the input holds too.
    """

    def train(first_epoch: int) -> tf.data.Dataset:
        batches = training_dataset(
            record_set,
            "train",
            training,
            image=config.image,
            seed=config.seed,
            first_epoch=first_epoch,
            augmentation=config.augmentation,
            scans=scans,
            neighbours=neighbours,
        )
        return mapped(batches, targets)

    return train
