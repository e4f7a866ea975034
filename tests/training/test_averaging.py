"""Averages of weights, by hand and beside the training they belong to."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.config import TrainingConfig
from ichnet.training.averaging import AveragedWeights
from ichnet.training.checkpoint import load_averages, load_checkpoint, save_checkpoint
from ichnet.training.compiling import compile_model

SGD = {"class_name": "SGD", "config": {"learning_rate": 0.25}}
ONES = np.ones((4, 1), np.float32)


def build(steps_per_execution: int = 1) -> keras.Model:
    """One weight ``w``, begun at 0 and driven to 1: each step halves the distance."""
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Model(inputs, dense(inputs))
    return compile_model(
        model, TrainingConfig(SGD, 1, 1, 4), "mse", steps_per_execution=steps_per_execution
    )


def weight_of(model: keras.Model) -> float:
    return float(model.get_weights()[0][0, 0])


def test_averages_by_hand():
    """Weights 1/2, 3/4, 7/8, 15/16; what a step leaves: 2/11, 3/12, 4/13, then at most 0.3."""
    averages = AveragedWeights(decay=0.3)
    build().fit(ONES, ONES, batch_size=1, epochs=1, verbose=0, callbacks=[averages])
    average = 0.0
    for weight, keep in ((1 / 2, 2 / 11), (3 / 4, 3 / 12), (7 / 8, 0.3), (15 / 16, 0.3)):
        average = keep * average + (1 - keep) * weight
    assert float(averages.values()[0][0, 0]) == pytest.approx(average, rel=1e-6)


def test_several_steps_at_once_count_as_several():
    """Two calls of two steps: what each leaves is squared, and only their last weight is seen."""
    averages = AveragedWeights(decay=0.3)
    build(steps_per_execution=2).fit(
        ONES, ONES, batch_size=1, epochs=1, verbose=0, callbacks=[averages]
    )
    average = (1 - 0.25**2) * 3 / 4
    average = 0.3**2 * average + (1 - 0.3**2) * 15 / 16
    assert float(averages.values()[0][0, 0]) == pytest.approx(average, rel=1e-6)


def test_averages_are_validated_and_the_weights_come_back():
    model, averages = build(), AveragedWeights(decay=0.3)
    history = model.fit(
        ONES, ONES, batch_size=1, verbose=0, validation_data=(ONES, ONES), callbacks=[averages]
    )
    average = float(averages.values()[0][0, 0])
    assert history.history["val_loss"][0] == pytest.approx((1 - average) ** 2, rel=1e-4)
    assert weight_of(model) == pytest.approx(15 / 16)
    with averages.in_place():
        assert weight_of(model) == pytest.approx(average)
    assert weight_of(model) == pytest.approx(15 / 16)


def test_statistics_of_batch_normalisation_are_averaged_too():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.5)(inputs))
    compile_model(model, TrainingConfig("sgd", 4, 1, 1), "mse")
    averages = AveragedWeights(decay=0.9)
    model.fit(5 * ONES, ONES, batch_size=4, verbose=0, callbacks=[averages])
    # the running mean goes from 0 to 2.5; one step leaves 2/11 of the average
    _, _, mean, _ = averages.values()
    assert float(model.get_weights()[2][0]) == pytest.approx(2.5)
    assert float(mean[0]) == pytest.approx(2.5 * 9 / 11, rel=1e-6)


def test_averages_are_part_of_a_checkpoint(tmp_path):
    model, averages = build(), AveragedWeights(decay=0.3)
    model.fit(ONES, ONES, batch_size=1, verbose=0, callbacks=[averages])
    save_checkpoint(model, tmp_path / "with.keras", 1, averages.values())
    save_checkpoint(model, tmp_path / "without.keras")
    assert load_averages(tmp_path / "without.keras") is None
    (kept,) = load_averages(tmp_path / "with.keras")
    np.testing.assert_array_equal(kept, averages.values()[0])
    assert weight_of(load_checkpoint(tmp_path / "with.keras")) == pytest.approx(15 / 16)
