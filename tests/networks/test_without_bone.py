"""Bone is left out of a segmenter's map; everything else is as it was."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.mirrored import is_mirrored, mirrored
from ichnet.networks.weight_model import build_weight_model
from ichnet.networks.without_bone import WithoutBone, is_without_bone, without_bone

MATRIX = 16


@pytest.fixture
def unet(image_of):
    return build_inception_unet(image_of(MATRIX), 4, 1, "unet", 1, neighbours=1, with_subtypes=True)


@pytest.fixture(scope="module")
def hu() -> tf.Tensor:
    return tf.random.stateless_normal((2, MATRIX, MATRIX, 3), (3, 4), 100.0, 60.0)


def test_pixels_denser_than_150_hu_become_0():
    maps = tf.constant([[[0.9, 0.8], [0.7, 0.6]]])
    hu = tf.constant([[[150.0, 150.5], [60.0, 1000.0]]])
    assert WithoutBone()([maps, hu]).numpy() == pytest.approx(
        np.array([[[0.9, 0.0], [0.7, 0.0]]], np.float32)
    )


def test_the_slice_itself_decides_not_its_neighbours(unet, hu):
    once, outputs = unet(hu, training=False), without_bone(unet)(hu, training=False)
    bone = hu[..., 1].numpy() > 150
    assert 0.1 < bone.mean() < 0.4
    np.testing.assert_array_equal(outputs["map"], np.where(bone, 0, once["map"].numpy()))
    np.testing.assert_array_equal(outputs["subtype_score"], once["subtype_score"])


def test_a_second_look_is_still_told_and_weights_are_shared(unet):
    both = without_bone(mirrored(unet))
    assert is_mirrored(both)
    assert (is_without_bone(unet), is_without_bone(both)) == (False, True)
    assert both.count_params() == unet.count_params()


@pytest.mark.slow
def test_the_members_of_an_ensemble_may_be_without_bone(image_of, hu):
    nets = [build_inception_unet(image_of(MATRIX), 4, 1, f"u{i}", i, neighbours=1) for i in (1, 2)]
    members = {"all": without_bone(mirrored(nets[0])), "sdh": without_bone(nets[1])}
    weight_model = build_weight_model(MATRIX, list(members), "image", 4, 0.5, seed=9)
    found = build_ensemble(members, weight_model, 5)(hu, training=False)["map"]
    maps = np.stack([member(hu, training=False) for member in members.values()], axis=-1)
    expected = weight_model(maps)["map"].numpy()
    assert not expected[hu[..., 1].numpy() > 150].any()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
