"""Layers that rearrange values, against arrays written out by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.networks.rearrange import DepthToSpace, SpaceToDepth, SplitChannels

PIXELS = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)


def test_a_block_of_pixels_becomes_channels():
    """Of 0..15 in four rows, the first block holds 0, 1 and, one row below, 4, 5."""
    moved = SpaceToDepth(2)(PIXELS)
    assert moved.shape == (1, 2, 2, 4)
    np.testing.assert_array_equal(moved[0, 0], [[0, 1, 4, 5], [2, 3, 6, 7]])
    np.testing.assert_array_equal(moved[0, 1], [[8, 9, 12, 13], [10, 11, 14, 15]])


def test_depth_to_space_is_the_inverse():
    np.testing.assert_array_equal(DepthToSpace(2)(SpaceToDepth(2)(PIXELS)), PIXELS)


def test_parts_of_the_channels_in_order():
    first, second = SplitChannels(2)(np.array([[1.0, 2.0, 3.0, 4.0]], np.float32))
    np.testing.assert_array_equal(first, [[1, 2]])
    np.testing.assert_array_equal(second, [[3, 4]])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (SpaceToDepth(2), (None, 4, None, 16)),
        (DepthToSpace(2), (None, 16, None, 1)),
        (SplitChannels(4), [(None, 8, None, 1)] * 4),
    ],
)
def test_shapes_are_known_before_values(layer, expected):
    made = layer(keras.Input((8, None, 4)))
    shapes = [tuple(one.shape) for one in made] if isinstance(made, list) else tuple(made.shape)
    assert shapes == expected
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
