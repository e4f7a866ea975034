"""The U-Net that everybody knows, to compare the Inception U-Net with.

Ronneberger et al. 2015 as it is used today: two 3x3 convolutions a stage, padded, each normalised
and rectified. Windows, head and way of enlarging are the Inception U-Net's, so that the stages are
all that differs.
"""

from __future__ import annotations

from typing import Any

import keras

from ichnet.config import ImageConfig
from ichnet.networks.inception_unet import build_unet
from ichnet.networks.normalisation import BATCH_MOMENTUM


def build_plain_unet(
    image: ImageConfig, base_width: int, depth: int, name: str, seed: int
) -> keras.Model:
    """Return an untrained plain U-Net; arguments and output as ``build_inception_unet``.

    ``base_width`` may be any number.

    Raises:
        ValueError: when the matrix cannot be divided.
    """
    return build_unet(image, base_width, depth, name, seed, 1, plain_module)


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
        features = keras.layers.BatchNormalization(
            momentum=BATCH_MOMENTUM, name=f"{name}_norm{index}"
        )(features)
        suffix = "" if index == 2 else str(index)
        features = keras.layers.Activation("relu", name=f"{name}_relu{suffix}")(features)
    return features
