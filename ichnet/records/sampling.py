"""Balanced batches for training: the one sampler of classifiers, segmenters and weight models.

Each stratum of slices (see :mod:`ichnet.records.strata`) is shuffled and gone through from end to
end before any of its slices comes again; an epoch goes on where the last one stopped. So every
slice is drawn, whatever the length of an epoch. Which slices an epoch holds is a list of numbers,
computed from the seed and the number of the epoch alone, and only the records on that list are
read. With one slice in eight positive, that gave eight times the slices a second (at 112 x 112) of
streams that are filtered by label and shuffled in a buffer (benchmarks/sampling.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import ConfigError, TrainingConfig
from ichnet.records.index import RecordIndex
from ichnet.records.mapping import mapped
from ichnet.records.strata import Stratum

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BalancedSampler:
    """Draws each batch from the strata in the proportion of their shares.

    Attributes:
        index: of the records.
        strata: which of them are drawn, and how often.
        training: batch size, epochs and steps in each.
        seed: of the order.
        beside: int64 [records, slices], the records to read for each one drawn: itself and its
            neighbours. ``None`` to read each alone.

    Raises:
        ConfigError: when a stratum is empty.
        ValueError: when shares are not above 0 or do not sum to 1.
    """

    index: RecordIndex
    strata: Sequence[Stratum]
    training: TrainingConfig
    seed: int
    beside: Numbers | None = None

    def __post_init__(self) -> None:
        shares = [stratum.share for stratum in self.strata]
        if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"shares must be above 0 and sum to 1, not {shares}")
        for stratum in self.strata:
            if not len(stratum.numbers):
                raise ConfigError(f"{self.index.name}: no slices {stratum.kind} to train on")

    def draw(self, epoch: int) -> Numbers:
        """Return the numbers of one epoch's slices, [steps_per_epoch, batch_size].

        Draws of a stratum are spread evenly, so that each batch has its share but for rounding.
        """
        shape = (self.training.steps_per_epoch, self.training.batch_size)
        turns = _turns([stratum.share for stratum in self.strata], shape[0] * shape[1])
        drawn = np.empty(len(turns), np.int64)
        for number, stratum in enumerate(self.strata):
            places = turns == number
            count = int(np.count_nonzero(places))
            drawn[places] = _stretch(stratum.numbers, epoch * count, count, (self.seed, number))
        return drawn.reshape(shape)

    def batches(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Return the batches of the epochs from ``first_epoch`` on.

        Training that is resumed at an epoch sees what uninterrupted training sees.

        Returns:
            for each batch a seed of its own, int64 [2], and its records: string [batch], or with
            ``beside`` string [batch, slices].
        """
        steps, first_seed = self.training.steps_per_epoch, 1_000_003 * self.seed

        def read(numbers: tf.Tensor) -> tf.Tensor:
            if self.beside is None:
                return self.index.read_in_graph(numbers)
            wanted = tf.gather(tf.constant(self.beside), numbers)
            records = self.index.read_in_graph(tf.reshape(wanted, [-1]))
            return tf.reshape(records, wanted.shape)

        @tf.autograph.experimental.do_not_convert
        def numbered_batches(epoch: tf.Tensor) -> tf.data.Dataset:
            drawn = tf.numpy_function(self.draw, [epoch], tf.int64, stateful=False)
            drawn = tf.ensure_shape(drawn, [steps, self.training.batch_size])
            seeds = tf.stack(
                [tf.fill([steps], epoch + first_seed), tf.range(steps, dtype=tf.int64)]
            )
            return tf.data.Dataset.from_tensor_slices((tf.transpose(seeds), drawn))

        epochs = tf.data.Dataset.range(first_epoch, self.training.epochs)
        batches = mapped(
            epochs.flat_map(numbered_batches), lambda seed, numbers: (seed, read(numbers))
        )
        # Keras takes the end of a dataset of unknown length for a mistake
        count = steps * (self.training.epochs - first_epoch)
        return batches.apply(tf.data.experimental.assert_cardinality(count))


def _turns(shares: Sequence[float], count: int) -> Numbers:
    """Return the stratum of each of ``count`` draws: its j-th is at (j + 1/2) / share."""
    numbers, times = [], []
    for number, share in enumerate(shares):
        draws = int(np.ceil(share * count)) + 1
        numbers.append(np.full(draws, number))
        times.append((np.arange(draws) + 0.5) / share)
    order = np.argsort(np.concatenate(times), kind="stable")[:count]
    return np.concatenate(numbers)[order]


def _stretch(numbers: Numbers, start: int, count: int, seed: tuple[int, int]) -> Numbers:
    """Return ``count`` draws of an endless sequence of permutations, from the ``start``-th on."""
    first, last = start // len(numbers), (start + count) // len(numbers)
    passes = [
        np.random.default_rng([*seed, number]).permutation(numbers)
        for number in range(first, last + 1)
    ]
    offset = start - first * len(numbers)
    return np.concatenate(passes)[offset : offset + count]
