"""An exported model, called slice by slice from Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.deployment.metadata import ModelError, model_fingerprint, read_metadata
from ichnet.deployment.runtime import TENSORFLOW, candidates, described_runtime, load_network
from ichnet.deployment.signature import Network

BATCH_SLICES = 8
"""Slices per call: they fit in 4 GiB at 512 x 512, and more are hardly faster on a CPU."""


class SavedModel:
    """A SavedModel and what it says about itself. Its runtime is loaded at the first call.

    Args:
        folder: ``export/<model>/<version>``.
        runtime: what computes it, see :mod:`ichnet.deployment.runtime`; ``None`` for the fastest
            that is installed and can read it.

    Attributes:
        metadata: its ``metadata.json``.
        fingerprint: SHA-256 of all its files.

    Raises:
        ModelError: when the folder is not an exported model, or the runtime is not installed.
    """

    def __init__(self, folder: Path, runtime: str | None = TENSORFLOW) -> None:
        self.folder = folder
        self.metadata = read_metadata(folder)
        self.fingerprint = model_fingerprint(folder)
        self._candidates = candidates(runtime)

    @property
    def runtime(self) -> str:
        """Name and version of what computes it; loads it.

        Raises:
            ModelError: when it cannot be loaded.
        """
        return described_runtime(self._loaded[0])

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
        return self._loaded[1](hu)

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
    def _loaded(self) -> tuple[str, Network]:
        """The runtime and the model in it: of the first that can read it."""
        *others, last = self._candidates
        for runtime in others:
            with suppress(ModelError):
                return runtime, load_network(runtime, self.folder, self.fingerprint)
        return last, load_network(last, self.folder, self.fingerprint)


def require_sha256(model: SavedModel, wanted: str) -> None:
    """Refuse a model that is not the one that is asked for, if one is.

    Raises:
        ModelError: names both.
    """
    if wanted and wanted.lower() != model.fingerprint:
        raise ModelError(
            f"{model.folder}: its SHA-256 is {model.fingerprint}, not {wanted.lower()} as asked for"
        )
