"""Exponential moving averages of a network's weights, used for validation and for the best model.

The weights of a single step carry the noise of its last batches; their average over some hundred
steps does not (Polyak and Juditsky 1992). Batch normalisation's running statistics are averaged
like all other weights, so that they belong to them: the averages that Keras's optimizers can keep
(``use_ema``) leave them out, and begin with the random initial weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Arrays = Sequence[NDArray[np.float32]]


class AveragedWeights(keras.callbacks.Callback):
    """Averages the weights of a model over the steps of its training, and validates the averages.

    Step ``n`` keeps a share ``min(decay, (1 + n) / (10 + n))`` of the average, so that the initial
    weights are soon forgotten.

    Args:
        decay: share of the average that each step keeps, after the first steps.
        averages: averages of a training that is continued; ``None`` for a new training.
    """

    def __init__(self, decay: float, averages: Arrays | None = None) -> None:
        super().__init__()
        self.decay = decay
        self.averages: list[tf.Variable] = []
        self._given = averages
        self._steps = 0
        self._follow: Callable[[tf.Tensor], None]

    def set_model(self, model: keras.Model) -> None:
        """Start from the given averages, or from the model's weights."""
        super().set_model(model)
        values = model.get_weights() if self._given is None else self._given
        self.averages = [tf.Variable(value, trainable=False) for value in values]
        self._steps = self._done()
        self._follow = tf.function(self._move_towards_weights)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Update the averages after one step, or after several steps of one execution."""
        done = self._done()
        decay = min(self.decay, (1 + done) / (10 + done)) ** (done - self._steps)
        self._steps = done
        self._follow(tf.constant(1 - decay, tf.float32))

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Replace the weights by their averages during validation."""
        self._exchange()

    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Restore the weights."""
        self._exchange()

    def values(self) -> Arrays:
        """Return the averages, in the order of the model's weights."""
        return [average.numpy() for average in self.averages]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace the weights by their averages inside a ``with`` block."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _done(self) -> int:
        return int(tf.convert_to_tensor(self.model.optimizer.iterations))

    def _move_towards_weights(self, share: tf.Tensor) -> None:
        for average, weight in zip(self.averages, self.model.weights, strict=True):
            distance = tf.convert_to_tensor(weight) - average
            average.assign_add(tf.cast(share, distance.dtype) * distance)

    def _exchange(self) -> None:
        weights = self.model.get_weights()
        self.model.set_weights(self.values())
        for average, weight in zip(self.averages, weights, strict=True):
            average.assign(weight)
