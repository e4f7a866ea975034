"""Fixed combinations of maps, by hand and against a solver on all pixels at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import nnls

from ichnet.evaluation import baselines
from ichnet.evaluation.baselines import combine, least_squares_weights, write_weights

MAPS = tf.constant([[[[0.2, 0.8], [0.0, 0.4]], [[1.0, 1.0], [0.6, 0.0]]]])


@pytest.mark.parametrize(
    ("baseline", "weights", "expected"),
    [
        ("mean", None, [[0.5, 0.2], [1.0, 0.3]]),
        ("maximum", None, [[0.8, 0.4], [1.0, 0.6]]),
        ("nnls", [0.5, 1.0], [[0.9, 0.4], [1.0, 0.3]]),  # 1.5 is cut to 1
    ],
)
def test_combinations_by_hand(baseline, weights, expected):
    combined = combine(MAPS, baseline, None if weights is None else np.array(weights))
    np.testing.assert_allclose(combined, [expected], rtol=1e-6)


@pytest.mark.parametrize("baseline", ["median", "nnls"])
def test_another_combination_is_refused(baseline):
    with pytest.raises(ValueError, match=f"no baseline '{baseline}', or no weights"):
        combine(MAPS, baseline, None)


def stored(monkeypatch, maps: np.ndarray, mask: np.ndarray, has_mask: list[bool]) -> None:
    """Let cached maps be these."""
    dataset = tf.data.Dataset.from_tensor_slices(
        {"maps": maps, "mask": mask, "has_mask": np.array(has_mask)}
    )
    monkeypatch.setattr(baselines, "maps_dataset", lambda folder, split: dataset)


def test_weights_are_those_of_all_pixels_at_once(monkeypatch, tmp_path):
    """A useless member gets nothing; slices without an outline do not count."""
    rng = np.random.default_rng(0)
    mask = (rng.random((20, 6, 6)) < 0.3).astype("float32")
    maps = np.stack([0.7 * mask, 1 - mask, mask * rng.random(mask.shape)], axis=-1)
    maps = (maps + 0.1 * rng.random(maps.shape)).astype("float32")
    has_mask = [index % 3 > 0 for index in range(20)]
    stored(monkeypatch, maps, mask, has_mask)
    weights = least_squares_weights(tmp_path, "ensemble")
    expected, _ = nnls(maps[has_mask].reshape(-1, 3).astype(float), mask[has_mask].ravel())
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    assert weights[1] == 0
    assert weights[0] > 0.5
    write_weights(weights, ("all", "sdh", "sah"), tmp_path / "weights.json")
    assert json.loads((tmp_path / "weights.json").read_text())["sdh"] == 0


def test_nothing_to_fit_is_an_error(monkeypatch, tmp_path):
    nothing = np.zeros((2, 3, 3), np.float32)
    stored(monkeypatch, np.zeros((2, 3, 3, 2), np.float32), nothing, [True, True])
    with pytest.raises(ValueError, match="no slice of split 'ensemble' has an outline and a map"):
        least_squares_weights(tmp_path, "ensemble")
