"""Networks of many layers are trained for a few steps without tracing their graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import tensorflow as tf


@contextmanager
def eager_functions() -> Iterator[None]:
    """Skip the tracing of graphs, which takes a minute or more for a few steps of each network."""
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*run_functions_eagerly.*")
            yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Run a test without tracing."""
    with eager_functions():
        yield
