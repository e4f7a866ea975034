"""What the weight models must beat: the members' maps combined without looking at the input.

The mean, the maximum, and the fixed non-negative weights that best fit the outlines by least
squares, on the same held-out scans that the weight models learn from.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.optimize import nnls

from ichnet.files import write_whole
from ichnet.records.maps import maps_dataset

BATCH_SLICES = 16


def least_squares_weights(maps: Path, split: str) -> NDArray[np.float64]:
    """Return the weights, each 0 or more, whose sum of maps is nearest to the outlines, [members].

    Slices without an outline are left out. The products of maps are summed slice by slice, so
    that memory does not grow with their number.

    Args:
        maps: folder of cached maps.
        split: of its record set.

    Raises:
        ValueError: when no slice has an outline, or no map is anywhere above zero.
    """
    gram: NDArray[np.float64] | None = None
    moments: NDArray[np.float64] | None = None
    for batch in maps_dataset(maps, split).batch(BATCH_SLICES):
        drawn = batch["has_mask"].numpy().astype(bool)
        members = batch["maps"].shape[-1]
        found = batch["maps"].numpy()[drawn].reshape(-1, members).astype(np.float64)
        truth = (batch["mask"].numpy()[drawn] > 0).reshape(-1).astype(np.float64)
        gram = found.T @ found + (0 if gram is None else gram)
        moments = found.T @ truth + (0 if moments is None else moments)
    if gram is None or moments is None or not gram.any():
        raise ValueError(f"{maps}: no slice of split {split!r} has an outline and a map above zero")
    # |A w - t| is |L' w - inverse(L) A't| but for a constant, where A'A = L L'
    ridge = 1e-9 * np.trace(gram) * np.eye(len(gram))
    lower = np.linalg.cholesky(gram + ridge)
    weights: NDArray[np.float64] = nnls(lower.T, np.linalg.solve(lower, moments))[0]
    return weights


def write_weights(weights: NDArray[np.float64], members: tuple[str, ...], path: Path) -> None:
    """Write the weight of each member as JSON."""
    with write_whole(path) as handle:
        json.dump(dict(zip(members, weights.tolist(), strict=True)), handle, indent=2)


def combine(maps: tf.Tensor, baseline: str, weights: NDArray[np.float64] | None) -> tf.Tensor:
    """Return [batch, m, m] from [batch, m, m, members], in [0, 1].

    Args:
        maps: of the members.
        baseline: ``mean``, ``maximum`` or ``nnls``.
        weights: of ``nnls``, [members].

    Raises:
        ValueError: for another baseline, or ``nnls`` without weights.
    """
    if baseline == "mean":
        return tf.reduce_mean(maps, axis=-1)
    if baseline == "maximum":
        return tf.reduce_max(maps, axis=-1)
    if baseline == "nnls" and weights is not None:
        combined = tf.tensordot(maps, tf.constant(weights, maps.dtype), 1)
        return tf.clip_by_value(combined, 0.0, 1.0)
    raise ValueError(f"no baseline {baseline!r}, or no weights for it")
