"""How HU are shown: display windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def apply_window(
    hu: NDArray[np.floating[Any] | np.integer[Any]], level_hu: float, width_hu: float
) -> NDArray[np.float32]:
    """Map ``level_hu - width_hu / 2`` to 0 and ``level_hu + width_hu / 2`` to 1, clipped.

    Returns:
        float32 in [0, 1], of the shape of ``hu``.

    Raises:
        ValueError: when the width is not positive.
    """
    if width_hu <= 0:
        raise ValueError(f"a window's width must be positive, not {width_hu} HU")
    lowest_hu = np.float32(level_hu - width_hu / 2)
    grey: NDArray[np.float32] = (hu.astype(np.float32) - lowest_hu) / np.float32(width_hu)
    return grey.clip(0, 1)
