"""Loads ``.keras`` files without running code they may contain; fingerprints of weights."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import keras
import numpy as np


def load_network(path: Path, compiled: bool = True) -> keras.Model:
    """Return the network of a ``.keras`` file.

    Keras's safe mode refuses Python code inside the file, as a ``Lambda`` layer can hold. Keras 2
    knows no safe mode for its older formats, and takes a file of such a format under any name;
    whatever is not a zip archive is therefore not passed on to it.

    Args:
        path: the file.
        compiled: also load its losses, metrics and optimizer. Applying a network needs none of
            them, nor the packages that they come from.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not a network, or not a safe one; the message names the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such network")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not a .keras file (a zip archive)")
    try:
        return keras.models.load_model(path, compile=compiled, safe_mode=True)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: cannot be loaded ({error})") from error


def weights_fingerprint(model: keras.Model) -> str:
    """Return 12 hex digits that change when any weight of a network does."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:12]
