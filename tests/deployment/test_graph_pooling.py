"""The graph's poolings are those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from ichnet.deployment.graph_pooling import pool_slices
from ichnet.statistics.pooling import POOLINGS, scan_score


def in_graph(pooling: str, scores: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Return the score from a graph that does not know the number of slices."""
    one_each = tf.TensorSpec([None], tf.float32)
    graph = tf.function(
        lambda scores, spacing_mm: pool_slices(pooling, scores, spacing_mm),
        input_signature=[one_each, one_each],
        autograph=False,
    )
    score = graph(tf.constant(scores), tf.constant(spacing_mm))
    assert (score.shape, score.dtype) == ((), tf.float32)
    return float(score)


@pytest.mark.parametrize("slices", [1, 2, 3, 31, 300])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_any_number_of_slices(pooling, slices):
    rng = np.random.default_rng(slices)
    scores = rng.beta(0.3, 2, slices).astype(np.float32)
    spacing_mm = rng.uniform(0.5, 8, slices).astype(np.float32)
    expected = scan_score(scores, spacing_mm, pooling)
    assert in_graph(pooling, scores, spacing_mm) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_one_spacing_for_all_and_scores_at_the_ends(pooling):
    scores = np.array([0, 1, 1, 1, 0, 1e-7, 0.5], np.float32)
    expected = scan_score(scores, np.full(7, 2.5), pooling)
    found = in_graph(pooling, scores, np.array([2.5], np.float32))
    assert found == pytest.approx(expected, abs=1e-6)
    assert in_graph(pooling, np.ones(9, np.float32), np.array([0.7], np.float32)) <= 1


@pytest.mark.parametrize("pooling", POOLINGS)
def test_no_slices_break_no_graph(pooling):
    in_graph(pooling, np.zeros(0, np.float32), np.zeros(0, np.float32))
