"""Hounsfield units to channels, as on a display."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.networks.channels import Windows, hu_input, without_windows


@pytest.mark.parametrize(
    ("level", "width", "hu", "expected"),
    [
        (40, 80, 0, 0.0),
        (40, 80, 40, 0.5),
        (40, 80, 80, 1.0),
        (40, 80, 20, 0.25),
        (40, 80, -1024, 0.0),
        (40, 80, 3000, 1.0),
        (80, 200, -20, 0.0),
        (80, 200, 130, 0.75),
        (600, 2800, -800, 0.0),
        (600, 2800, 1300, 0.75),
    ],
)
def test_window_by_hand(level, width, hu, expected):
    channels = Windows([(level, width)])(np.full((1, 1, 1), hu, np.float32))
    assert channels.shape == (1, 1, 1, 1)
    assert float(channels[0, 0, 0, 0]) == pytest.approx(expected, abs=1e-6)


def test_each_window_is_a_channel_in_its_order():
    channels = Windows([(40, 80), (80, 200)])(np.array([[[30, 80]]], np.float32))
    np.testing.assert_allclose(channels, [[[[0.375, 0.25], [1.0, 0.5]]]], atol=1e-6)


def test_no_scaling_by_the_image():
    """A pixel's channels do not depend on its neighbours."""
    layer = Windows([(40, 80)])
    alone = layer(np.array([[[30.0]]], np.float32))
    beside_bone = layer(np.array([[[30.0, 1500.0]]], np.float32))
    assert float(alone[0, 0, 0, 0]) == float(beside_bone[0, 0, 0, 0])


def test_configuration_round_trip():
    layer = Windows([(40, 80), (600, 2800)], name="windows")
    config = layer.get_config()
    assert config["windows"] == [(40.0, 80.0), (600.0, 2800.0)]
    again = Windows.from_config(config)
    assert again.get_config() == config


def test_windows_survive_saving(image_of, tmp_path):
    hu, channels = hu_input(image_of(4))
    keras.Model(hu, channels).save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras")
    values = model(np.full((2, 4, 4), 40, np.float32))
    assert values.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(values[1, 3, 3], [0.5, 0.3, 0.5, 0.3], atol=1e-6)


def test_windows_stay_float32_under_mixed_precision(image_of):
    """At 1001 HU float16 knows halves only: 1001.25 HU would be rounded."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        hu, channels = hu_input(image_of(4))
        model = keras.Model(hu, channels)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    value = model(np.full((1, 4, 4), 1001.25, np.float32))[0, 0, 0, 3]
    assert float(value) == pytest.approx(1801.25 / 2800, abs=1e-6)


def test_without_windows_takes_channels_and_shares_the_layers(image_of):
    hu, channels = hu_input(image_of(4))
    model = keras.Model(hu, keras.layers.Conv2D(2, 1, name="c")(channels), name="net")
    part = without_windows(model)
    values = np.random.default_rng(0).normal(40, 60, (2, 4, 4)).astype("float32")
    np.testing.assert_array_equal(
        part(Windows([(40, 80), (80, 200), (40, 40), (600, 2800)])(values)), model(values)
    )
    assert part.name == "net"
    assert part.get_layer("c") is model.get_layer("c")


def test_neighbours_have_channels_of_their_own(image_of):
    """Four windows of each of three slices, one slice's after the other's."""
    hu, channels = hu_input(image_of(4), neighbours=1)
    assert tuple(hu.shape) == (None, 4, 4, 3)
    assert tuple(channels.shape) == (None, 4, 4, 12)
    values = np.random.default_rng(0).normal(40, 60, (2, 4, 4, 3)).astype("float32")
    windows = Windows([(40, 80), (80, 200), (40, 40), (600, 2800)])
    expected = np.concatenate([windows(values[..., i]) for i in range(3)], axis=-1)
    np.testing.assert_array_equal(keras.Model(hu, channels)(values), expected)
