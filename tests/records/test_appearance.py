"""What is done to an image, by hand, and how much of it is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.records.appearance import (
    GLOW_MM,
    add_coarse_noise,
    add_to_tissue,
    blur,
    brighten_near_bone,
    change_appearance,
    change_contrast,
    change_sharpness,
    gaussian_weights,
    slow_field,
)

SEED = tf.constant([7, 0], tf.int64)
COUNT = 400
PIXEL_MM = 4.0


@pytest.fixture(scope="module")
def brain() -> tf.Tensor:
    """Slices of 32 HU all over, float32 [400, 32, 32]."""
    return tf.fill([COUNT, 32, 32], 32.0)


def added(brain, augmentation, image) -> np.ndarray:
    return (change_appearance(brain, augmentation, image, SEED) - brain).numpy()


def test_without_magnitudes_it_is_the_same_tensor(brain, still, image):
    assert change_appearance(brain, still, image, SEED) is brain


def test_the_weights_of_a_blur_by_hand():
    # exp(-1/2) and exp(-2) beside 1, over their sum
    one, two = np.exp(-0.5), np.exp(-2.0)
    expected = [
        [1 / (1 + one + two), one / (1 + one + two), two / (1 + one + two)],
        [one / (1 + 2 * one), 1 / (1 + 2 * one), one / (1 + 2 * one)],
        [two / (1 + one + two), one / (1 + one + two), 1 / (1 + one + two)],
    ]
    np.testing.assert_allclose(gaussian_weights(3, 1.0), expected, rtol=1e-6)


def test_a_blur_spreads_a_point_over_rows_and_columns_and_keeps_a_constant():
    point = np.zeros((1, 9, 7), np.float32)
    point[0, 4, 3] = 1
    blurred = blur(tf.constant(point), 1.0).numpy()[0]
    np.testing.assert_allclose(
        blurred, np.outer(gaussian_weights(9, 1.0)[:, 4], gaussian_weights(7, 1.0)[:, 3]), rtol=1e-5
    )
    np.testing.assert_allclose(blur(tf.fill([2, 9, 7], 40.0), 3.0), np.full((2, 9, 7), 40.0), 1e-6)


def test_sharpness_adds_what_a_blur_takes_away():
    rng = np.random.default_rng(0)
    hu = tf.constant(rng.normal(30, 10, (1, 16, 16)), tf.float32)
    smooth = blur(hu, 1.5 / PIXEL_MM)
    np.testing.assert_allclose(change_sharpness(hu, -1.0, PIXEL_MM), smooth, rtol=1e-4)
    sharp = change_sharpness(hu, 0.5, PIXEL_MM)
    np.testing.assert_allclose(sharp, 1.5 * hu - 0.5 * smooth, rtol=1e-4)


def test_sharpness_is_drawn_between_its_bounds(still, image):
    point = np.zeros((COUNT, 32, 32), np.float32)
    point[:, 16, 16] = 100
    lost = 100 - float(blur(tf.constant(point[:1]), 1.5 / PIXEL_MM)[0, 16, 16])
    moved = added(tf.constant(point), replace(still, sharpness=(-0.9, 0.7)), image)
    amount = moved[:, 16, 16] / lost
    assert amount.min() == pytest.approx(-0.9, abs=0.02)
    assert amount.max() == pytest.approx(0.7, abs=0.02)


def test_contrast_is_of_soft_tissue_about_gray_and_white_matter():
    hu = tf.constant([[[-1000.0, -50.0, 12.0, 32.0, 60.0, 110.0, 1000.0]]])
    # 1.5: distances of -20 and 28 become -30 and 42; the ends move by -41 and +39, and all beyond
    np.testing.assert_allclose(
        change_contrast(hu, 1.5), [[[-1041, -91, 2, 32, 74, 149, 1039]]], rtol=1e-6
    )


def test_contrast_is_log_normal(still, image):
    bright = tf.fill([COUNT, 2, 2], 42.0)
    moved = added(bright, replace(still, contrast_sd=0.12), image)
    factors = 1 + moved[:, 0, 0] / 10
    assert np.log(factors).std() == pytest.approx(0.12, rel=0.1)
    assert abs(np.log(factors).mean()) < 0.02


def test_tissue_within_wide_bone_glows_and_air_does_not():
    """Half of a slice is bone: on its edge the blur is one half, far within it is one."""
    hu = np.full((1, 41, 41), 30, np.float32)
    hu[:, :, 20:] = 1000  # thick bone counts in full from 750 HU on
    hu[:, :4] = -1000
    glow = (brighten_near_bone(tf.constant(hu), 24.0, GLOW_MM / PIXEL_MM) - hu).numpy()[0]
    assert not glow[:4].any()
    # sigma is 2.25 pixels, and the edge lies between columns 19 and 20
    inside = glow[20]
    assert inside[39] == pytest.approx(24, rel=1e-4)
    assert inside[19] + inside[20] == pytest.approx(24, rel=1e-4)
    assert inside[0] == pytest.approx(0, abs=1e-4)
    assert (np.diff(inside) >= -1e-4).all()


def test_faint_bone_glows_in_proportion():
    for hu, share in ((150.0, 0.0), (450.0, 0.5), (900.0, 1.0)):
        image = tf.fill([1, 8, 8], hu)
        glow = brighten_near_bone(image, 10.0, 2.0) - image
        np.testing.assert_allclose(glow, np.full((1, 8, 8), 10 * share), rtol=1e-4, atol=1e-4)


def test_glow_is_drawn_as_a_square(still, image):
    """The mean of a squared uniform number is one third, its median one quarter."""
    bone = tf.fill([COUNT, 4, 4], 1000.0)
    glow = added(bone, replace(still, bone_glow_hu=24.0), image)[:, 0, 0]
    assert glow.mean() == pytest.approx(8, rel=0.1)
    assert np.median(glow) == pytest.approx(6, rel=0.2)
    assert glow.min() >= 0
    assert glow.max() <= 24


def test_a_band_is_narrow_and_on_parts_of_the_skull_only(still, image):
    """Bone fills the lower half of each slice; the band's sigma of 3 mm is .75 pixels."""
    hu = np.full((COUNT, 32, 32), 30, np.float32)
    hu[:, 16:] = 1000
    band = added(tf.constant(hu), replace(still, bone_band_hu=30.0), image)
    assert band.min() >= 0
    assert band[:, :12].max() < 0.05  # four pixels, 16 mm, from the bone
    edge = band[:, 15]
    assert edge.max() > 10
    assert 0.2 < (edge == 0).mean() < 0.8
    assert ((edge == 0).any(axis=1) & (edge > 1).any(axis=1)).sum() > 20


def test_a_slow_field_is_smooth_and_of_tissue_only():
    hu = np.full((COUNT, 32, 32), 30, np.float32)
    hu[:, :2] = -1000
    added_hu = 2.0 * slow_field(tf.constant(COUNT), 32, SEED)
    field = (add_to_tissue(tf.constant(hu), added_hu) - hu).numpy()
    assert not field[:, :2].any()
    tissue = field[:, 2:]
    # bicubic interpolation between independent values varies less than they do
    assert 1.2 < tissue.std() < 2.1
    assert np.abs(np.diff(tissue, axis=2)).std() < 0.25 * tissue.std()


def test_a_field_s_amount_is_drawn_uniformly(brain, still, image):
    sd = added(brain, replace(still, field_hu=2.5), image).std(axis=(1, 2))
    assert sd.min() < 0.2
    assert sd.mean() == pytest.approx(1.25 * 0.8, rel=0.2)


def test_noise_and_offset(brain, still, image):
    noise = added(brain, replace(still, noise_hu=3.0), image)
    assert noise.std() == pytest.approx(3.0, rel=0.01)
    assert np.abs(noise.mean(axis=(1, 2))).max() < 0.5
    offset = added(brain, replace(still, offset_hu=5.0), image)
    assert np.ptp(offset, axis=(1, 2)).max() == 0
    assert -5 <= offset.min() < -4.8
    assert 4.8 < offset.max() <= 5


def test_varied_noise_differs_from_slice_to_slice(brain, still, image):
    sd = added(brain, replace(still, varied_noise_hu=6.0), image).std(axis=(1, 2))
    assert sd.mean() == pytest.approx(2.0, rel=0.1)
    assert sd.min() < 0.05
    assert sd.max() == pytest.approx(6, rel=0.1)


def test_coarse_noise_has_its_standard_deviation_to_the_edge_and_a_grain(brain):
    noise = (add_coarse_noise(brain, 3.0, 0.9, SEED) - brain).numpy()
    assert noise.std() == pytest.approx(3, rel=0.02)
    assert noise[:, 0, 0].std() == pytest.approx(3, rel=0.1)
    # two pixels of blur: neighbours agree by exp(-1 / (4 * 2**2))
    neighbours = np.mean(noise[:, :, 1:] * noise[:, :, :-1]) / 9
    assert neighbours == pytest.approx(np.exp(-1 / 16), rel=0.02)


def test_nothing_but_the_seed_decides(brain, lively, image):
    every = replace(
        lively, sharpness=(-0.9, 0.7), contrast_sd=0.12, field_hu=2.5, bone_glow_hu=24.0,
        varied_noise_hu=6.0, coarse_noise_hu=3.5,
    )  # fmt: skip
    first, again = (change_appearance(brain, every, image, SEED) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = change_appearance(brain, every, image, SEED + 1)
    assert (first != other).numpy().mean() > 0.99
