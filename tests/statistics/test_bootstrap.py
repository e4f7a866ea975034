from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from ichnet.statistics.bootstrap import bootstrap_interval, mean_interval
from ichnet.statistics.roc import roc_auc
from ichnet.statistics.weighted import Auc, AucDifference, Sensitivity, Specificity


def sample(units: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and two scores with ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(units) < 0.4
    truth[0], truth[1] = True, False
    a = np.round(rng.normal(size=units) + truth, 1)
    return truth, a, np.round(a + rng.normal(size=units), 1)


def sensitivity(truth: np.ndarray, score: np.ndarray) -> float:
    return float((score[truth] >= 0.5).mean())


def specificity(truth: np.ndarray, score: np.ndarray) -> float:
    return float((score[~truth] < 0.5).mean())


def plain_auc(truth: np.ndarray, score: np.ndarray) -> float:
    return roc_auc(truth, score)


def auc_difference(truth: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    return roc_auc(truth, a) - roc_auc(truth, b)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("by_patient", [False, True])
@pytest.mark.parametrize(
    ("weighted", "plain", "scores"),
    [
        (Auc(), plain_auc, 1),
        (roc_auc, plain_auc, 1),
        (AucDifference(), auc_difference, 2),
        (Sensitivity(), sensitivity, 1),
        (Specificity(0.5), specificity, 1),
    ],
)
def test_counts_and_arrays_agree(weighted, plain, scores, by_patient, method):
    truth, a, b = sample()
    groups = np.arange(60) // 4 if by_patient else None
    arguments = {"groups": groups, "replicates": 50, "seed": 3, "method": method}
    of_counts = bootstrap_interval(weighted, truth, *(a, b)[:scores], **arguments)
    of_arrays = bootstrap_interval(plain, truth, *(a, b)[:scores], **arguments)
    assert of_counts.low < of_counts.high
    for name in ("value", "low", "high"):
        assert getattr(of_counts, name) == pytest.approx(getattr(of_arrays, name), abs=1e-12)


def record_draws(truth, *scores, groups=None, replicates=200, seed=0) -> list[np.ndarray]:
    """Return the drawn scores of each replicate."""
    drawn = []

    def keep(truth: np.ndarray, *drawn_scores: np.ndarray) -> float:
        drawn.append(np.column_stack([truth, *drawn_scores]))
        return float(len(drawn))

    bootstrap_interval(keep, truth, *scores, groups=groups, replicates=replicates, seed=seed)
    return drawn[1:]  # the first is the data itself


def test_replicates_keep_the_size_of_each_class():
    truth, a, _ = sample()
    draws = record_draws(truth, a)
    assert len(draws) == 200
    assert {(len(d), int(d[:, 0].sum())) for d in draws} == {(60, int(truth.sum()))}
    assert len({d.tobytes() for d in draws}) == 200


def test_every_unit_is_drawn_equally_often():
    truth = np.arange(20) < 5
    draws = record_draws(truth, np.arange(20), replicates=2000)
    times = Counter(np.concatenate(draws)[:, 1].tolist())
    expected = 2000
    for unit in range(20):
        # variance of a unit's count is 1 - 1/(units of its class) a replicate; five deviations
        assert abs(times[unit] - expected) < 5 * math.sqrt(2000)


def test_patients_are_drawn_whole_and_by_kind():
    # patients p, q with a positive slice (2 and 3 slices), x, y, z without (1, 2, 4)
    groups = np.array(list("ppqqqxyyzzzz"))
    truth = np.array([1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    slices = np.arange(12)
    for draw in record_draws(truth, slices, groups=groups):
        times = Counter(draw[:, 1].tolist())
        by_patient = {
            name: {times[unit] for unit in slices[groups == name].tolist()} for name in "pqxyz"
        }
        assert all(len(counts) == 1 for counts in by_patient.values())
        drawn = {name: counts.pop() for name, counts in by_patient.items()}
        assert drawn["p"] + drawn["q"] == 2
        assert drawn["x"] + drawn["y"] + drawn["z"] == 3


def test_models_are_paired_over_units_and_over_calls():
    truth, a, _ = sample()
    for draw in record_draws(truth, a, 2 * a):
        np.testing.assert_array_equal(2 * draw[:, 1], draw[:, 2])
    np.testing.assert_array_equal(
        np.array(record_draws(truth, a, seed=5)),
        np.array(record_draws(truth, -a, seed=5)) * [1, -1],
    )
    same = bootstrap_interval(AucDifference(), truth, a, a + 1, seed=0)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_the_seed_decides():
    truth, a, _ = sample()
    first = bootstrap_interval(roc_auc, truth, a, seed=1)
    assert bootstrap_interval(roc_auc, truth, a, seed=1) == first
    assert bootstrap_interval(roc_auc, truth, a, seed=2) != first
    assert (first.replicates, first.discarded, first.method) == (500, 0, "percentile")


def test_scores_keep_their_type():
    truth, a, _ = sample()
    called = a >= 0.5
    types = set()

    def share(truth: np.ndarray, called: np.ndarray) -> float:
        types.add((truth.dtype, called.dtype))
        return float((~called[~truth]).mean())

    of_decisions = bootstrap_interval(share, truth.astype(int), called, seed=0)
    assert types == {(np.dtype(bool), np.dtype(bool))}
    assert of_decisions == bootstrap_interval(Specificity(), truth, called, seed=0)


def test_ends_are_quantiles_of_the_replicates():
    truth, a, _ = sample()
    drawn = [roc_auc(d[:, 0], d[:, 1]) for d in record_draws(truth, a, replicates=500, seed=8)]
    interval = bootstrap_interval(roc_auc, truth, a, seed=8, confidence_level=0.9)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_equals_scipy(method):
    """Two samples, negatives and positives, resampled apart: within Monte-Carlo error."""
    truth, a, _ = sample(80, seed=4)

    def auc(positives: np.ndarray, negatives: np.ndarray) -> float:
        gap = positives[:, None] - negatives
        return float(((gap > 0) + 0.5 * (gap == 0)).mean())

    theirs = stats.bootstrap(
        (a[truth], a[~truth]),
        auc,
        vectorized=False,
        n_resamples=3000,
        method=method,
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = bootstrap_interval(roc_auc, truth, a, replicates=20_000, seed=0, method=method)
    # an end's own error with 3,000 replicates is about 0.003
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_bca_by_its_formula():
    truth, a, _ = sample(40, seed=2)
    drawn = np.array([roc_auc(d[:, 0], d[:, 1]) for d in record_draws(truth, a, seed=6)])
    value = roc_auc(truth, a)
    cubes = squares = 0.0
    for side in (truth, ~truth):
        without = []
        for unit in np.flatnonzero(side):
            keep = np.arange(40) != unit
            without.append(roc_auc(truth[keep], a[keep]))
        n = len(without)
        u = (n - 1) * (np.mean(without) - np.array(without))
        cubes, squares = cubes + (u**3).sum() / n**3, squares + (u**2).sum() / n**2
    acceleration = cubes / squares**1.5 / 6
    below = ((drawn < value).mean() + (drawn <= value).mean()) / 2
    z0 = stats.norm.ppf(below)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    expected = np.quantile(drawn, stats.norm.cdf(z0 + z / (1 - acceleration * z)))
    found = bootstrap_interval(roc_auc, truth, a, replicates=200, seed=6, method="bca")
    assert abs(acceleration) > 0.005
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_a_perfect_score_has_no_spread():
    for method in ("percentile", "bca"):
        interval = bootstrap_interval(
            roc_auc,
            [0, 0, 1, 1],
            [1, 2, 3, 4],
            seed=0,
            method=method,  # type: ignore[arg-type]
        )
        assert (interval.low, interval.high) == (1, 1)


def test_undefined_replicates_are_counted():
    # the only negative slices are patient q's: without q there is one class
    groups = ["p", "p", "q", "q"]
    truth = [1, 1, 1, 0]
    for statistic in (roc_auc, plain_auc, Specificity()):
        interval = bootstrap_interval(
            statistic, truth, [3, 2, 1, 2], groups=groups, replicates=400, seed=0
        )
        # q is not among two draws of p and q: a quarter; five deviations
        assert abs(interval.discarded - 100) < 5 * math.sqrt(400 * 3 / 16)
        assert interval.replicates == 400


def test_undefined_statistics_are_refused():
    truth, a, _ = sample()
    with pytest.raises(ValueError, match="nan on the data itself"):
        bootstrap_interval(lambda t, s: math.nan, truth, a, seed=0)
    on_data = iter([1.0])
    with pytest.raises(ValueError, match="defined on 0 of 30 replicates"):
        bootstrap_interval(lambda t, s: next(on_data, math.nan), truth, a, replicates=30, seed=0)
    with pytest.raises(ValueError, match="defined on 0 of 0 replicates"):
        bootstrap_interval(roc_auc, truth, a, replicates=0, seed=0)


def test_bca_refusals():
    truth, a, _ = sample()
    steps = iter(range(1000))
    with pytest.raises(ValueError, match="outside all replicates"):
        bootstrap_interval(lambda t, s: next(steps), truth, a, seed=0, method="bca", replicates=9)
    with pytest.raises(ValueError, match="only one of its kind"):
        bootstrap_interval(roc_auc, [1, 0, 0, 0], [2, 1, 3, 1], seed=0, method="bca", replicates=99)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "b"], "2 groups for 4 units"),
        (["a", "", "b", "b"], "1 of 4 units have no group"),
        ([1.0, np.nan, 2.0, np.nan], "2 of 4 units have no group"),
        (np.array(["a", None, "b", "b"], object), "1 of 4 units have no group"),
    ],
)
def test_unknown_patients_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(roc_auc, [0, 1, 0, 1], [1, 2, 3, 4], groups=groups, seed=0)


def test_impossible_level():
    with pytest.raises(ValueError, match="confidence level"):
        bootstrap_interval(roc_auc, [0, 1, 0, 1], [1, 2, 3, 4], seed=0, confidence_level=95)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_coverage(method):
    """200 samples of two normal classes one deviation apart; four standard errors."""
    rng = np.random.default_rng(12)
    truth = np.arange(120) < 50
    area = 0.7602499389065233  # Phi(1 / sqrt(2))
    covered = 0
    for seed in range(200):
        score = rng.normal(size=120) + truth
        interval = bootstrap_interval(
            roc_auc, truth, score, replicates=200, seed=seed, method=method
        )
        covered += interval.low <= area <= interval.high
    assert covered / 200 == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / 200))


def test_slices_of_a_patient_are_no_new_evidence():
    """Copies of every scan as slices: by patient the interval stays, by slice it shrinks."""
    truth, a, _ = sample(100, seed=9)
    alone = bootstrap_interval(roc_auc, truth, a, replicates=2000, seed=0)
    truth, a, patients = np.repeat(truth, 16), np.repeat(a, 16), np.repeat(np.arange(100), 16)
    by_patient = bootstrap_interval(roc_auc, truth, a, groups=patients, replicates=2000, seed=0)
    assert (by_patient.low, by_patient.high) == (alone.low, alone.high)
    by_slice = bootstrap_interval(roc_auc, truth, a, replicates=2000, seed=0)
    shrunk = (by_slice.high - by_slice.low) / (alone.high - alone.low)
    assert shrunk == pytest.approx(1 / 4, rel=0.1)


def test_a_mean_by_groups_is_as_uncertain_as_its_groups():
    """Ten equal units of each of 40 groups say no more than the 40."""
    of_group = np.random.default_rng(1).normal(size=40)
    groups = np.repeat(np.arange(40), 10)
    interval = mean_interval(np.repeat(of_group, 10), groups, 4000, seed=2)
    assert interval.value == pytest.approx(of_group.mean())
    standard_error = of_group.std() / math.sqrt(40)
    assert interval.low == pytest.approx(of_group.mean() - 1.96 * standard_error, abs=0.03)
    assert interval.high == pytest.approx(of_group.mean() + 1.96 * standard_error, abs=0.03)


def test_a_mean_of_groups_of_unequal_size_is_that_of_the_units():
    interval = mean_interval([1, 1, 1, 5], ["a", "a", "a", "b"], 200, seed=0)
    assert (interval.value, interval.low, interval.high) == (2.0, 1.0, 5.0)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_a_mean_of_nothing_or_of_nan_is_refused(values):
    with pytest.raises(ValueError, match="a mean of"):
        mean_interval(values, ["a"] * len(values), seed=0)
