from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa as statsmodels_cohen
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from ichnet.statistics.agreement import cohen_kappa, count_ratings, fleiss_kappa

TEN_BY_FOURTEEN = [  # 10 cases, 14 readers, 5 categories
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
# Fleiss 1971: 30 patients, 6 psychiatrists, 5 diagnoses
DIAGNOSES = (
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555",
    "144444 124444 222333 144444 224445 333335 111455 111112 224444 133555",
    "555555 244444 224555 114444 144445 222224 111155 224444 133333 555555",
)


def test_fleiss_ten_cases():
    kappa = fleiss_kappa(TEN_BY_FOURTEEN)
    assert kappa.value == pytest.approx(0.20993, abs=5e-6)
    assert kappa.low < kappa.value < kappa.high


def test_fleiss_1971():
    kappa = fleiss_kappa(count_ratings([list(patient) for patient in " ".join(DIAGNOSES).split()]))
    assert kappa.value == pytest.approx(0.43024, abs=5e-6)
    assert kappa.z == pytest.approx(17.65, abs=0.005)
    assert kappa.p < 1e-60


def test_by_hand():
    # agreement 1, 1/3, 1/3; shares 5/9, 4/9: chance 41/81
    kappa = fleiss_kappa([[3, 0], [1, 2], [1, 2]])
    assert kappa.value == pytest.approx((5 / 9 - 41 / 81) / (40 / 81))


def test_counts_of_ratings():
    counts = count_ratings([["b", "a", "b"], ["a", "a", "a"]])
    np.testing.assert_array_equal(counts, [[1, 2], [3, 0]])
    with pytest.raises(ValueError, match="1 of 4 ratings are missing"):
        count_ratings([[1, np.nan], [0, 1]])
    with pytest.raises(ValueError, match="2 of 4 ratings are missing"):
        count_ratings(np.array([["1", ""], [None, "0"]], object))
    with pytest.raises(ValueError, match="2 of 4 ratings are missing"):
        count_ratings([["1", ""], ["", "0"]])


@pytest.mark.parametrize("seed", range(3))
def test_equals_statsmodels(seed):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(6, rng.dirichlet(np.ones(3), size=20))  # [20, 3]
    assert fleiss_kappa(counts).value == pytest.approx(statsmodels_fleiss(counts), abs=1e-12)

    first = rng.integers(0, 3, 50)
    second = np.where(rng.random(50) < 0.6, first, rng.integers(0, 3, 50))
    table = np.zeros((3, 3))
    np.add.at(table, (first, second), 1)
    theirs, ours = statsmodels_cohen(table), cohen_kappa(first, second)
    assert ours.value == pytest.approx(theirs.kappa, abs=1e-12)
    assert ours.standard_error == pytest.approx(theirs.std_kappa, rel=1e-10)
    assert ours.z == pytest.approx(theirs.z_value, rel=1e-10)
    assert ours.p == pytest.approx(theirs.pvalue_two_sided, rel=1e-8)
    assert (ours.low, ours.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp))


def test_the_standard_error_is_that_of_the_cases_influence():
    """Each case's influence is the slope of kappa in that case's weight, here by differences."""
    counts = np.array(TEN_BY_FOURTEEN)

    def weighted_kappa(weights: np.ndarray) -> float:
        weights = weights / weights.sum()
        share = weights @ counts / 14
        agreement = weights @ ((counts * (counts - 1)).sum(axis=1) / (14 * 13))
        chance = share @ share
        return float((agreement - chance) / (1 - chance))

    kappa = fleiss_kappa(counts)
    assert weighted_kappa(np.ones(10)) == pytest.approx(kappa.value, abs=1e-12)
    step = 1e-5
    influence = [
        10 * (weighted_kappa(1 + up) - weighted_kappa(1 - up)) / (2 * step)
        for up in step * np.eye(10)
    ]
    assert kappa.standard_error == pytest.approx(math.sqrt(np.square(influence).sum() / 90))


def test_one_category_is_full_agreement_and_no_evidence():
    for kappa in (fleiss_kappa([[6, 0], [6, 0]]), cohen_kappa([1, 1, 1], [1, 1, 1])):
        assert (kappa.value, kappa.z, kappa.p, kappa.one_category) == (1, 0, 1, True)
    assert not fleiss_kappa([[6, 0], [0, 6]]).one_category
    assert fleiss_kappa([[6, 0], [0, 6]]).value == 1


def test_readers_who_never_use_the_same_category():
    kappa = cohen_kappa([0, 0, 0], [1, 1, 1])
    assert (kappa.value, kappa.z, kappa.p) == (0, 0, 1)


def test_coverage_of_fleiss():
    """600 samples of 150 cases by 6 readers; the truth from a large one; four standard errors."""
    rng = np.random.default_rng(11)

    def sample(cases: int) -> np.ndarray:
        said = rng.binomial(6, rng.beta(0.5, 0.8, size=cases))
        return np.column_stack([said, 6 - said])

    truth = fleiss_kappa(sample(400_000)).value
    intervals = [fleiss_kappa(sample(150)) for _ in range(600)]
    coverage = np.mean([i.low <= truth <= i.high for i in intervals])
    assert coverage == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / 600))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[3, 0], [2, 0]], "same number of readers"),
        ([[3, 0]], "1 cases by 3 readers"),
        ([[1, 0], [0, 1]], "2 cases by 1 readers"),
        ([[4, -1], [3, 0]], "negative"),
        ([[1.5, 1.5], [3, 0]], "whole numbers"),
        ([3, 0], "shape"),
        (np.zeros((0, 2)), "0 cases"),
    ],
)
def test_refused_counts(counts, message):
    with pytest.raises(ValueError, match=message):
        fleiss_kappa(counts)


def test_refused_readers():
    with pytest.raises(ValueError, match="same cases"):
        cohen_kappa([1, 0], [1])
    with pytest.raises(ValueError, match="same cases"):
        cohen_kappa([], [])
    with pytest.raises(ValueError, match="missing"):
        cohen_kappa([1.0, np.nan], [1, 0])
