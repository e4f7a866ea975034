"""A slice's score from its map."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.networks.scores import TopPixelMean, head_times_map

MAPS = np.array(
    [
        [[0.9, 0.1, 0.0], [0.5, 0.7, 0.2]],
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    ],
    np.float32,
)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [(1, [0.9, 1.0]), (2, [0.8, 0.5]), (3, [0.7, 1 / 3]), (6, [0.4, 1 / 6])],
)
def test_mean_of_the_highest_pixels_by_hand(pixels, expected):
    scores = TopPixelMean(pixels)(MAPS)
    assert scores.shape == (2,)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_in_a_saved_model(tmp_path):
    maps = keras.Input((2, 3))
    model = keras.Model(maps, TopPixelMean(2, name="score")(maps))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.get_layer("score").pixels == 2
    assert tuple(again.output_shape) == (None,)
    np.testing.assert_allclose(again(MAPS), [0.8, 0.5], rtol=1e-6)


def test_a_subtype_is_scored_as_far_as_hemorrhage_is_drawn():
    head = np.float32([[1, 0.1], [0.8, 0.1], [0.5, 0.5]])
    scores = head_times_map(head, np.float32([1 + 1e-6, 0.25, 0]))
    np.testing.assert_allclose(scores, [[1, 0.1], [0.2, 0.025], [0, 0]], rtol=1e-6)
    assert scores[0, 0] <= 1  # weights that sum to one but for rounding draw a little more
