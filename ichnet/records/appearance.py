"""Random changes of how a training batch looks: kernel, contrast, beam hardening, noise.

Each slice draws its own amounts. Lengths are in mm, so that a configuration means the same at
every matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import AugmentationConfig, ImageConfig

KERNEL_MM = 1.5
"""Standard deviation of the blur that sharpness adds or removes; about that of a soft kernel."""

SOFT_TISSUE_HU = (-50.0, 110.0)
"""Contrast is changed between these HU; darker and brighter pixels move with the nearer end."""

BRAIN_HU = 32.0
"""Between gray and white matter: the HU that a change of contrast leaves as it is."""

BONE_HU = (150.0, 750.0)
"""From the first HU on a pixel counts as bone in part, from the second on in full."""

GLOW_MM = 9.0
"""Standard deviation of the blur of bone: how far into the brain its brightness reaches."""

BAND_MM = 3.0
"""The same for a narrow band beside bone, about the partial volume of a sloping vault."""

NOT_AIR_HU = -150.0
"""Pixels below this are air, to which nothing is added."""

FIELD_POINTS = 5
"""Rows and columns of the grid of random values between which a slow field is interpolated."""

COARSE_NOISE_MM = 1.8
"""Standard deviation of the blur of coarse noise: the grain of a soft kernel."""


def change_appearance(
    hu: tf.Tensor,
    augmentation: AugmentationConfig,
    image: ImageConfig,
    seed: tf.Tensor,
    together: int = 1,
) -> tf.Tensor:
    """Change sharpness, contrast, brightness and noise, in the order in which a scan gets them.

    Args:
        hu: float32 [slices, matrix, matrix].
        augmentation: the magnitudes; a change whose magnitude is zero is left out.
        image: for the size of a pixel.
        seed: int [2].
        together: this many slices in a row, a slice and its neighbours, are of one scan and are
            changed by the same amounts; only their noise differs.
    """
    pixel_mm = image.field_of_view_mm / image.matrix
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 13))
    scans = tf.shape(hu)[0] // together

    def uniform(seed: tf.Tensor, low: float, high: float) -> tf.Tensor:
        drawn = tf.random.stateless_uniform([scans, 1, 1], seed, low, high)
        return tf.repeat(drawn, together, axis=0)

    def squared(seed: tf.Tensor, largest: float) -> tf.Tensor:
        """Draw amounts from 0 to ``largest``, most of them small."""
        return largest * uniform(seed, 0.0, 1.0) ** 2

    if any(augmentation.sharpness):
        hu = change_sharpness(hu, uniform(seeds[0], *augmentation.sharpness), pixel_mm)
    if augmentation.contrast_sd:
        logarithm = tf.random.stateless_normal([scans, 1, 1], seeds[1])
        factor = tf.exp(logarithm * augmentation.contrast_sd)
        hu = change_contrast(hu, tf.repeat(factor, together, axis=0))
    if augmentation.offset_hu:
        hu += uniform(seeds[2], -augmentation.offset_hu, augmentation.offset_hu)
    if augmentation.bone_glow_hu:
        amount_hu = squared(seeds[3], augmentation.bone_glow_hu)
        hu = brighten_near_bone(hu, amount_hu, GLOW_MM / pixel_mm)
    if augmentation.bone_band_hu:
        part = tf.nn.relu(slow_field(scans, image.matrix, seeds[11]))
        amount_hu = squared(seeds[12], augmentation.bone_band_hu)
        amount_hu = amount_hu * tf.repeat(part, together, axis=0)
        hu = brighten_near_bone(hu, amount_hu, BAND_MM / pixel_mm)
    if augmentation.field_hu:
        field = slow_field(scans, image.matrix, seeds[5])
        sd_hu = uniform(seeds[4], 0.0, augmentation.field_hu)
        hu = add_to_tissue(hu, sd_hu * tf.repeat(field, together, axis=0))
    if augmentation.noise_hu:
        hu = add_noise(hu, augmentation.noise_hu, seeds[6])
    if augmentation.varied_noise_hu:
        hu = add_noise(hu, squared(seeds[7], augmentation.varied_noise_hu), seeds[8])
    if augmentation.coarse_noise_hu:
        sd_hu = squared(seeds[9], augmentation.coarse_noise_hu)
        hu = add_coarse_noise(hu, sd_hu, pixel_mm, seeds[10])
    return hu


def change_sharpness(hu: tf.Tensor, amount: tf.Tensor, pixel_mm: float) -> tf.Tensor:
    """Add ``amount`` times what a blur removes: 0.5 sharpens, -1 gives the blurred slice."""
    return hu + amount * (hu - blur(hu, KERNEL_MM / pixel_mm))


def change_contrast(hu: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Multiply the distance of soft tissue from :data:`BRAIN_HU` by ``factor``."""
    soft = tf.clip_by_value(hu, *SOFT_TISSUE_HU)
    return hu + (factor - 1) * (soft - BRAIN_HU)


def brighten_near_bone(hu: tf.Tensor, amount_hu: tf.Tensor, sigma: float) -> tf.Tensor:
    """Add ``amount_hu`` times a bone mask blurred by ``sigma`` pixels: brighter near the skull.

    Real scans are so by beam hardening, scatter and the partial volume of the inner table.
    """
    low, high = BONE_HU
    bone = tf.clip_by_value((hu - low) / (high - low), 0.0, 1.0)
    return add_to_tissue(hu, amount_hu * blur(bone, sigma))


def slow_field(count: tf.Tensor, matrix: int, seed: tf.Tensor) -> tf.Tensor:
    """Return ``count`` smooth fields: normal values on a coarse grid, interpolated.

    Returns:
        float32 [count, matrix, matrix], of standard deviation 1 at the points of the grid.
    """
    grid = tf.random.stateless_normal([count, FIELD_POINTS, FIELD_POINTS, 1], seed)
    return tf.image.resize(grid, [matrix, matrix], "bicubic")[..., 0]


def add_to_tissue(hu: tf.Tensor, added_hu: tf.Tensor) -> tf.Tensor:
    """Add HU to all pixels that are not air."""
    return hu + added_hu * tf.cast(hu > NOT_AIR_HU, hu.dtype)


def add_noise(hu: tf.Tensor, sd_hu: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """Add white noise of a standard deviation that may differ from slice to slice."""
    return hu + sd_hu * tf.random.stateless_normal(tf.shape(hu), seed)


def add_coarse_noise(
    hu: tf.Tensor, sd_hu: tf.Tensor, pixel_mm: float, seed: tf.Tensor
) -> tf.Tensor:
    """Add blurred noise, which after the blur has the standard deviation ``sd_hu``."""
    noise = tf.random.stateless_normal(tf.shape(hu), seed)
    return hu + sd_hu * _by_rows_and_columns(noise, _grain_weights, COARSE_NOISE_MM / pixel_mm)


def blur(images: tf.Tensor, sigma: float) -> tf.Tensor:
    """Blur [batch, rows, columns] by a Gaussian of ``sigma`` pixels; a constant stays one."""
    return _by_rows_and_columns(images, gaussian_weights, sigma)


def gaussian_weights(size: int, sigma: float) -> NDArray[np.float32]:
    """Return the weights of a blur along one axis, [size, size], whose rows sum to one."""
    distance = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _grain_weights(size: int, sigma: float) -> NDArray[np.float32]:
    """Return the weights of a blur that keeps the standard deviation of white noise."""
    weights = gaussian_weights(size, sigma)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True), np.float32)


def _by_rows_and_columns(
    images: tf.Tensor, weights: Callable[[int, float], NDArray[np.float32]], sigma: float
) -> tf.Tensor:
    """Blur along both axes, by matrix products, which are the fastest way."""
    rows, columns = (tf.constant(weights(size, sigma)) for size in images.shape[1:])
    return tf.einsum("ij,bjk,lk->bil", rows, images, columns)
