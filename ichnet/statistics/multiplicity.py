"""Several tests in one family."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ichnet.statistics.checks import FloatArray


def holm(p: ArrayLike) -> FloatArray:
    """Return p values adjusted by Holm's step-down method, in the order given.

    Args:
        p: [tests], the whole family.

    Returns:
        float64 [tests]; a test is significant at alpha when its value is at most alpha, and the
        chance of one false positive or more in the family is then at most alpha.

    Raises:
        ValueError: when a value is NaN or outside [0, 1].

    Reference:
        Holm S. Scandinavian Journal of Statistics 1979;6:65-70.
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p values must be a list of numbers in [0, 1], not {values.tolist()}")
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
