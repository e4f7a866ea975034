"""Saliency maps of the same slices after each epoch, as images for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.ct.windows import apply_window
from ichnet.training.losses import normalise_saliency

BRAIN_LEVEL_HU, BRAIN_WIDTH_HU = 40, 80
PIXELS = 256
HEAT = np.array([1.0, 0.25, 0.1], np.float32)
OUTLINE = (0.2, 1.0, 0.4)


class SaliencyOverlays(keras.callbacks.Callback):
    """Writes the saliency maps of fixed slices as images, one for each slice and epoch.

    Args:
        folder: folder of TensorBoard's event files.
        hu: slices in HU, float32 [slices, rows, columns].
        mask: masks of hemorrhage, [slices, rows, columns].
    """

    def __init__(self, folder: Path, hu: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(folder))
        self.hu, self.mask = hu, mask

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the images of an epoch."""
        saliency = self.model(self.hu, training=False)["saliency"]
        evidence = normalise_saliency(tf.convert_to_tensor(saliency)).numpy()
        pictures = [overlay(*one) for one in zip(self.hu, evidence, self.mask, strict=True)]
        with self.writer.as_default():
            tf.summary.image("saliency", np.stack(pictures), step=epoch, max_outputs=len(pictures))
        self.writer.flush()


def overlay(
    hu: NDArray[np.float32], evidence: NDArray[np.float32], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return an RGB image [256, 256, 3] in [0, 1]: evidence in red, the outline in green.

    Args:
        hu: slice in HU, [rows, columns].
        evidence: saliency map in [0, 1], [h, w].
        mask: mask of hemorrhage, [rows, columns].
    """
    brain = apply_window(hu, BRAIN_LEVEL_HU, BRAIN_WIDTH_HU).astype(np.float32)
    size = (PIXELS, PIXELS)
    grey = cv2.resize(brain, size)[..., None]
    heat = cv2.resize(evidence.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[..., None]
    picture = np.ascontiguousarray((1 - 0.6 * heat) * grey + 0.6 * heat * HEAT, np.float32)
    large = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, OUTLINE, 1)
    return np.clip(picture, 0, 1)


def fixed_slices(
    batches: tf.data.Dataset, each: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ``hu`` and ``mask`` of the first slices with and without an outline.

    Args:
        batches: batches with ``hu``, ``mask`` and ``labels``, as records give them.
        each: number of slices with, and of slices without; fewer when there are fewer.
    """
    found: dict[bool, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {True: [], False: []}
    for batch in batches.as_numpy_iterator():
        for hu, mask in zip(batch["hu"], batch["mask"], strict=True):
            found[bool(mask.any())].append((hu, mask))
        if min(len(some) for some in found.values()) >= each:
            break
    chosen = found[True][:each] + found[False][:each]
    return np.stack([hu for hu, _ in chosen]), np.stack([mask for _, mask in chosen])
