from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from ichnet.statistics.roc import roc_auc, roc_curve


@pytest.mark.parametrize(
    ("truth", "score", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 3 / 4),
        ([0, 0, 1, 1], [1, 2, 3, 4], 1.0),
        ([0, 0, 1, 1], [4, 3, 2, 1], 0.0),  # not turned around
        ([1, 1, 0], [0.2, 0.1, 0.9], 0.0),
        ([0, 1, 1, 0], [5, 5, 5, 5], 0.5),
        # pairs: 2 above 1 (1), 2 with 2 (1/2), 3 above both (2): 3.5 of 4
        ([0, 0, 1, 1], [1, 2, 2, 3], 3.5 / 4),
        ([0, 1], [-np.inf, np.inf], 1.0),
        ([0, 1], [-0.0, 0.0], 0.5),
    ],
)
def test_hand_computed(truth, score, expected):
    assert roc_auc(truth, score) == expected


labelled = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.bool_, n).filter(lambda t: t.any() and not t.all()),
        arrays(np.int64, n, elements=st.integers(-3, 3)),
    )
)


@settings(deadline=None, max_examples=100)
@given(labelled)
def test_equals_all_pairs_with_ties(case):
    truth, score = case
    gap = score[truth][:, None] - score[~truth][None, :]  # [positives, negatives]
    brute = ((gap > 0) + 0.5 * (gap == 0)).mean()
    assert roc_auc(truth, score) == pytest.approx(brute, abs=1e-14)


def test_equals_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.random(500) < 0.2
    score = np.round(rng.normal(size=500) + truth, 1)
    assert roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-13)
    curve = roc_curve(truth, score)
    expected = sklearn_roc_curve(truth, score, drop_intermediate=False)
    for ours, theirs in zip(curve, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-15)


def test_float32_scores_are_ranked_without_loss():
    # 200,000 of each class: sums of ranks beyond float32's and 32-bit integers' whole numbers
    score = np.arange(400_000, dtype=np.float32)
    truth = score >= 200_000
    assert roc_auc(truth, score) == 1.0
    truth[[0, -1]] = True, False
    assert roc_auc(truth, score) == 1 - (2 * 200_000 - 1) / 200_000**2


def test_points_of_the_curve():
    curve = roc_curve([0, 1, 0, 1, 1], [0.1, 0.4, 0.4, 0.8, 0.9])
    np.testing.assert_array_equal(curve.threshold, [np.inf, 0.9, 0.8, 0.4, 0.1])
    np.testing.assert_allclose(curve.true_positive_rate, [0, 1 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(curve.false_positive_rate, [0, 0, 0, 0.5, 1])


def test_the_curve_encloses_the_area():
    rng = np.random.default_rng(1)
    truth = rng.random(200) < 0.4
    score = rng.integers(0, 9, 200) + 2 * truth
    x, y, _ = roc_curve(truth, score)
    trapezoids = np.diff(x) @ (y[1:] + y[:-1]) / 2
    assert roc_auc(truth, score) == pytest.approx(trapezoids, abs=1e-14)
