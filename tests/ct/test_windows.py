"""Display windows."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.ct.windows import apply_window


@pytest.mark.parametrize(
    ("level_hu", "width_hu", "hu", "expected"),
    [
        (40, 80, [-1024, 0, 20, 40, 80, 3000], [0, 0, 0.25, 0.5, 1, 1]),
        (80, 200, [-20, 80, 180], [0, 0.5, 1]),
        (40, 40, [20, 30, 60], [0, 0.25, 1]),
        (600, 2800, [-800, 600, 2000], [0, 0.5, 1]),
    ],
)
def test_window(level_hu, width_hu, hu, expected):
    grey = apply_window(np.array(hu, np.int16), level_hu, width_hu)
    assert grey.dtype == np.float32
    assert grey.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("width_hu", [0, -80])
def test_a_window_without_width_is_refused(width_hu):
    with pytest.raises(ValueError, match="width must be positive"):
        apply_window(np.zeros(1, np.int16), 40, width_hu)
