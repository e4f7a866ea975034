"""Random affine transforms of a training batch, the same for an image and its mask."""

from __future__ import annotations

import math

import tensorflow as tf

from ichnet.config import AugmentationConfig, ImageConfig
from ichnet.ct.volume import AIR_HU


def move(
    hu: tf.Tensor,
    mask: tf.Tensor,
    augmentation: AugmentationConfig,
    image: ImageConfig,
    seed: tf.Tensor,
    together: int = 1,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rotate, scale, stretch, shift and mirror each slice together with its mask.

    Both get the same affine transform with linear interpolation; a pixel of the mask is lesion when
    its interpolated value is at least one half.

    Args:
        hu: float32 [batch * together, matrix, matrix].
        mask: float32 [batch, matrix, matrix], 0 or 1.
        augmentation: the magnitudes.
        image: for the size of a pixel.
        seed: int [2].
        together: number of images that move with each mask: a slice and its neighbours.

    Returns:
        image and mask, of the same shapes; pixels from outside the image are air and no lesion.
    """
    transforms = random_transforms(tf.shape(mask)[0], augmentation, image, seed)
    moved_mask = transform(mask, transforms, fill=0.0) >= 0.5
    moved = transform(hu, tf.repeat(transforms, together, axis=0), fill=float(AIR_HU))
    return moved, tf.cast(moved_mask, tf.float32)


def random_transforms(
    count: tf.Tensor, augmentation: AugmentationConfig, image: ImageConfig, seed: tf.Tensor
) -> tf.Tensor:
    """Return ``count`` affine maps from output to input pixels, float32 [count, 8].

    In the form of ``ImageProjectiveTransformV3``: x = a0 x' + a1 y' + a2, y = b0 x' + b1 y' + b2.
    """
    of_uniform, of_normal = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    uniform = tf.random.stateless_uniform([6, count], of_uniform, -1.0, 1.0)
    normal = tf.random.stateless_normal([count], of_normal)
    degrees = uniform[0] * augmentation.rotation_degrees + normal * augmentation.rotation_sd_degrees
    return affine_maps(
        angle=degrees * (math.pi / 180),
        zoom=1 + uniform[1] * augmentation.scale,
        stretch=1 + uniform[5] * augmentation.stretch,
        shift=uniform[2:4] * (augmentation.shift_mm * image.matrix / image.field_of_view_mm),
        mirror=tf.where((uniform[4] < 0) & augmentation.flip, -1.0, 1.0),
        matrix=image.matrix,
    )


def affine_maps(
    angle: tf.Tensor,
    zoom: tf.Tensor,
    stretch: tf.Tensor,
    shift: tf.Tensor,
    mirror: tf.Tensor,
    matrix: int,
) -> tf.Tensor:
    """Return affine maps about the centre of a slice, from output to input, float32 [count, 8].

    Args:
        angle: radians, [count].
        zoom: factor by which the slice grows, [count].
        stretch: further factor from anterior to posterior, [count].
        shift: of the centre, in pixels by column and row, [2, count].
        mirror: -1 to exchange left and right, otherwise 1, [count].
        matrix: rows and columns of the slice.
    """
    a0, a1 = mirror * tf.cos(angle) / zoom, -tf.sin(angle) / (zoom * stretch)
    b0, b1 = mirror * tf.sin(angle) / zoom, tf.cos(angle) / (zoom * stretch)
    centre = (matrix - 1) / 2
    a2 = centre - (a0 + a1) * centre + shift[0]
    b2 = centre - (b0 + b1) * centre + shift[1]
    none = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, none, none], axis=1)


def transform(images: tf.Tensor, transforms: tf.Tensor, fill: float) -> tf.Tensor:
    """Apply affine transforms to [batch, rows, columns]; outside pixels are ``fill``."""
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images[..., None],
        transforms=transforms,
        output_shape=tf.shape(images)[1:],
        fill_value=fill,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[..., 0]
    return tf.ensure_shape(moved, images.shape)
