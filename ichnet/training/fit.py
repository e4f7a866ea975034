"""Training that can be interrupted at any moment and continued where it stopped.

A model's folder holds ``last.keras`` (the whole state after the last finished epoch: weights,
optimizer, losses), ``best.keras`` (lowest validation loss so far), ``log.csv``, TensorBoard's
files and, at the end, ``finished.json``. The number of finished epochs is read off the optimizer's
own step counter, so the state cannot disagree with itself.
"""

from __future__ import annotations

import csv
import json
import logging
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import tensorflow as tf

from ichnet.config import TrainingConfig
from ichnet.files import whole_path, write_whole
from ichnet.training.checkpoint import load_checkpoint, save_checkpoint

logger = logging.getLogger(__name__)


def fit(
    build: Callable[[], keras.Model],
    train: Callable[[int], tf.data.Dataset],
    validation: tf.data.Dataset,
    folder: Path,
    training: TrainingConfig,
    settings: str,
) -> keras.Model:
    """Train a model, or go on with the one in ``folder``, and return the best of its epochs.

    Args:
        build: returns the compiled model with its initial weights.
        train: returns the batches from a given epoch on, ``steps_per_epoch`` for each epoch.
            What an epoch holds must depend on its number alone; then training that was
            interrupted ends with the weights of training that was not.
        validation: batches on which the best epoch is chosen by loss.
        folder: the model's folder.
        training: number of epochs and of steps in each.
        settings: fingerprint of everything the result depends on. A folder made with other
            settings is started anew, since its state belongs to another experiment.

    Returns:
        The model of the epoch with the lowest validation loss.
    """
    _start_anew_if_settings_differ(folder, settings)
    last = folder / "last.keras"
    model = load_checkpoint(last) if last.exists() else build()
    finished = int(model.optimizer.iterations) // training.steps_per_epoch
    if finished:
        logger.info("%s: continuing after epoch %d", folder.name, finished)
    if finished < training.epochs:
        model.fit(
            train(finished),
            validation_data=validation,
            initial_epoch=finished,
            epochs=training.epochs,
            steps_per_epoch=training.steps_per_epoch,
            shuffle=False,  # the dataset shuffles
            callbacks=[
                EpochKeeper(folder, finished),
                keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            ],
            # a bar for a person, a line for each epoch in a file
            verbose=1 if sys.stdout.isatty() else 2,
        )
    _write_finished(folder)
    return keras.models.load_model(folder / "best.keras")


class EpochKeeper(keras.callbacks.Callback):
    """Keeps ``last.keras``, ``best.keras`` and ``log.csv`` after each epoch, each of them whole.

    Args:
        folder: where to keep them.
        finished: epochs finished earlier; later rows of an existing log are dropped, because
            they belong to an epoch whose checkpoint was never completed.
    """

    def __init__(self, folder: Path, finished: int) -> None:
        super().__init__()
        self.folder = folder
        self.rows = read_log(folder / "log.csv")[:finished]

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the epoch's state; the log first, so that no checkpoint lacks its row."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        self.rows = [*self.rows[:epoch], {"epoch": float(epoch + 1), **values}]
        write_log(self.rows, self.folder / "log.csv")
        losses = [row["val_loss"] for row in self.rows]
        with whole_path(self.folder / "last.keras") as path:
            save_checkpoint(self.model, path)
            if losses[-1] <= min(losses):
                with whole_path(self.folder / "best.keras") as best:
                    shutil.copyfile(path, best)


def write_log(rows: list[dict[str, float]], path: Path) -> None:
    """Write one row an epoch with every logged value."""
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the rows of a ``log.csv``; none when there is no log yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)
        ]


def _write_finished(folder: Path) -> None:
    """Write ``finished.json``: all epochs are done, and which was the best."""
    rows = read_log(folder / "log.csv")
    best = min(rows, key=lambda row: row["val_loss"])
    summary = {
        "epochs": len(rows),
        "best_epoch": int(best["epoch"]),
        "best_val_loss": best["val_loss"],
    }
    with write_whole(folder / "finished.json") as handle:
        json.dump(summary, handle)


def _start_anew_if_settings_differ(folder: Path, settings: str) -> None:
    path = folder / "settings.json"
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) == {"settings": settings}:
            return
        logger.warning("%s: made with other settings; training starts anew", folder.name)
        shutil.rmtree(folder)
    with write_whole(path) as handle:
        json.dump({"settings": settings}, handle)
