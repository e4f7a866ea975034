"""Simulated readers, to demonstrate and test the review without experts; not evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ichnet.reporting.review.answers import Answers
from ichnet.reporting.review.page import READERS, KeyRow


def simulate_answers(
    key: Sequence[KeyRow], seed: int, readers: Sequence[str] = READERS, truth_errors: float = 0.1
) -> Answers:
    """Return opinions on cases whose truth is known, as of readers who look at the same scan.

    The evidence for a hemorrhage grows with its volume. Noise is added once for the case (all
    readers see the same scan) and once for each reader, and each reader has a criterion of his own.
    In some cases the ground truth itself is wrong, so that there is something to amend.

    Args:
        key: the cases.
        seed: of all random draws.
        readers: their names.
        truth_errors: share of cases whose ground truth is wrong.
    """
    rng = np.random.default_rng(seed)
    truth = np.array([row.ich for row in key], dtype=bool)
    actual = truth ^ (rng.random(len(key)) < truth_errors)
    volume_ml = np.nan_to_num(np.array([row.volume_ml for row in key], float), nan=3.0)
    visible = np.where(actual, 0.6 + 0.5 * np.log1p(volume_ml), -1.2)
    visible += rng.normal(0, 0.5, len(key))
    criterion = rng.normal(0, 0.3, len(readers))
    noise = rng.normal(0, 0.6, (len(key), len(readers)))
    chance: NDArray[np.float64] = expit(2 * (visible[:, None] + noise - criterion))
    ich = (rng.random(chance.shape) < chance).astype(np.int8)
    return Answers(tuple(key), tuple(readers), ich, np.zeros(ich.shape, bool))
