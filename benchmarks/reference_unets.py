"""Stages of networks that the Inception U-Net is compared with: its own first form, a plain U-Net.

``build_unet`` makes the networks. Windows, head and way of enlarging are the Inception U-Net's, so
that stem and stages are all that differs.
"""

from __future__ import annotations

from typing import Any

import keras

from ichnet.networks.normalisation import BATCH_MOMENTUM

FIRST_WIDTH, FIRST_DEPTH, FIRST_STEM = 8, 4, 1
"""The first form worked at full resolution, eight channels wide, four stages down."""


def first_inception_module(inputs: Any, width: int, name: str) -> Any:
    """Return four branches of ``width / 4`` channels, concatenated, normalised and rectified.

    Every 1x1 convolution is by itself, and pooling is maximum pooling.
    """
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(inputs)
    branches = [
        _convolutions(inputs, width // 4, (1,), f"{name}_a"),
        _convolutions(inputs, width // 4, (1, 3), f"{name}_b"),
        _convolutions(inputs, width // 4, (1, 3, 3), f"{name}_c"),
        _convolutions(pooled, width // 4, (1,), f"{name}_d"),
    ]
    joined = keras.layers.Concatenate(name=f"{name}_concatenate")(branches)
    return _normalise(joined, f"{name}_norm", f"{name}_relu")


def plain_module(inputs: Any, width: int, name: str) -> Any:
    """Return two 3x3 convolutions of ``width`` channels, each normalised and rectified.

    A stage of Ronneberger et al. 2015 as it is used today, padded; ``width`` may be any number.
    """
    features = inputs
    for index in (1, 2):
        features = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_{index}",
        )(features)
        rectified = f"{name}_relu" if index == 2 else f"{name}_rectified{index}"
        features = _normalise(features, f"{name}_norm{index}", rectified)
    return features


def _normalise(features: Any, norm: str, relu: str) -> Any:
    features = keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, name=norm)(features)
    return keras.layers.Activation("relu", name=relu)(features)


def _convolutions(features: Any, width: int, sizes: tuple[int, ...], name: str) -> Any:
    """Return convolutions in a row, rectified between, the last one linear."""
    for index, size in enumerate(sizes, start=1):
        features = keras.layers.Conv2D(
            width,
            size,
            padding="same",
            activation=None if index == len(sizes) else "relu",
            kernel_initializer="he_normal",
            name=f"{name}{index}",
        )(features)
    return features
