"""A segmenter that looks twice answers the mean of both looks, and the same for a mirror image."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.mirrored import is_mirrored, mirrored
from ichnet.networks.weight_model import build_weight_model

MATRIX = 16


def segmenter(image_of, seed: int, with_subtypes: bool = False):
    """An untrained U-Net that sees neighbours and whose maps spread over [0, 1]."""
    unet = build_inception_unet(
        image_of(MATRIX), 4, 1, f"unet{seed}", seed, neighbours=1, with_subtypes=with_subtypes
    )
    kernel, bias = unet.get_layer("head").get_weights()
    unet.get_layer("head").set_weights([kernel, np.zeros_like(bias)])
    return unet


@pytest.fixture(scope="module")
def hu() -> tf.Tensor:
    return tf.random.stateless_normal((2, MATRIX, MATRIX, 3), (3, 4), 40.0, 60.0)


def test_the_map_is_the_mean_of_both_looks(image_of, hu):
    unet = segmenter(image_of, 1)
    once = unet(hu, training=False).numpy()
    other = unet(hu[:, :, ::-1], training=False).numpy()[:, :, ::-1]
    assert np.abs(once - other).max() > 0.05
    answer = mirrored(unet)(hu, training=False).numpy()
    assert answer.shape == (2, MATRIX, MATRIX)
    np.testing.assert_allclose(answer, (once + other) / 2, atol=1e-6)


def test_a_mirror_image_gives_the_mirrored_map_and_the_same_subtypes(image_of, hu):
    twice = mirrored(segmenter(image_of, 2, with_subtypes=True))
    here, there = twice(hu, training=False), twice(hu[:, :, ::-1], training=False)
    np.testing.assert_allclose(here["map"], there["map"].numpy()[:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(here["subtype_score"], there["subtype_score"], atol=1e-6)


def test_weights_are_shared_and_a_look_is_told(image_of):
    unet = segmenter(image_of, 3)
    twice = mirrored(unet)
    assert (is_mirrored(unet), is_mirrored(twice)) == (False, True)
    assert twice.count_params() == unet.count_params()
    assert twice.inputs[0].shape == unet.inputs[0].shape


@pytest.mark.slow
def test_it_can_be_a_member_of_an_ensemble(image_of, hu):
    members = {"all": mirrored(segmenter(image_of, 4)), "sdh": mirrored(segmenter(image_of, 5))}
    weight_model = build_weight_model(MATRIX, list(members), "image", 4, 0.5, seed=9)
    ensemble = build_ensemble(members, weight_model, 5)
    maps = np.stack([member(hu, training=False) for member in members.values()], axis=-1)
    expected = weight_model(maps)["map"].numpy()
    np.testing.assert_allclose(ensemble(hu, training=False)["map"].numpy(), expected, atol=1e-5)
