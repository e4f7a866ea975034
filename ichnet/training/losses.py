"""Losses with useful gradients on slices both with and without a lesion.

Each ``call`` returns one value per sample, and Keras takes the mean over the batch. Except for
:class:`BatchDicePlusBCE`, the loss of a sample does not depend on the other samples of its batch.
(``keras.losses.Dice`` sums over the whole batch by default, so that a large lesion outweighs small
ones in other images.)
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ichnet.ct.resample import axis_weights

EVIDENCE_GUARD = 1.0
"""Smallest maximum that the normalisation of a saliency map divides by."""

CELL_FULL_MM2 = 25.0
"""Blood of this area or more makes a cell of a feature map one that holds blood."""
CELL_WEIGHT = 4.0
"""Weight of such a cell relative to one without blood."""

SALIENCY_LOSSES: tuple[str, ...] = ("dice", "bce", "dice+bce", "energy")


@keras.saving.register_keras_serializable("ichnet")
class SoftDice(keras.losses.Loss):
    """One minus the soft Dice coefficient (paper section 2.2: "Dice loss").

    ``1 - (2 sum(t p) + s) / (sum(t) + sum(p) + s)``. On an empty target that is
    ``sum(p) / (sum(p) + s)``: with smoothing ``s``, false positives have a cost and a gradient;
    without it, the loss would be 1 and its gradient zero.

    Args:
        smoothing: ``s``, in pixels.
        name: name of the loss.

    Examples:
        A map with half of a lesion of two pixels, then an empty slice with a false positive:

        >>> import numpy as np
        >>> loss = SoftDice()
        >>> lesion = np.float32([[[1, 1], [0, 0]]])
        >>> round(float(loss(lesion, np.float32([[[1, 0], [0, 0]]]))), 3)
        0.25
        >>> round(float(loss(0 * lesion, np.float32([[[0.5, 0], [0, 0]]]))), 3)
        0.333
    """

    def __init__(self, smoothing: float = 1.0, name: str = "soft_dice", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for targets and maps [batch, rows, columns] in [0, 1]."""
        return soft_dice(tf.cast(y_true, y_pred.dtype), y_pred, self.smoothing)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to create the same loss, as Keras needs them."""
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable("ichnet")
class DicePlusBCE(SoftDice):
    """Sum of soft Dice loss and mean binary cross-entropy of the pixels."""

    def __init__(self, smoothing: float = 1.0, name: str = "dice_plus_bce", **kwargs: Any) -> None:
        super().__init__(smoothing, name, **kwargs)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for targets and maps [batch, rows, columns] in [0, 1]."""
        target = tf.cast(y_true, y_pred.dtype)
        return soft_dice(target, y_pred, self.smoothing) + cross_entropy(target, y_pred)


@keras.saving.register_keras_serializable("ichnet")
class BatchDicePlusBCE(SoftDice):
    """Weighted sum of cross-entropy, Dice loss of each slice, and Dice loss of the whole batch.

    Both Dice terms have a weight of one half. On a slice without lesion the Dice loss of the slice
    is near one at a dozen false pixels and hardly decreases until almost all are gone; the Dice
    loss of the batch keeps a gradient, since it compares them with all lesions of the batch. The
    cross-entropy has a weight of ten, because most pixels are background and correct from the
    start.

    Args:
        smoothing: smoothing of both Dice terms, in pixels.
        entropy_weight: weight of the cross-entropy.
        name: name of the loss.
    """

    def __init__(
        self,
        smoothing: float = 5.0,
        entropy_weight: float = 10.0,
        name: str = "batch_dice_plus_bce",
        **kwargs: Any,
    ) -> None:
        super().__init__(smoothing, name, **kwargs)
        self.entropy_weight = entropy_weight

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for targets and maps [batch, rows, columns] in [0, 1]."""
        target = tf.cast(y_true, y_pred.dtype)
        of_slices = soft_dice(target, y_pred, self.smoothing)
        of_batch = soft_dice(target[None], y_pred[None], self.smoothing)
        entropy = cross_entropy(target, y_pred)
        return self.entropy_weight * entropy + 0.5 * of_slices + 0.5 * of_batch

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to create the same loss, as Keras needs them."""
        return {**super().get_config(), "entropy_weight": self.entropy_weight}


@keras.saving.register_keras_serializable("ichnet")
class FocalTversky(keras.losses.Loss):
    """Focal Tversky loss of each sample (Abraham and Khan, ISBI 2019).

    ``(1 - T) ** 0.75`` with ``T = (tp + s) / (tp + 0.7 fn + 0.3 fp + s)``. False negatives cost
    more than false positives, and nearly correct samples cost relatively more than with Dice.

    Args:
        smoothing: ``s``, in pixels; gives empty targets a gradient, as in :class:`SoftDice`.
        name: name of the loss.
    """

    def __init__(self, smoothing: float = 1.0, name: str = "focal_tversky", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for targets and maps [batch, rows, columns] in [0, 1]."""
        target = tf.cast(y_true, y_pred.dtype)
        found = tf.reduce_sum(target * y_pred, axis=[1, 2])
        missed = tf.reduce_sum(target * (1 - y_pred), axis=[1, 2])
        false = tf.reduce_sum((1 - target) * y_pred, axis=[1, 2])
        wrong = 0.7 * missed + 0.3 * false
        # 1 - T with a floor, since the power has no finite derivative at zero
        share = wrong / (found + wrong + self.smoothing)
        return tf.maximum(share, keras.backend.epsilon()) ** 0.75

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to create the same loss, as Keras needs them."""
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable("ichnet")
class SaliencyLoss(keras.losses.Loss):
    """Loss between a classifier's saliency map and the outline (paper section 1.4).

    The outline is reduced to the grid of the map by area, so that a lesion smaller than a cell
    counts with its share of the cell. Outline and map are both scaled to a maximum of one: the loss
    compares where evidence lies, not how much there is. On a slice without lesion the target is
    zero and the amount of evidence counts (:func:`saturate_evidence`). Scaled to one, the largest
    false cell would have the same cost however small it became, and no gradient.

    Args:
        kind: ``dice``, ``bce`` or ``dice+bce`` (the paper says "segmentation loss" only).
        name: name of the loss.
    """

    def __init__(self, kind: str = "dice+bce", name: str = "saliency_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        if kind not in SALIENCY_LOSSES:
            raise ValueError(f"no saliency loss {kind!r}; known: {', '.join(SALIENCY_LOSSES)}")
        self.kind = kind

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for outlines [batch, rows, columns] and linear maps [batch, h, w]."""
        target = reduce_by_area(tf.cast(y_true, y_pred.dtype), *y_pred.shape[1:])
        largest = tf.reduce_max(target, axis=[1, 2], keepdims=True)
        target = tf.math.divide_no_nan(target, largest)
        saliency = tf.where(largest > 0, normalise_saliency(y_pred), saturate_evidence(y_pred))
        loss = tf.reduce_mean(target * tf.nn.relu(-y_pred), axis=[1, 2])
        if "dice" in self.kind:
            loss += soft_dice(target, saliency, smoothing=1.0)
        if "bce" in self.kind:
            loss += cross_entropy(target, saliency)
        if self.kind == "energy":
            loss += energy_outside(target, y_pred)
        return loss

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to create the same loss, as Keras needs them."""
        return {**super().get_config(), "kind": self.kind}


@keras.saving.register_keras_serializable("ichnet")
class CellEntropy(keras.losses.Loss):
    """Cross-entropy between the cells of a feature map and whether blood lies in them.

    A cell's target is the area of blood in it over :data:`CELL_FULL_MM2`, at most one. Most cells
    are without: a cell full of blood weighs :data:`CELL_WEIGHT` times as much.

    Args:
        pixel_area_mm2: area of a pixel of the outline.
        name: of the loss.
    """

    def __init__(self, pixel_area_mm2: float, name: str = "cell_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.pixel_area_mm2 = pixel_area_mm2

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return [batch] for outlines [batch, rows, columns] and logits [batch, h, w]."""
        outline = tf.cast(y_true, y_pred.dtype)
        pixels = outline.shape[1] * outline.shape[2] / (y_pred.shape[1] * y_pred.shape[2])
        blood_mm2 = reduce_by_area(outline, *y_pred.shape[1:]) * pixels * self.pixel_area_mm2
        target = tf.minimum(1.0, blood_mm2 / CELL_FULL_MM2)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, y_pred)
        return tf.reduce_mean((1 + (CELL_WEIGHT - 1) * target) * entropy, axis=[1, 2])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "pixel_area_mm2": self.pixel_area_mm2}


def normalise_saliency(saliency: tf.Tensor) -> tf.Tensor:
    """Return positive evidence in [0, 1], divided by the maximum of each sample.

    The divisor is at least :data:`EVIDENCE_GUARD`; otherwise noise in a map without evidence would
    be scaled up to one.

    Args:
        saliency: linear class-activation maps [batch, h, w].
    """
    evidence = tf.nn.relu(saliency)
    largest = tf.reduce_max(evidence, axis=[1, 2], keepdims=True)
    return evidence / tf.maximum(largest, EVIDENCE_GUARD)


def saturate_evidence(saliency: tf.Tensor) -> tf.Tensor:
    """Return positive evidence ``e`` as ``e / (e + guard)``, which increases with ``e`` up to one.

    The cross-entropy with a target of zero is ``log(1 + e / guard)``.

    Args:
        saliency: linear class-activation maps [batch, h, w].
    """
    evidence = tf.nn.relu(saliency)
    return evidence / (evidence + EVIDENCE_GUARD)


def energy_outside(target: tf.Tensor, saliency: tf.Tensor) -> tf.Tensor:
    """Return the share of positive evidence in cells outside the outline, [batch].

    The share is one when a slice has an outline but no evidence, and ``sum(e) / (sum(e) + guard)``
    when it has no outline.

    Args:
        target: [batch, h, w], above zero in cells that the outline touches.
        saliency: linear class-activation maps [batch, h, w].
    """
    evidence = tf.nn.relu(saliency)
    touched = tf.cast(target > 0, evidence.dtype)
    total = tf.reduce_sum(evidence, axis=[1, 2])
    inside = tf.reduce_sum(evidence * touched, axis=[1, 2])
    return tf.where(
        tf.reduce_any(target > 0, axis=[1, 2]),
        1 - inside / tf.maximum(total, EVIDENCE_GUARD),
        total / (total + EVIDENCE_GUARD),
    )


def reduce_by_area(mask: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Return the share of each cell that the mask covers, [batch, rows, columns]."""
    height, width = int(mask.shape[1]), int(mask.shape[2])
    by_row = tf.constant(axis_weights(height, 1.0, rows, height / rows), mask.dtype)
    by_column = tf.constant(axis_weights(width, 1.0, columns, width / columns), mask.dtype)
    return tf.einsum("hr,brc,wc->bhw", by_row, mask, by_column)


def soft_dice(target: tf.Tensor, prediction: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Return one minus the soft Dice coefficient of each sample, [batch]."""
    axes = list(range(1, len(prediction.shape)))  # Keras 2 passes arrays as they are
    overlap = tf.reduce_sum(target * prediction, axes)
    total = tf.reduce_sum(target, axes) + tf.reduce_sum(prediction, axes)
    return 1 - (2 * overlap + smoothing) / (total + smoothing)


def cross_entropy(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return the mean binary cross-entropy of each sample's pixels, [batch]."""
    pixels = keras.losses.binary_crossentropy(target[..., None], prediction[..., None])
    return tf.reduce_mean(pixels, axis=list(range(1, pixels.shape.rank)))
