"""Training that can be interrupted at any time and resumed from the last finished epoch.

A model's folder holds ``last.keras`` (the whole state after the last finished epoch: weights,
their averages if any, optimizer, losses), ``best.keras`` (lowest validation loss so far: see
``validation_loss``; with averaged weights where a training averages them),
``log.csv``, TensorBoard's files and, at the end, ``finished.json``. ``last.keras`` also holds the
number of finished epochs, so the state cannot disagree with itself.
"""

from __future__ import annotations

import json
import logging
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import TrainingConfig
from ichnet.files import whole_path, write_whole
from ichnet.networks.loading import load_network
from ichnet.runs.stage import Stage
from ichnet.runs.training_log import best_row, read_log, validation_loss, write_log
from ichnet.training.averaging import AveragedWeights
from ichnet.training.checkpoint import (
    load_averages,
    load_checkpoint,
    load_epochs,
    save_checkpoint,
)
from ichnet.training.compiling import precision
from ichnet.training.distribution import (
    fit_distributed,
    is_chief,
    make_strategy,
    require_divisible,
)

logger = logging.getLogger(__name__)

FINISHED = "finished.json"

Callbacks = Callable[[Path], Sequence[keras.callbacks.Callback]]


def fit(
    build: Callable[[], keras.Model],
    train: Callable[[int], tf.data.Dataset],
    validation: tf.data.Dataset,
    folder: Path,
    training: TrainingConfig,
    made_from: Mapping[str, Any],
    callbacks: Callbacks = lambda folder: (),
) -> keras.Model:
    """Train a model, or resume the training in ``folder``, and return the model of the best epoch.

    Args:
        build: returns the compiled model with its initial weights.
        train: returns the batches from a given epoch on, ``steps_per_epoch`` for each epoch.
            The batches of an epoch must depend on its number only; then interrupted training ends
            with the same weights as uninterrupted training.
        validation: validation batches; the best epoch has the lowest loss on them.
        folder: the model's folder.
        training: number of epochs and of steps per epoch.
        made_from: all inputs of the result (see :class:`~ichnet.runs.stage.Stage`). Training starts
            over in a folder that was made from other inputs.
        callbacks: returns further callbacks, which write into the folder that is passed to it.

    Returns:
        The model of the epoch with the lowest validation loss.

    Raises:
        FloatingPointError: when a loss is not finite.
        ConfigError: when a batch cannot be divided evenly among the replicas.
    """
    strategy = make_strategy()
    require_divisible(training.batch_size, strategy)
    if not is_chief(strategy):
        with tempfile.TemporaryDirectory() as own:  # every worker must save, one is to be kept
            return _fit(build, train, validation, folder, Path(own), training, strategy, callbacks)
    stage = Stage(folder, made_from, marks=(FINISHED,), in_place=True)
    stage.begin()
    best = _fit(build, train, validation, folder, folder, training, strategy, callbacks)
    _write_finished(folder)
    stage.finish()
    return best


def _fit(
    build: Callable[[], keras.Model],
    train: Callable[[int], tf.data.Dataset],
    validation: tf.data.Dataset,
    folder: Path,
    kept: Path,
    training: TrainingConfig,
    strategy: tf.distribute.Strategy,
    callbacks: Callbacks,
) -> keras.Model:
    """Resume from the state in ``folder``, write states to ``kept``, return the best model."""
    last = folder / "last.keras"
    with strategy.scope(), precision(training.precision):
        model = load_checkpoint(last) if last.exists() else build()
    finished = load_epochs(last) if last.exists() else 0
    rows = read_log(folder / "log.csv")[:finished]
    if finished:
        logger.info("%s: continuing after epoch %d", folder.name, finished)
    if finished < training.epochs and not out_of_patience(rows, training.patience_epochs):
        averages = None
        if training.average_decay:
            begun = load_averages(last) if finished else None
            averages = AveragedWeights(training.average_decay, begun)
        keepers = [
            *([averages] if averages else []),
            EpochKeeper(kept, rows, training.patience_epochs, averages),
            keras.callbacks.TensorBoard(str(kept / "tensorboard"), write_graph=False),
            *callbacks(kept / "tensorboard"),
        ]
        if strategy.num_replicas_in_sync > 1:
            fit_distributed(
                model,
                strategy,
                train(finished),
                validation,
                keepers,
                range(finished, training.epochs),
                training.steps_per_epoch,
            )
        else:
            model.fit(
                train(finished),
                validation_data=validation,
                initial_epoch=finished,
                epochs=training.epochs,
                steps_per_epoch=training.steps_per_epoch,
                shuffle=False,  # the dataset shuffles
                callbacks=keepers,
                # a progress bar in a terminal, one line for each epoch in a log file
                verbose=1 if sys.stdout.isatty() else 2,
            )
    best = kept / "best.keras"  # a worker that keeps its own has none if no epoch was better
    return load_network(best if best.exists() else folder / best.name)


def out_of_patience(rows: Sequence[Mapping[str, float]], patience_epochs: int | None) -> bool:
    """Return whether the best epoch is ``patience_epochs`` or more before the last one."""
    if patience_epochs is None or not rows:
        return False
    return len(rows) - int(best_row(rows)["epoch"]) >= patience_epochs


class EpochKeeper(keras.callbacks.Callback):
    """Writes ``last.keras``, ``best.keras`` and ``log.csv`` after each epoch, never partially.

    Args:
        folder: folder of these files.
        rows: log of the epochs that finished earlier. Later rows of an existing log belong to an
            epoch whose checkpoint was never completed, and are dropped.
        patience_epochs: see ``TrainingConfig``.
        averages: averages of the weights, which ``best.keras`` then holds; ``None`` for the weights
            themselves.

    Raises:
        FloatingPointError: after an epoch whose loss is not finite; the files keep the state of
            the epoch before.
    """

    def __init__(
        self,
        folder: Path,
        rows: Sequence[Mapping[str, float]],
        patience_epochs: int | None,
        averages: AveragedWeights | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.rows = list(rows)
        self.patience_epochs = patience_epochs
        self.averages = averages

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the state after an epoch; first the log, so that no checkpoint lacks its row."""
        values = {_once_prefixed(name): float(value) for name, value in (logs or {}).items()}
        for name in ("loss", "val_loss"):
            if not math.isfinite(values[name]):
                raise FloatingPointError(
                    f"{self.folder.name}: {name} is {values[name]} after epoch {epoch + 1}; "
                    f"lower the learning rate or clip the gradient (global_clipnorm)"
                )
        self.rows = [*self.rows[:epoch], {"epoch": float(epoch + 1), **values}]
        write_log(self.rows, self.folder / "log.csv")
        with whole_path(self.folder / "last.keras") as path:
            averages = self.averages
            save_checkpoint(self.model, path, epoch + 1, averages.values() if averages else None)
            if best_row(self.rows) is self.rows[-1]:
                with whole_path(self.folder / "best.keras") as best:
                    self._keep_best(path, best)
        if out_of_patience(self.rows, self.patience_epochs):
            self.model.stop_training = True

    def _keep_best(self, last: Path, best: Path) -> None:
        if self.averages is None:
            shutil.copyfile(last, best)
            return
        with self.averages.in_place():
            save_checkpoint(self.model, best)


def _once_prefixed(name: str) -> str:
    """Return a metric's name with the name of its output only once.

    Keras 2 prepends the output's name again when a model is loaded, as in
    ``probability_probability_auc``.
    """
    return re.sub(r"^(val_)?([a-z]+_)\2+", r"\1\2", name)


def _write_finished(folder: Path) -> None:
    """Write ``finished.json``, which marks the end of training and names the best epoch."""
    rows = read_log(folder / "log.csv")
    best = best_row(rows)
    summary = {
        "epochs": len(rows),
        "best_epoch": int(best["epoch"]),
        "best_val_loss": validation_loss(best),
    }
    with write_whole(folder / FINISHED) as handle:
        json.dump(summary, handle)
