"""Affine maps by hand, and their random magnitudes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.records.geometry import affine_maps, move, random_transforms, transform

SEED = tf.constant([7, 0], tf.int64)


def one_map(angle=0.0, zoom=1.0, stretch=1.0, shift=(0.0, 0.0), mirror=1.0, matrix=32) -> tf.Tensor:
    return affine_maps(
        tf.constant([angle]),
        tf.constant([zoom]),
        tf.constant([stretch]),
        tf.constant([[shift[0]], [shift[1]]]),
        tf.constant([mirror]),
        matrix,
    )


@pytest.fixture(scope="module")
def ramp() -> tf.Tensor:
    """Every pixel another value, float32 [1, 32, 32]."""
    return tf.constant(np.arange(1024, dtype=np.float32).reshape(1, 32, 32))


def test_a_shift_takes_what_lies_there_and_fills_with_air(ramp):
    # the map goes from output to input: what is 2 to the right and 1 above comes here
    moved = transform(ramp, one_map(shift=(2.0, -1.0)), fill=-1024.0).numpy()
    np.testing.assert_array_equal(moved[0, 1:, :-2], ramp.numpy()[0, :-1, 2:])
    assert (moved[0, 0] == -1024).all()
    assert (moved[0, :, -2:] == -1024).all()


def test_a_quarter_turn_is_exact(ramp):
    turn = one_map(angle=math.pi / 2)
    # x = 31 - y', y = x': what lies in the right column comes to the top row
    np.testing.assert_allclose(turn[0], [0, -1, 31, 1, 0, 0, 0, 0], atol=1e-5)
    moved = transform(ramp, tf.round(turn), fill=0.0).numpy()
    np.testing.assert_array_equal(moved[0], np.rot90(ramp.numpy()[0]))


def test_a_stretch_is_from_front_to_back_only():
    # of 5 pixels, twice as long about the middle: y = y' / 2 + 1, x = x'
    np.testing.assert_allclose(one_map(stretch=2.0, matrix=5)[0], [1, 0, 0, 0, 0.5, 1, 0, 0])
    # zoomed by two as well: x = x' / 2 + 1, y = y' / 4 + 1.5
    both = one_map(zoom=2.0, stretch=2.0, matrix=5)
    np.testing.assert_allclose(both[0], [0.5, 0, 1, 0, 0.25, 1.5, 0, 0])


def test_a_mirror_exchanges_left_and_right(ramp):
    moved = transform(ramp, one_map(mirror=-1.0), fill=0.0)
    np.testing.assert_array_equal(moved, ramp.numpy()[:, :, ::-1])


def test_magnitudes_are_the_largest_and_spread_over_their_range(image, lively):
    transforms = random_transforms(tf.constant(500), lively, image, SEED).numpy()
    assert transforms.shape == (500, 8)
    matrices = transforms[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    determinants = np.linalg.det(matrices)
    zoom = 1 / np.sqrt(np.abs(determinants))
    assert zoom.min() == pytest.approx(0.9, abs=0.005)
    assert zoom.max() == pytest.approx(1.1, abs=0.005)
    degrees = np.degrees(np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1]))
    assert np.abs(degrees).max() == pytest.approx(10, abs=0.1)
    assert abs(degrees.mean()) < 1
    # where the centre comes from: a shift of 8 mm is 2 pixels, whatever else was drawn
    centre = matrices @ np.array([15.5, 15.5]) + transforms[:, [2, 5]] - 15.5
    assert np.abs(centre).max() == pytest.approx(2, abs=0.02)
    assert 0.4 < (determinants < 0).mean() < 0.6
    np.testing.assert_array_equal(transforms[:, 6:], 0)


def test_a_normal_rotation_has_its_standard_deviation(image, still):
    turned = replace(still, rotation_sd_degrees=18.0)
    transforms = random_transforms(tf.constant(4000), turned, image, SEED).numpy()
    degrees = np.degrees(np.arctan2(transforms[:, 3], transforms[:, 0]))
    assert degrees.std() == pytest.approx(18, rel=0.05)
    assert abs(degrees.mean()) < 1
    assert np.abs(degrees).max() > 40  # not cut off


def test_a_stretch_is_drawn_about_one(image, still):
    transforms = random_transforms(
        tf.constant(500), replace(still, stretch=0.08), image, SEED
    ).numpy()
    np.testing.assert_array_equal(transforms[:, 0], 1)
    stretch = 1 / transforms[:, 4]
    assert stretch.min() == pytest.approx(0.92, abs=0.002)
    assert stretch.max() == pytest.approx(1.08, abs=0.002)


def test_a_mask_stays_of_zeros_and_ones_and_outside_is_air(image, still):
    hu, mask = tf.zeros([8, 32, 32]), tf.ones([8, 32, 32])
    moved, moved_mask = move(hu, mask, replace(still, shift_mm=40.0), image, SEED)
    assert set(np.unique(moved_mask)) == {0, 1}
    assert moved.numpy().min() == -1024
    assert not moved_mask.numpy()[moved.numpy() < -900].any()
