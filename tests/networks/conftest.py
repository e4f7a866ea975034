"""Image geometry and windows that the networks' tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ichnet.config import ImageConfig, WindowConfig

WINDOWS = (
    WindowConfig(40, 80),
    WindowConfig(80, 200),
    WindowConfig(40, 40),
    WindowConfig(600, 2800),
)


@pytest.fixture(scope="session")
def image_of() -> Callable[[int], ImageConfig]:
    """From a matrix to the demonstration's four windows on it."""
    return lambda matrix: ImageConfig(matrix=matrix, field_of_view_mm=230.0, windows=WINDOWS)
