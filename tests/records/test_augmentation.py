"""Image and mask are changed together, by what the configuration says and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import ImageConfig, WindowConfig
from ichnet.records.augmentation import augment
from ichnet.records.geometry import random_transforms

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


def test_whatever_changes_the_image_leaves_the_mask_alone(ramp, checkers, still, image):
    appearance = replace(
        still,
        noise_hu=2.0,
        offset_hu=2.0,
        sharpness=(-0.9, 0.7),
        contrast_sd=0.12,
        field_hu=2.5,
        bone_glow_hu=24.0,
        varied_noise_hu=6.0,
        coarse_noise_hu=3.5,
    )
    moved, moved_mask = changed(ramp, checkers, appearance, image)
    assert (moved != ramp.numpy()).mean() > 0.99
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved_mask, checkers)


def test_the_shape_is_known_in_a_graph(lively, image):
    hu = tf.TensorSpec([None, 32, 32], tf.float32)
    graph = tf.function(augment).get_concrete_function(
        hu, hu, lively, image, tf.TensorSpec([2], tf.int64)
    )
    assert [tuple(shape) for shape in graph.output_shapes] == [(None, 32, 32)] * 2


def test_half_of_the_slices_are_mirrored_exactly_left_to_right(ramp, checkers, still, image):
    moved, moved_mask = changed(ramp, checkers, replace(still, flip=True), image)
    mirrored = (moved == ramp.numpy()[:, :, ::-1]).all(axis=(1, 2))
    same = (moved == ramp.numpy()).all(axis=(1, 2))
    assert (mirrored ^ same).all()
    assert 16 <= mirrored.sum() <= 48  # of 64; outside once in 10,000 seeds
    np.testing.assert_array_equal(moved_mask[mirrored], checkers.numpy()[mirrored][:, :, ::-1])
    np.testing.assert_array_equal(moved_mask[same], checkers.numpy()[same])


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


def test_a_slice_and_its_neighbours_move_together_with_the_mask(ramp, checkers, still, image):
    """Three copies of a slice stay copies, and are what the slice alone becomes."""
    lively = replace(still, rotation_degrees=10.0, shift_mm=8.0, scale=0.1, flip=True)
    alone, alone_mask = changed(ramp, checkers, lively, image)
    stacks = tf.repeat(ramp[:, None], 3, axis=1)
    moved, moved_mask = changed(stacks, checkers, lively, image)
    assert moved.shape == (COUNT, 3, 32, 32)
    np.testing.assert_array_equal(moved_mask, alone_mask)
    for place in range(3):
        np.testing.assert_array_equal(moved[:, place], alone)


def test_neighbours_get_the_same_change_of_appearance_but_noise_of_their_own(still, image):
    brain = tf.fill([COUNT, 3, 32, 32], 40.0)
    nothing = tf.zeros([COUNT, 32, 32])
    alike = replace(still, contrast_sd=0.2, offset_hu=5.0, field_hu=3.0)
    same, _ = changed(brain, nothing, alike, image)
    np.testing.assert_array_equal(same[:, 0], same[:, 1])
    np.testing.assert_array_equal(same[:, 1], same[:, 2])
    assert len(np.unique(same[:, 0, 16, 16])) == COUNT
    noisy, _ = changed(brain, nothing, replace(still, noise_hu=3.0), image)
    difference = noisy[:, 0] - noisy[:, 1]
    assert difference.std() == pytest.approx(3 * 2**0.5, rel=0.02)
