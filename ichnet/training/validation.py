"""Validation slices of which those with and those without hemorrhage count alike.

Trainings draw as many of one kind as of the other. Among the slices of whole scans most show no
hemorrhage, and by their plain mean the best epoch would be one that sees nothing anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ichnet.config import ConfigError


def alike(
    to_pair: Callable[[dict[str, tf.Tensor]], tuple[Any, Any]], positive: int, negative: int
) -> Callable[[dict[str, tf.Tensor]], tuple[Any, ...]]:
    """Return a function from slices to input, target and weights, whose mean is one.

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
