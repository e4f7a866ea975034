"""Random changes of a training batch that move image and mask together."""

from __future__ import annotations

import math

import tensorflow as tf

from ichnet.config import AugmentationConfig, ImageConfig
from ichnet.ct.volume import AIR_HU


def augment(
    hu: tf.Tensor,
    mask: tf.Tensor,
    augmentation: AugmentationConfig,
    image: ImageConfig,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rotate, scale, shift, mirror and disturb each slice of a batch.

    Image and mask go through the same affine map, both by linear interpolation; a mask's pixel
    stays lesion from one half up. Nothing but ``seed`` decides.

    Args:
        hu: float32 [batch, matrix, matrix].
        mask: float32 [batch, matrix, matrix], 0 or 1.
        augmentation: the magnitudes.
        image: for the size of a pixel.
        seed: int [2].

    Returns:
        image and mask, of the same shapes; what comes from outside is air and no lesion.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    transforms = random_transforms(tf.shape(hu)[0], augmentation, image, seeds[0])
    moved = _transform(hu, transforms, float(AIR_HU))
    moved_mask = tf.cast(_transform(mask, transforms, 0.0) >= 0.5, tf.float32)
    noise = tf.random.stateless_normal(tf.shape(hu), seeds[1], stddev=augmentation.noise_hu)
    offset = tf.random.stateless_uniform(
        [tf.shape(hu)[0], 1, 1], seeds[2], -augmentation.offset_hu, augmentation.offset_hu
    )
    return moved + noise + offset, moved_mask


def random_transforms(
    count: tf.Tensor, augmentation: AugmentationConfig, image: ImageConfig, seed: tf.Tensor
) -> tf.Tensor:
    """Return ``count`` affine maps from output to input pixels, float32 [count, 8].

    In the form of ``ImageProjectiveTransformV3``: x = a0 x' + a1 y' + a2, y = b0 x' + b1 y' + b2.
    """
    uniform = tf.random.stateless_uniform([5, count], seed, -1.0, 1.0)
    angle = uniform[0] * (augmentation.rotation_degrees * math.pi / 180)
    zoom = 1 + uniform[1] * augmentation.scale
    shift = uniform[2:4] * (augmentation.shift_mm * image.matrix / image.field_of_view_mm)
    mirror = tf.where((uniform[4] < 0) & augmentation.flip, -1.0, 1.0)
    a0, a1 = mirror * tf.cos(angle) / zoom, -tf.sin(angle) / zoom
    b0, b1 = mirror * tf.sin(angle) / zoom, tf.cos(angle) / zoom
    centre = (image.matrix - 1) / 2
    a2 = centre - (a0 + a1) * centre + shift[0]
    b2 = centre - (b0 + b1) * centre + shift[1]
    none = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, none, none], axis=1)


def _transform(images: tf.Tensor, transforms: tf.Tensor, fill: float) -> tf.Tensor:
    """Apply affine maps to [batch, rows, columns]."""
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images[..., None],
        transforms=transforms,
        output_shape=tf.shape(images)[1:],
        fill_value=fill,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[..., 0]
    return tf.ensure_shape(moved, images.shape)
