"""Class-balanced weights of validation slices.

Training batches have as many slices with hemorrhage as without. Validation uses whole scans, most
of whose slices show none; with equal weights the best epoch could be one that detects nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ichnet.config import ConfigError


def class_balanced_weights(
    to_pair: Callable[[dict[str, tf.Tensor]], tuple[Any, Any]], positive: int, negative: int
) -> Callable[[dict[str, tf.Tensor]], tuple[Any, ...]]:
    """Return a function that turns a slice or a batch into input, target and sample weight.

    Slices with hemorrhage have the same total weight as slices without; the mean weight is one.

    Args:
        to_pair: function from a slice or a batch, as records give it, to input and target.
        positive: number of validation slices with hemorrhage.
        negative: number of validation slices without.

    Raises:
        ConfigError: when ``positive`` or ``negative`` is zero.
    """
    if 0 in (positive, negative):
        raise ConfigError(
            f"{positive} slices with and {negative} without hemorrhage to validate on; both are "
            "needed (selection.validation_share)"
        )
    share = positive / (positive + negative)

    def weigh(example: dict[str, tf.Tensor]) -> tuple[Any, ...]:
        own = tf.where(example["labels"][..., 0] > 0, share, 1 - share)
        return (*to_pair(example), 0.5 / own)

    return weigh
