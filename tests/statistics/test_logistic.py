from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from ichnet.statistics.logistic import fit_logistic


def test_a_constant_is_the_mean():
    target = np.array([0.0, 1.0, 1.0, 0.5])
    (constant,) = fit_logistic(np.ones((4, 1)), target)
    assert constant == pytest.approx(logit(2.5 / 4))
    (constant,) = fit_logistic(np.ones((4, 1)), target, offset=np.full(4, 7.0))
    assert constant == pytest.approx(logit(2.5 / 4) - 7)


def test_from_far_away():
    # a full Newton step from zero overshoots by far
    (constant,) = fit_logistic(np.ones((3, 1)), np.array([0.0, 1.0, 1.0]), offset=np.full(3, 30.0))
    assert constant == pytest.approx(np.log(2) - 30)


def test_no_finite_answer():
    design = np.column_stack([np.ones(4), [-2.0, -1.0, 1.0, 2.0]])
    with pytest.raises(ValueError, match="no finite answer"):
        fit_logistic(design, np.array([0.0, 0.0, 1.0, 1.0]))
