"""Experiment B's network: a 2D U-Net of Inception modules (paper section 2.2, eFigure 3).

The paper's drawing is not available. Modules follow Szegedy et al. 2016 in their plainest form,
inside the U-Net of Ronneberger et al. 2015. How they are computed is ours, chosen for what is
learned in a given time on CPUs (``benchmarks/segmentation.py``):

- the network works at half the resolution of its input: a space-to-depth stem moves each 2 x 2
  block of pixels into channels, and the head gives four probabilities at each position, which a
  depth-to-space rearranges to full resolution. Convolutions then have four times the channels for
  the same number of operations, which is what vector units need;
- the 1x1 convolutions that begin the four branches are one convolution, split afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

from ichnet.config import ImageConfig
from ichnet.networks.channels import hu_input
from ichnet.networks.normalisation import BATCH_MOMENTUM
from ichnet.networks.rearrange import DepthToSpace, SpaceToDepth, SplitChannels
from ichnet.subtypes import LABELS

Module = Callable[[Any, int, str], Any]
"""A function that builds one stage, from (features, width, name) to features."""

LESION_PRIOR = 0.01
"""Share of pixels that are lesion, roughly; the untrained map starts there instead of at 1/2."""


def build_inception_unet(
    image: ImageConfig,
    base_width: int,
    depth: int,
    name: str,
    seed: int,
    stem_factor: int = 2,
    neighbours: int = 0,
    with_subtypes: bool = False,
) -> keras.Model:
    """Return an untrained segmenter of slices.

    Args:
        image: matrix and windows; a matrix that stem and stages cannot divide is padded with air
            inside, and the map is cropped to the matrix.
        base_width: channels of the first stage, a multiple of four (of 16 for speed); each stage
            down doubles them.
        depth: stages down, and up.
        name: of the model.
        seed: of the initial weights; sets the global seeds of Python, NumPy and TensorFlow.
        stem_factor: side of the blocks of pixels that become channels; 1 for no stem.
        neighbours: neighbouring slices on either side that it takes with each slice (see
            :func:`~ichnet.networks.channels.hu_input`).
        with_subtypes: add the classifying head of :func:`build_subtype_encoder`, for Model 2.

    Returns:
        A functional model of ``hu``: the score of hemorrhage at each pixel, float32
        [batch, matrix, matrix]; with subtypes a dictionary, ``map`` of these and
        ``subtype_score``, float32 [batch, 6], of any hemorrhage and of the five subtypes.

    Raises:
        ValueError: when ``base_width`` is no multiple of four.
    """
    return build_unet(
        image,
        base_width,
        depth,
        name,
        seed,
        stem_factor,
        inception_module,
        neighbours,
        with_subtypes,
    )


def build_unet(
    image: ImageConfig,
    base_width: int,
    depth: int,
    name: str,
    seed: int,
    stem_factor: int,
    module: Module,
    neighbours: int = 0,
    with_subtypes: bool = False,
) -> keras.Model:
    """Return an untrained U-Net of any kind of module; see :func:`build_inception_unet`."""
    keras.utils.set_random_seed(seed)
    hu, channels = hu_input(image, neighbours)
    features, skips = _encode(channels, image, base_width, depth, stem_factor, module)
    subtype_score = _subtype_head(features) if with_subtypes else None
    for stage, skip in zip(range(depth, 0, -1), reversed(skips), strict=True):
        width = base_width * 2 ** (stage - 1)
        # kernel and stride agree, so that no output pixel is reached more often than another
        features = keras.layers.Conv2DTranspose(
            width, 2, strides=2, kernel_initializer="he_normal", name=f"up{stage}_transpose"
        )(features)
        features = keras.layers.Concatenate(name=f"up{stage}_skip")([features, skip])
        features = module(features, width, f"up{stage}")
    head = keras.layers.Conv2D(
        stem_factor**2,
        1,
        activation="sigmoid",
        bias_initializer=keras.initializers.Constant(math.log(LESION_PRIOR / (1 - LESION_PRIOR))),
        dtype="float32",
        name="head",
    )(features)
    if stem_factor > 1:
        head = DepthToSpace(stem_factor, dtype="float32", name="head_depth_to_space")(head)
    if missing := missing_pixels(image.matrix, depth, stem_factor):
        head = keras.layers.Cropping2D(((0, missing), (0, missing)), name="crop")(head)
    shape = (image.matrix, image.matrix)
    lesion_map = keras.layers.Reshape(shape, dtype="float32", name="map")(head)
    if subtype_score is None:
        return keras.Model(hu, lesion_map, name=name)
    return keras.Model(hu, {"map": lesion_map, "subtype_score": subtype_score}, name=name)


def build_subtype_encoder(
    image: ImageConfig,
    base_width: int,
    depth: int,
    seed: int,
    stem_factor: int = 2,
    neighbours: int = 0,
) -> keras.Model:
    """Return the U-Net's encoder with a classifying head, for Model 2's pre-training.

    Returns:
        A functional model of ``hu``: the scores of any hemorrhage and of the five subtypes,
        float32 [batch, 6]. Layers bear the names they have in :func:`build_inception_unet`.

    Raises:
        ValueError: when ``base_width`` is no multiple of four.
    """
    keras.utils.set_random_seed(seed)
    hu, channels = hu_input(image, neighbours)
    features, _ = _encode(channels, image, base_width, depth, stem_factor, inception_module)
    return keras.Model(hu, _subtype_head(features), name="encoder-subtype")


def _subtype_head(features: Any) -> Any:
    """Return six sigmoids of the features at the bottom, [batch, 6].

    It sees their maximum as well as their mean: a small lesion fills one position in hundreds.
    """
    pooled = keras.layers.Concatenate(name="subtype_pool")(
        [
            keras.layers.GlobalAveragePooling2D(name="subtype_mean")(features),
            keras.layers.GlobalMaxPooling2D(name="subtype_maximum")(features),
        ]
    )
    head = keras.layers.Dense(len(LABELS), "sigmoid", dtype="float32", name="subtype_score")
    return head(pooled)


def transfer_encoder(encoder: keras.Model, unet: keras.Model) -> list[str]:
    """Copy a pre-trained encoder and its head into a U-Net, layer by layer of the same name.

    They stay trainable (paper section 2.2: "pre-trained").

    Returns:
        the names of the layers that received weights.

    Raises:
        ValueError: when a layer has no partner in the U-Net, or one of another shape; the U-Net
            is then as it was.
    """
    targets = {layer.name: layer for layer in unet.layers}
    given = {layer.name: layer.get_weights() for layer in encoder.layers if layer.weights}
    for name, weights in given.items():
        if name not in targets:
            raise ValueError(f"{unet.name} has no layer {name!r}, which the encoder has")
        wanted = [tuple(value.shape) for value in targets[name].get_weights()]
        if [value.shape for value in weights] != wanted:
            raise ValueError(f"layer {name!r} has another shape in {unet.name}: {wanted}")
    for name, weights in given.items():
        targets[name].set_weights(weights)
    return list(given)


def inception_module(inputs: Any, width: int, name: str) -> Any:
    """Return four branches of ``width / 4`` channels each, concatenated, normalised and rectified.

    1x1; 1x1 and 3x3; 1x1 and two 3x3; average pooling of 3x3 and 1x1. Averaging and a 1x1
    convolution can be exchanged without changing the result, so that the pooling comes second, and
    all branches begin with the same convolution of ``width`` channels.

    Raises:
        ValueError: when ``width`` is no multiple of four.
    """
    if width % 4:
        raise ValueError(f"{name}: width {width} is no multiple of four, one part for each branch")
    part = width // 4
    reduced = _convolution(inputs, width, 1, f"{name}_reduce")
    a, b, c, d = SplitChannels(4, name=f"{name}_split")(reduced)
    b = keras.layers.Activation("relu", name=f"{name}_b1")(b)
    b = _convolution(b, part, 3, f"{name}_b2")
    c = keras.layers.Activation("relu", name=f"{name}_c1")(c)
    c = _convolution(c, part, 3, f"{name}_c2", activation="relu")
    c = _convolution(c, part, 3, f"{name}_c3")
    d = keras.layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")(d)
    joined = keras.layers.Concatenate(name=f"{name}_concatenate")([a, b, c, d])
    normalised = keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, name=f"{name}_norm")(
        joined
    )
    return keras.layers.Activation("relu", name=f"{name}_relu")(normalised)


def _convolution(
    features: Any, width: int, size: int, name: str, activation: str | None = None
) -> Any:
    return keras.layers.Conv2D(
        width,
        size,
        padding="same",
        activation=activation,
        kernel_initializer="he_normal",
        name=name,
    )(features)


def missing_pixels(matrix: int, depth: int, stem_factor: int) -> int:
    """Return how many rows and columns a matrix lacks for the stem and ``depth`` halvings."""
    return -matrix % (stem_factor * 2**depth)


def _encode(
    channels: Any,
    image: ImageConfig,
    base_width: int,
    depth: int,
    stem_factor: int,
    module: Module,
) -> tuple[Any, list[Any]]:
    """Return the features at the bottom and, from fine to coarse, those to skip across."""
    skips = []
    features = channels
    if missing := missing_pixels(image.matrix, depth, stem_factor):
        # channels are windows, in which air is zero
        features = keras.layers.ZeroPadding2D(((0, missing), (0, missing)), name="pad")(features)
    if stem_factor > 1:
        features = SpaceToDepth(stem_factor, name="stem")(features)
    for stage in range(1, depth + 1):
        features = module(features, base_width * 2 ** (stage - 1), f"down{stage}")
        skips.append(features)
        features = keras.layers.MaxPooling2D(2, name=f"down{stage}_halve")(features)
    return module(features, base_width * 2**depth, "bottom"), skips
