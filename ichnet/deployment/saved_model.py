"""An exported model, called slice by slice from Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.deployment.environment import quiet_tensorflow
from ichnet.deployment.metadata import ModelError, model_fingerprint, read_metadata

BATCH_SLICES = 8
"""Slices per call: they fit in 4 GiB at 512 x 512, and more are hardly faster on a CPU."""


class SavedModel:
    """A SavedModel and what it says about itself. TensorFlow is loaded at the first call.

    Args:
        folder: ``export/<model>/<version>``.

    Attributes:
        metadata: its ``metadata.json``.
        fingerprint: SHA-256 of all its files.

    Raises:
        ModelError: when the folder is not an exported model.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = read_metadata(folder)
        self.fingerprint = model_fingerprint(folder)

    def load(self) -> None:
        """Load the graph now, so that a failure is not taken for a fault of a scan.

        Raises:
            ModelError: when it cannot be loaded.
        """
        self._loaded  # noqa: B018 - a cached property

    def __call__(self, hu: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return the model's outputs for consecutive slices of one scan, from feet to head.

        Args:
            hu: float32 [slices, height, width].

        Raises:
            ModelError: when the graph cannot be loaded.
        """
        serve = self._loaded.signatures["consecutive"]
        return {name: value.numpy() for name, value in serve(hu=hu).items()}

    def batches(self, slices: int) -> Iterator[tuple[slice, slice]]:
        """Yield the batches in which the model is called on a scan of any length.

        Args:
            slices: number of slices of the scan.

        Yields:
            the range of slices to give to the model, which includes neighbours of the first and
            last slice of the batch; and the range of its outputs that belong to the batch itself.
        """
        neighbours = self.metadata.neighbours
        for first in range(0, slices, BATCH_SLICES):
            last = min(first + BATCH_SLICES, slices)
            begin, end = max(first - neighbours, 0), min(last + neighbours, slices)
            yield slice(begin, end), slice(first - begin, last - begin)

    @cached_property
    def _loaded(self) -> Any:
        """The loaded object; a signature works only as long as it is alive."""
        with quiet_tensorflow():
            import tensorflow as tf

            try:
                return tf.saved_model.load(str(self.folder))
            except (OSError, ValueError, tf.errors.OpError) as error:
                raise ModelError(f"{self.folder}: cannot be loaded ({error})") from error
