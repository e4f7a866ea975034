"""The model in the package with answers that are known: blood is what is as dense as fresh blood.

Run as a program it is ``ichnet`` with that model, which starts without TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ichnet.deployment import saved_model
from ichnet.deployment.metadata import ModelMetadata, read_metadata
from ichnet.deployment.saved_model import SavedModel

BLOOD_HU = (60, 100)


def answer(self: SavedModel, hu: np.ndarray) -> dict[str, np.ndarray]:
    """Find blood where at least one pixel in a hundred is."""
    blood = ((hu > BLOOD_HU[0]) & (hu < BLOOD_HU[1])).astype(np.float32)
    found = blood.mean(axis=(1, 2)) > 0.01
    return {
        "probability": np.where(found, 0.999, 0.001).astype(np.float32),
        "mask_probability": blood * found[:, None, None],
    }


def one_slice_is_enough(folder: Path) -> ModelMetadata:
    """Return what the model says about itself, but for a scan's score: its largest slice score."""
    metadata = read_metadata(folder)
    return replace(metadata, calibration=replace(metadata.calibration, pooling="maximum"))


def know_the_answers(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Put the known answers in the place of the model's."""
    patch(saved_model, "read_metadata", one_slice_is_enough)
    patch(SavedModel, "load", lambda self: None)
    patch(SavedModel, "__call__", answer)


if __name__ == "__main__":
    from ichnet.cli import main

    know_the_answers()
    sys.exit(main())
