"""The simplest pooling that validation cannot tell from the best."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.delong import delong_test
from ichnet.statistics.pooling_choice import PoolingAuc, auc_by_pooling, choose_pooling

TRUTH = [0, 0, 0, 1, 1, 1]


def test_the_auc_of_each_with_its_interval():
    found = auc_by_pooling(
        {"maximum": np.array([0.1, 0.4, 0.35, 0.3, 0.8, 0.9]), "noisy-or": np.arange(6.0)}, TRUTH
    )
    assert [one.pooling for one in found] == ["maximum", "noisy-or"]
    assert found[0].auc == pytest.approx(7 / 9)
    assert found[0].low < 0.5
    assert found[0].high == 1
    assert found[1] == PoolingAuc("noisy-or", 1, 1, 1)


def test_equal_aucs_leave_it_at_the_simplest():
    same = np.arange(6.0)
    assert choose_pooling({"maximum": same, "mean-of-3": same**2, "noisy-or": same}, TRUTH) == (
        "maximum"
    )


def test_a_difference_within_its_standard_error_leaves_it_at_the_simplest():
    """One scan without hemorrhage of three is misplaced: AUC 1 and 7/9.

    Placements differ by 0, 1/3 and 1/3 among those with, by 2/3, 0 and 0 among those without
    hemorrhage: variances 1/27 and 4/27, standard error sqrt(1/81 + 4/81) = .248, and 2/9 = .222.
    """
    best, simplest = np.array([0.0, 1, 2, 3, 4, 5]), np.array([4.5, 1, 2, 5, 4, 3])
    behind = delong_test(TRUTH, best, simplest)
    assert behind.difference == pytest.approx(2 / 9)
    assert behind.standard_error == pytest.approx(np.sqrt(5) / 9)
    assert choose_pooling({"maximum": simplest, "mean-of-3": best}, TRUTH) == "maximum"
    # one more of the same: 2/3 and 0, 4/9 and 2/9
    worse = np.array([4.5, 4.6, 2, 5, 4, 3])
    behind = delong_test(TRUTH, best, worse)
    assert behind.difference == pytest.approx(4 / 9)
    assert behind.standard_error < 4 / 9
    assert choose_pooling({"maximum": worse, "mean-of-3": best}, TRUTH) == "mean-of-3"
    # between the two, the earlier that is near enough
    three = {"maximum": worse, "mean-of-3": simplest, "noisy-or": best}
    assert choose_pooling(three, TRUTH) == "mean-of-3"


def test_two_scans_of_each_kind_are_needed():
    with pytest.raises(ValueError, match="at least 2 of each class"):
        choose_pooling({"maximum": np.array([0.1, 0.2, 0.3])}, [0, 0, 1])
