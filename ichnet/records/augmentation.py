"""Random changes of a training batch: geometry of image and mask, then appearance of the image.

A magnitude of zero leaves its change out. Scanners, kernels and heads differ more than any one
cohort shows; a network cannot rely on what is changed here (Billot et al., Medical Image Analysis
2023, did so with the contrast of brain MRI).
"""

from __future__ import annotations

import tensorflow as tf

from ichnet.config import AugmentationConfig, ImageConfig
from ichnet.records.appearance import change_appearance
from ichnet.records.geometry import move


def augment(
    hu: tf.Tensor,
    mask: tf.Tensor,
    augmentation: AugmentationConfig,
    image: ImageConfig,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Move each slice of a batch together with its mask, then change how the image looks.

    The result depends on ``seed`` alone. A slice and its neighbours get the same changes, except
    for noise.

    Args:
        hu: float32 [batch, matrix, matrix], or [batch, slices, matrix, matrix] with neighbours.
        mask: float32 [batch, matrix, matrix], 0 or 1.
        augmentation: the magnitudes.
        image: for the size of a pixel.
        seed: int [2], of the random changes.

    Returns:
        image and mask, of the same shapes; pixels from outside the image are air and no lesion.
    """
    of_geometry, of_appearance = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    together = hu.shape[1] if hu.shape.rank == 4 else 1
    flat = tf.reshape(hu, [-1, image.matrix, image.matrix])
    flat, mask = move(flat, mask, augmentation, image, of_geometry, together)
    flat = change_appearance(flat, augmentation, image, of_appearance, together)
    return tf.reshape(flat, tf.shape(hu)), mask
