"""Slices of a scan with the ones below and above them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ichnet.networks.neighbours import with_neighbours, without_neighbours

SCAN = tf.constant(np.arange(4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3))
"""Four slices of 2 x 3 pixels; the first pixels are 0, 6, 12 and 18."""


def test_each_slice_stands_between_its_neighbours():
    stacks = with_neighbours(SCAN, 1).numpy()
    assert stacks.shape == (4, 2, 3, 3)
    assert stacks[:, 0, 0].tolist() == [[0, 0, 6], [0, 6, 12], [6, 12, 18], [12, 18, 18]]
    np.testing.assert_array_equal(stacks[..., 1], SCAN)


def test_a_scan_of_one_slice_is_its_own_neighbour():
    np.testing.assert_array_equal(with_neighbours(SCAN[2:3], 2), without_neighbours(SCAN[2:3], 2))
    assert without_neighbours(SCAN, 2).shape == (4, 2, 3, 5)


def test_without_neighbours_nothing_changes():
    assert with_neighbours(SCAN, 0) is SCAN
    assert without_neighbours(SCAN, 0) is SCAN
