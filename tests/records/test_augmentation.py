"""Image and mask are changed together, by what the configuration says and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import ImageConfig, WindowConfig
from ichnet.records.augmentation import _transform, augment, random_transforms

COUNT = 64


@pytest.fixture(scope="module")
def ramp() -> tf.Tensor:
    """Every pixel another value, float32 [64, 32, 32], so that none can be confused."""
    values = np.arange(COUNT * 32 * 32, dtype=np.float32).reshape(COUNT, 32, 32)
    return tf.constant(values - 1000)


@pytest.fixture(scope="module")
def checkers() -> tf.Tensor:
    """0 and 1 by turns, float32 [64, 32, 32]."""
    rows, columns = np.indices((32, 32))
    return tf.constant(np.tile(((rows + columns) % 2).astype(np.float32), (COUNT, 1, 1)))


def seed_of(step: int) -> tf.Tensor:
    return tf.constant([7, step], tf.int64)


def changed(hu, mask, magnitudes, image, step=0) -> tuple[np.ndarray, np.ndarray]:
    moved, moved_mask = augment(hu, mask, magnitudes, image, seed_of(step))
    return moved.numpy(), moved_mask.numpy()


def test_without_magnitudes_nothing_changes(ramp, checkers, still, image):
    moved, moved_mask = changed(ramp, checkers, still, image)
    np.testing.assert_array_equal(moved, ramp)
    np.testing.assert_array_equal(moved_mask, checkers)
    assert moved.dtype == moved_mask.dtype == np.float32


def test_half_of_the_slices_are_mirrored_exactly_left_to_right(ramp, checkers, still, image):
    moved, moved_mask = changed(ramp, checkers, replace(still, flip=True), image)
    mirrored = (moved == ramp.numpy()[:, :, ::-1]).all(axis=(1, 2))
    same = (moved == ramp.numpy()).all(axis=(1, 2))
    assert (mirrored ^ same).all()
    assert 16 <= mirrored.sum() <= 48  # of 64; outside once in 10,000 seeds
    np.testing.assert_array_equal(moved_mask[mirrored], checkers.numpy()[mirrored][:, :, ::-1])
    np.testing.assert_array_equal(moved_mask[same], checkers.numpy()[same])


def test_a_shift_in_mm_is_that_of_pixels_and_fills_with_air(ramp, checkers, still, image):
    # pixels of 4 mm: 8 mm are 2 pixels
    drawn = tf.constant([[0.0], [0.0], [1.0], [-0.5], [1.0]])  # x by 2, y by -1
    original = tf.random.stateless_uniform
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tf.random,
            "stateless_uniform",
            lambda shape, *rest: drawn if shape[0] == 5 else original(shape, *rest),
        )
        moved, moved_mask = changed(ramp[:1], checkers[:1], replace(still, shift_mm=8.0), image)
    # the map goes from output to input: what is 2 to the right and 1 above comes here
    np.testing.assert_array_equal(moved[0, 1:, :-2], ramp.numpy()[0, :-1, 2:])
    np.testing.assert_array_equal(moved_mask[0, 1:, :-2], checkers.numpy()[0, :-1, 2:])
    assert (moved[0, 0] == -1024).all()
    assert (moved[0, :, -2:] == -1024).all()
    assert not moved_mask[0, 0].any()
    assert not moved_mask[0, :, -2:].any()


def test_magnitudes_are_the_largest_and_spread_over_their_range(image, lively):
    transforms = random_transforms(tf.constant(500), lively, image, seed_of(0)).numpy()
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


def test_a_quarter_turn_is_exact(checkers, still, image):
    hu = tf.constant(np.arange(1024, dtype=np.float32).reshape(1, 32, 32))
    turns = replace(still, rotation_degrees=90.0)
    drawn = tf.constant([[1.0], [0.0], [0.0], [0.0], [1.0]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.random, "stateless_uniform", lambda *_: drawn)
        transforms = random_transforms(tf.constant(1), turns, image, seed_of(0))
    np.testing.assert_allclose(transforms[0], [0, -1, 31, 1, 0, 0, 0, 0], atol=1e-5)
    # x = 31 - y', y = x': what lies in the right column comes to the top row
    moved = _transform(hu, tf.round(transforms), 0.0).numpy()
    np.testing.assert_array_equal(moved[0], np.rot90(hu.numpy()[0]))


def test_noise_and_offset_are_of_the_image_only(still, image):
    hu = tf.zeros([200, 32, 32])
    noisy, mask = changed(hu, hu, replace(still, noise_hu=3.0), image)
    assert noisy.std() == pytest.approx(3.0, rel=0.01)
    assert np.abs(noisy.mean(axis=(1, 2))).max() < 0.5
    assert not mask.any()
    offset, mask = changed(hu, hu, replace(still, offset_hu=5.0), image)
    assert np.ptp(offset, axis=(1, 2)).max() == 0
    assert -5 <= offset.min() < -4
    assert 4 < offset.max() <= 5
    assert not mask.any()


def test_the_mask_moves_with_the_image(lively):
    image = ImageConfig(64, 128.0, (WindowConfig(40, 80),))
    rows, columns = np.indices((64, 64))
    disc = ((rows - 24) ** 2 + (columns - 38) ** 2 <= 12**2).astype(np.float32)
    mask = tf.constant(np.tile(disc, (16, 1, 1)))
    moved, moved_mask = changed(1000 * mask, mask, lively, image)
    bright = moved >= 500
    drawn = moved_mask == 1
    overlap = (bright & drawn).sum(axis=(1, 2)) / (bright | drawn).sum(axis=(1, 2))
    assert overlap.min() >= 0.9
    assert set(np.unique(moved_mask)) == {0, 1}
    # it has moved: where it was says little of where it is
    staying = (drawn & (disc == 1)).sum(axis=(1, 2)) / (drawn | (disc == 1)).sum(axis=(1, 2))
    assert staying.min() < 0.7


def test_nothing_but_the_seed_decides(ramp, checkers, lively, image):
    first = changed(ramp, checkers, lively, image, step=3)
    again = changed(ramp, checkers, lively, image, step=3)
    other = changed(ramp, checkers, lively, image, step=4)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).mean() > 0.9
    # slices of one batch differ from each other as well
    transforms = random_transforms(tf.constant(COUNT), lively, image, seed_of(3)).numpy()
    assert len(np.unique(transforms, axis=0)) == COUNT
