"""A model in a ``.keras`` file with the state of its optimizer, whichever that is.

Keras 2 leaves the state of its legacy optimizers, among them all of tensorflow-addons', out of the
file; training that resumed would begin anew with trained weights. Here it is one more member of
the file, which is a zip archive.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import keras
import numpy as np

from ichnet.networks.loading import load_network

LEGACY_STATE = "legacy_optimizer.npz"


def save_checkpoint(model: keras.Model, path: Path) -> None:
    """Write a compiled model and its optimizer's state."""
    model.save(path)
    if _is_legacy(model.optimizer):
        state = io.BytesIO()
        np.savez(state, *model.optimizer.get_weights())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(LEGACY_STATE, state.getvalue())


def load_checkpoint(path: Path) -> keras.Model:
    """Read what :func:`save_checkpoint` wrote."""
    model = load_network(path)
    if _is_legacy(model.optimizer):
        with zipfile.ZipFile(path) as archive, archive.open(LEGACY_STATE) as member:
            state = np.load(io.BytesIO(member.read()))
        # as Keras 2 does itself when it reads its older format
        model.optimizer._create_all_weights(model.trainable_variables)
        model.optimizer.set_weights([state[name] for name in state.files])
    return model


def _is_legacy(optimizer: keras.optimizers.Optimizer) -> bool:
    """Return whether it is of Keras 2's older kind; Keras 3 has no name for that."""
    return hasattr(optimizer, "_create_all_weights")
