"""Resampling inside the graph equals resampling outside."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from ichnet.ct import resample
from ichnet.deployment.graph_resample import axis_weights, from_matrix, resize_by_area, to_matrix


def test_resizing_takes_the_mean_under_each_new_pixel():
    image = np.arange(12, dtype=np.float32).reshape(1, 2, 6)
    # columns in pairs, rows as they are
    np.testing.assert_allclose(
        resize_by_area(tf.constant(image), 2, 3), [[[0.5, 2.5, 4.5], [6.5, 8.5, 10.5]]]
    )
    # 6 columns to 4: each new one covers one and a half
    np.testing.assert_allclose(
        resize_by_area(tf.constant(image), 1, 4),
        [[[3 + 1 / 3, 4 + 2 / 3, 6 + 1 / 3, 7 + 2 / 3]]],
        rtol=1e-6,
    )
    np.testing.assert_array_equal(resize_by_area(tf.constant(image), 2, 6), image)


@pytest.mark.parametrize("source", [(7, 2.0), (8, 0.5), (9, 1.0), (40, 0.45)])
@pytest.mark.parametrize("target", [(5, 1.0), (6, 2.5), (12, 0.3)])
def test_weights_along_an_axis(source, target):
    np.testing.assert_allclose(
        axis_weights(*source, *target), resample.axis_weights(*source, *target), atol=1e-5
    )


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5), (0.9, 1.3), (6.0, 4.0)])
def test_there_and_back(spacing_mm):
    rng = np.random.default_rng(2)
    hu = rng.normal(40, 200, (3, 60, 47)).astype(np.float32)
    there = to_matrix(tf.constant(hu), tf.constant(spacing_mm), 16, 60.0)
    np.testing.assert_allclose(there, resample.to_matrix(hu, spacing_mm, 16, 60.0), atol=2e-3)

    maps = rng.random((3, 16, 16)).astype(np.float32)
    back = from_matrix(tf.constant(maps), tf.constant(spacing_mm), tf.constant([60, 47]), 60.0)
    np.testing.assert_allclose(
        back, resample.from_matrix(maps, spacing_mm, 60, 47, 60.0), atol=1e-5
    )
