"""The assembled ensemble says what its parts say."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.networks.ensemble import Stack, build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.training.losses import SoftDice

MATRIX = 16
TOP_PIXELS = 5


def segmenter(name: str, seed: int, image_of) -> keras.Model:
    """An untrained U-Net whose maps spread over [0, 1]."""
    unet = build_inception_unet(image_of(MATRIX), 4, 1, f"segmenter-{name}", seed)
    kernel, bias = unet.get_layer("head").get_weights()
    unet.get_layer("head").set_weights([kernel, np.zeros_like(bias)])
    return unet


@pytest.fixture(scope="module")
def members(image_of) -> dict[str, keras.Model]:
    return {name: segmenter(name, seed, image_of) for seed, name in enumerate(("all", "sdh"))}


@pytest.fixture(scope="module")
def hu() -> tf.Tensor:
    return tf.random.stateless_normal((3, MATRIX, MATRIX), (3, 4), 40.0, 60.0)


def weight_model(weighting: str = "image", count: int = 2) -> keras.Model:
    return build_weight_model(MATRIX, ["m"] * count, weighting, 4, 0.5, seed=9)


def stacked_maps(members: dict[str, keras.Model], hu: tf.Tensor) -> np.ndarray:
    return np.stack([member(hu, training=False) for member in members.values()], axis=-1)


@pytest.mark.parametrize("weighting", ["image", "pixel", "global"])
def test_the_ensemble_equals_its_parts(weighting, members, hu):
    weights_of = weight_model(weighting)
    ensemble = build_ensemble(members, weights_of, TOP_PIXELS)
    output = {name: value.numpy() for name, value in ensemble(hu, training=False).items()}

    maps = stacked_maps(members, hu)
    assert np.ptp(maps) > 0.1
    parts = {name: value.numpy() for name, value in weights_of(maps).items()}
    np.testing.assert_allclose(output["map"], parts["map"], atol=1e-5)
    np.testing.assert_allclose(output["weights"], parts["weights"], atol=1e-5)
    decided = np.abs(parts["map"] - 0.5) > 1e-5
    np.testing.assert_array_equal(output["mask"][decided], parts["mask"][decided])

    def top(values: np.ndarray) -> np.ndarray:
        return np.sort(values.reshape(3, -1), axis=1)[:, -TOP_PIXELS:].mean(axis=1)

    np.testing.assert_allclose(output["probability"], top(parts["map"]), atol=1e-5)
    assert output["member_probability"].shape == (3, 2)
    for index in (0, 1):
        np.testing.assert_allclose(
            output["member_probability"][:, index], top(maps[..., index]), atol=1e-5
        )


def test_members_stay_as_they_are_while_the_weight_model_trains(members, hu):
    """Bit for bit, running statistics included; what trains is the weight model alone."""
    weights_of = weight_model()
    ensemble = build_ensemble(members, weights_of, TOP_PIXELS)
    assert len(ensemble.trainable_weights) == len(weights_of.trainable_weights) > 0
    before = {name: member.get_weights() for name, member in members.items()}
    learning = weights_of.get_weights()

    optimizer = keras.optimizers.Adam(0.1)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = SoftDice()(tf.cast(hu > 60, tf.float32), ensemble(hu, training=True)["map"])
        gradients = tape.gradient(loss, ensemble.trainable_variables)
        optimizer.apply_gradients(zip(gradients, ensemble.trainable_variables, strict=True))

    for name, member in members.items():
        for now, then in zip(member.get_weights(), before[name], strict=True):
            np.testing.assert_array_equal(now, then)
    assert any(
        (now != then).any() for now, then in zip(weights_of.get_weights(), learning, strict=True)
    )


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_members_is_refused(count, members):
    with pytest.raises(ValueError, match=f"combines {count} maps, not 2"):
        build_ensemble(members, weight_model(count=count), TOP_PIXELS)


@pytest.mark.slow
def test_save_and_load(members, hu, tmp_path):
    ensemble = build_ensemble(members, weight_model(), TOP_PIXELS)
    ensemble.save(tmp_path / "ensemble.keras")
    again = keras.models.load_model(tmp_path / "ensemble.keras")
    wanted, loaded = ensemble(hu, training=False), again(hu, training=False)
    assert set(loaded) == {"map", "mask", "weights", "probability", "member_probability"}
    for name, value in wanted.items():
        np.testing.assert_array_equal(loaded[name], value)


def test_stack():
    stacked = Stack()([tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])])
    np.testing.assert_array_equal(stacked, [[1, 3], [2, 4]])
