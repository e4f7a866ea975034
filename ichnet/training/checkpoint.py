"""Checkpoints: a ``.keras`` file with everything that is needed to continue training.

The file is a zip archive. State that Keras does not save is added as further members: the number of
finished epochs (an optimizer does not count steps that mixed precision skips, and counts one for
several whose gradients it accumulates), the averages of the weights (see
:mod:`ichnet.training.averaging`), and the state of Keras 2's legacy optimizers, which all
optimizers of tensorflow-addons are.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ichnet.networks.loading import load_network

LEGACY_STATE = "legacy_optimizer.npz"
AVERAGES = "averaged_weights.npz"
EPOCHS = "finished_epochs.npz"

Arrays = Sequence[NDArray[Any]]


def save_checkpoint(
    model: keras.Model, path: Path, epochs: int = 0, averages: Arrays | None = None
) -> None:
    """Write a compiled model with its optimizer's state.

    Args:
        model: the model.
        path: of the file.
        epochs: number of finished epochs.
        averages: averages of its weights, if there are.
    """
    model.save(path)
    _append(path, EPOCHS, [np.array(epochs)])
    if _is_legacy(model.optimizer):
        _append(path, LEGACY_STATE, model.optimizer.get_weights())
    if averages is not None:
        _append(path, AVERAGES, averages)


def load_checkpoint(path: Path) -> keras.Model:
    """Return the compiled model that :func:`save_checkpoint` wrote, with its optimizer's state."""
    model = load_network(path)
    if _is_legacy(model.optimizer):
        # as Keras 2 does itself when it reads its older format
        model.optimizer._create_all_weights(model.trainable_variables)
        model.optimizer.set_weights(_read(path, LEGACY_STATE))
    return model


def load_epochs(path: Path) -> int:
    """Return the number of finished epochs in a checkpoint."""
    (epochs,) = _read(path, EPOCHS)
    return int(epochs)


def load_averages(path: Path) -> Arrays | None:
    """Return the averages of the weights in a checkpoint; ``None`` when it has none."""
    with zipfile.ZipFile(path) as archive:
        if AVERAGES not in archive.namelist():
            return None
    return _read(path, AVERAGES)


def _append(path: Path, member: str, arrays: Arrays) -> None:
    data = io.BytesIO()
    np.savez(data, *arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, data.getvalue())


def _read(path: Path, member: str) -> Arrays:
    with zipfile.ZipFile(path) as archive, archive.open(member) as data:
        arrays = np.load(io.BytesIO(data.read()))
    return [arrays[name] for name in arrays.files]


def _is_legacy(optimizer: keras.optimizers.Optimizer) -> bool:
    """Return whether an optimizer is a legacy optimizer of Keras 2; Keras 3 has none."""
    return hasattr(optimizer, "_create_all_weights")
