from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ichnet.statistics.delong import delong_interval, delong_test
from ichnet.statistics.roc import roc_auc

# 10 negatives, 8 positives, ties within and across classes
TRUTH = [0] * 10 + [1] * 8
A = [1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 2, 4, 5, 6, 6, 7, 8, 9]
B = [2, 1, 4, 3, 6, 4, 5, 8, 3, 3, 3, 4, 5, 5, 9, 6, 7, 5]


def test_equals_constants_of_proc():
    """Constants from R's pROC 1.18.0: roc(direction="<"), var, ci.auc, roc.test(paired=TRUE)."""
    exact = {"rel": 1e-12}
    a, b = delong_interval(TRUTH, A), delong_interval(TRUTH, B)
    assert (a.value, b.value) == pytest.approx((0.7625, 0.74375), **exact)
    assert a.standard_error == pytest.approx(0.11915917392361668, **exact)
    assert b.standard_error == pytest.approx(0.12021083495787659, **exact)
    assert (a.low, a.high) == pytest.approx((0.52895231068216697, 0.99604768931783294), **exact)
    at_90 = delong_interval(TRUTH, A, confidence_level=0.9)
    assert at_90.low == pytest.approx(0.56650060058719776, **exact)
    test = delong_test(TRUTH, A, B)
    assert test.z == pytest.approx(0.14646806627431908, **exact)
    assert test.p == pytest.approx(0.88355189744310081, **exact)
    assert test.low == pytest.approx(-0.23215332415052381, **exact)
    assert test.high == pytest.approx(0.26965332415052368, **exact)


PROC = """
suppressMessages(library(pROC))
options(digits = 17)
for (path in commandArgs(trailingOnly = TRUE)) {
  d <- read.csv(path)
  a <- roc(d$truth, d$a, levels = c(0, 1), direction = "<", quiet = TRUE)
  b <- roc(d$truth, d$b, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(a, b, method = "delong", paired = TRUE)
  ci <- ci.auc(a, method = "delong")
  numbers <- c(auc(a), auc(b), sqrt(var(a, method = "delong")), ci[1], ci[3],
               test$statistic, test$p.value, test$conf.int)
  cat(sprintf("%.17g", numbers), "\\n")
}
"""


def has_proc() -> bool:
    if shutil.which("Rscript") is None:
        return False
    found = subprocess.run(["Rscript", "-e", "library(pROC)"], capture_output=True, check=False)
    return found.returncode == 0


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    units = int(rng.integers(20, 400))
    truth = rng.random(units) < rng.uniform(0.2, 0.8)
    truth[:2], truth[2:4] = True, False
    shared = rng.normal(size=units) + rng.uniform(-0.5, 1.5) * truth
    decimals = int(rng.integers(0, 3))  # many ties, few ties
    a = np.round(shared + rng.normal(size=units), decimals)
    b = np.round(shared + rng.normal(size=units), decimals)
    return truth, a, b


def test_equals_proc_on_random_data(tmp_path: Path) -> None:
    if not has_proc():
        pytest.skip("R with pROC is not installed; its constants are tested above")
    cases = [random_case(seed) for seed in range(40)]
    paths = [tmp_path / f"{i}.csv" for i in range(len(cases))]
    for path, (truth, a, b) in zip(paths, cases, strict=True):
        rows = (f"{int(t)},{x:.17g},{y:.17g}" for t, x, y in zip(truth, a, b, strict=True))
        path.write_text("truth,a,b\n" + "\n".join(rows) + "\n")
    script = tmp_path / "proc.R"
    script.write_text(PROC)
    printed = subprocess.run(
        ["Rscript", str(script), *map(str, paths)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(printed) == len(cases)
    for line, (truth, a, b) in zip(printed, cases, strict=True):
        ci, test = delong_interval(truth, a), delong_test(truth, a, b)
        ours = [test.auc_a, test.auc_b, ci.standard_error, ci.low, ci.high]
        ours += [test.z, test.p, test.low, test.high]
        np.testing.assert_allclose(ours, [float(v) for v in line.split()], rtol=1e-10, atol=1e-10)


def brute_covariance(truth: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    """DeLong's covariance by all pairs, as the 1988 paper writes it."""
    v10, v01 = [], []
    for score in scores:
        gap = score[truth][:, None] - score[~truth][None, :]  # [positives, negatives]
        kernel = (gap > 0) + 0.5 * (gap == 0)
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
    return np.cov(v10) / truth.sum() + np.cov(v01) / (~truth).sum()


@pytest.mark.parametrize("seed", range(5))
def test_equals_all_pairs(seed):
    truth, a, b = random_case(seed)
    covariance = brute_covariance(truth, [a, b])
    test = delong_test(truth, a, b)
    assert test.difference == pytest.approx(roc_auc(truth, a) - roc_auc(truth, b), abs=1e-14)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert test.standard_error**2 == pytest.approx(variance, rel=1e-10)
    assert delong_interval(truth, a).standard_error ** 2 == pytest.approx(covariance[0, 0])


@pytest.mark.parametrize("transform", [lambda s: s, lambda s: 3 * s + 1, np.exp])
def test_scores_of_one_ranking_do_not_differ(transform):
    test = delong_test(TRUTH, A, transform(np.asarray(A, float)))
    assert (test.difference, test.standard_error, test.z, test.p) == (0, 0, 0, 1)
    assert (test.low, test.high) == (0, 0)


def test_an_area_below_one_half_stays_there():
    turned = delong_test(TRUTH, A, [-s for s in A])
    assert turned.auc_b == pytest.approx(1 - 0.7625)
    assert turned.difference == pytest.approx(2 * 0.7625 - 1)
    back = delong_test(TRUTH, [-s for s in A], A)
    assert (back.z, back.p) == (-turned.z, turned.p)


def test_opposite_perfect_scores():
    test = delong_test([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert (test.difference, test.z, test.p) == (1, math.inf, 0)


def test_the_interval_stays_within_the_unit_interval():
    perfect = delong_interval([0, 0, 1, 1], [1, 2, 3, 4])
    assert (perfect.value, perfect.low, perfect.high) == (1, 1, 1)
    assert delong_interval([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6]).high == 1


def test_one_unit_has_no_variance():
    with pytest.raises(ValueError, match="1 positive and 3 negative units: at least 2"):
        delong_interval([0, 0, 0, 1], [1, 2, 3, 4])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_impossible_level(level):
    with pytest.raises(ValueError, match="confidence level"):
        delong_interval(TRUTH, A, confidence_level=level)


def test_many_units():
    """300,000: the product of the counts exceeds 32 bits."""
    units = 300_000
    truth = np.arange(units) < units // 2
    score = np.arange(units) % 3 + truth  # negatives uniform on 0, 1, 2; positives on 1, 2, 3
    interval = delong_interval(truth, score)
    # of 9 pairs of values 6 in order and 2 equal
    assert interval.value == pytest.approx(7 / 9, abs=1e-14)
    # placements of a positive: 1/2, 5/6, 1; of a negative the same: their variance is 7/162
    variance = 2 * (7 / 162) / (units // 2)
    assert interval.standard_error**2 == pytest.approx(variance, rel=1e-5)


def test_coverage_and_type_1_error():
    """2,000 samples of two binormal scores with AUC 0.76; bounds are four standard errors."""
    rng = np.random.default_rng(7)
    samples = 2000
    truth = np.arange(160) < 70
    area = 0.7602499389065233  # Phi(1 / sqrt(2))
    covered = rejected = 0
    for _ in range(samples):
        shared = rng.normal(size=160) * 0.7 + truth
        a = shared + rng.normal(size=160) * math.sqrt(0.51)
        b = shared + rng.normal(size=160) * math.sqrt(0.51)
        interval = delong_interval(truth, a)
        covered += interval.low <= area <= interval.high
        rejected += delong_test(truth, a, b).p < 0.05
    bound = 4 * math.sqrt(0.05 * 0.95 / samples)
    assert covered / samples == pytest.approx(0.95, abs=bound)
    assert rejected / samples == pytest.approx(0.05, abs=bound)
