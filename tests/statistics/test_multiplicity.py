from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from ichnet.statistics.multiplicity import holm


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x .01; 2 x .03; max(1 x .04, .06)
        ([0.5, 0.6], [1, 1]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_by_hand(p, adjusted):
    np.testing.assert_allclose(holm(p), adjusted, atol=1e-15)


def test_equals_statsmodels():
    p = np.random.default_rng(0).random(12) ** 4
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


@pytest.mark.parametrize("p", [[0.1, np.nan], [1.1], [-0.1], 0.3])
def test_refused(p):
    with pytest.raises(ValueError, match="p values"):
        holm(p)
