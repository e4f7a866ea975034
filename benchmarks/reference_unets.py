"""Networks that the Inception U-Net is compared with: its own first form, and a plain U-Net.

Windows, head and way of enlarging are the Inception U-Net's, so that stem and stages are all that
differs.
"""

from __future__ import annotations

from typing import Any

import keras

from ichnet.config import ImageConfig
from ichnet.networks.inception_unet import build_unet
from ichnet.networks.normalisation import BATCH_MOMENTUM

FIRST_WIDTH, FIRST_DEPTH = 8, 4


def build_first_inception_unet(
    image: ImageConfig, name: str, seed: int, neighbours: int
) -> keras.Model:
    """Return the Inception U-Net that this project began with.

    At full resolution, eight channels wide, four stages down; every 1x1 convolution by itself, and
    maximum pooling. Output as ``build_inception_unet``.
    """
    return build_unet(
        image, FIRST_WIDTH, FIRST_DEPTH, name, seed, 1, first_inception_module, neighbours
    )


def first_inception_module(inputs: Any, width: int, name: str) -> Any:
    """Return four branches of ``width / 4`` channels, concatenated, normalised and rectified."""
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(inputs)
    branches = [
        _convolutions(inputs, width // 4, (1,), f"{name}_a"),
        _convolutions(inputs, width // 4, (1, 3), f"{name}_b"),
        _convolutions(inputs, width // 4, (1, 3, 3), f"{name}_c"),
        _convolutions(pooled, width // 4, (1,), f"{name}_d"),
    ]
    joined = keras.layers.Concatenate(name=f"{name}_concatenate")(branches)
    return _normalise(joined, f"{name}_norm", f"{name}_relu")


def build_plain_unet(
    image: ImageConfig,
    base_width: int,
    depth: int,
    name: str,
    seed: int,
    stem_factor: int,
    neighbours: int,
) -> keras.Model:
    """Return an untrained plain U-Net; arguments and output as ``build_inception_unet``.

    Ronneberger et al. 2015 as it is used today: two padded 3x3 convolutions a stage, each
    normalised and rectified. ``base_width`` may be any number.
    """
    return build_unet(image, base_width, depth, name, seed, stem_factor, plain_module, neighbours)


def plain_module(inputs: Any, width: int, name: str) -> Any:
    """Return two 3x3 convolutions of ``width`` channels, each normalised and rectified."""
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
