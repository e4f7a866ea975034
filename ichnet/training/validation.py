"""Class-balanced weights of validation slices: half the loss from each kind.

Trainings draw as many slices with hemorrhage as without. Validation reads whole scans, most of
whose slices show none: by their plain mean the best epoch would be one that sees nothing anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ichnet.config import ConfigError


def class_balanced_weights(
    to_pair: Callable[[dict[str, tf.Tensor]], tuple[Any, Any]], positive: int, negative: int
) -> Callable[[dict[str, tf.Tensor]], tuple[Any, ...]]:
    """Return a function from a slice to input, target and sample weight.

    Slices with hemorrhage together weigh as much as those without; the mean weight is one.

    Args:
        to_pair: from a slice or a batch, as records give it, to input and target.
        positive: slices with hemorrhage among all.
        negative: slices without.

    Raises:
        ConfigError: when there are none of either kind.
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
