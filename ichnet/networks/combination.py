"""Baselines for the weight models: combinations of maps that do not depend on the input.

The mean, the maximum, and fixed non-negative weights (:mod:`ichnet.training.baselines`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.files import write_whole


def write_weights(weights: NDArray[np.float64], members: tuple[str, ...], path: Path) -> None:
    """Write the weight of each member as JSON."""
    with write_whole(path) as handle:
        json.dump(dict(zip(members, weights.tolist(), strict=True)), handle, indent=2)


def read_weights(members: tuple[str, ...], path: Path) -> NDArray[np.float64]:
    """Return the weights that were written, in the order of ``members``.

    Raises:
        FileNotFoundError: when none have been fitted.
        ValueError: when the file does not hold a weight for each member; the message names it.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no weights; fit them (models/fit_baselines.py)")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return np.array([float(stored[member]) for member in members])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the weights of {', '.join(members)} ({error})") from error


def combine(maps: tf.Tensor, baseline: str, weights: NDArray[np.float64] | None) -> tf.Tensor:
    """Combine the members' maps into one map, [batch, m, m], in [0, 1].

    Args:
        maps: the members' maps, [batch, m, m, members].
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
