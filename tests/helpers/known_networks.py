"""Networks whose every answer is known: fixtures of the tests of evaluation and of deployment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ichnet.config import SEGMENTERS, Config, ImageConfig, load_config
from ichnet.networks.channels import hu_input
from ichnet.statistics.scan_score import UNCHANGED, ScanCalibration

MATRIX = 32
TOP_PIXELS = 4
LEVELS_HU = (50, 40, 60, 70, 80)


@pytest.fixture(scope="session")
def config() -> Config:
    """The demonstration's configuration at 32 x 32 pixels of 4 mm."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    return replace(
        demo,
        data_statement="Not trained at all.",
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=128.0),
        segmenters=replace(demo.segmenters, neighbours=0, weights=None),
        evaluation=replace(demo.evaluation, mirrored=False, top_pixels=TOP_PIXELS, threshold=0.5),
    )


def bright(image: ImageConfig, level_hu: float) -> keras.Model:
    """A segmenter by hand: 0 up to a level, 1 from 20 HU above it on, in between in proportion.

    It looks at the second window, 80/200, so what it sees ends at 180 HU; what is bone by the last
    one, 600/2800, counts as dark.
    """
    hu, channels = hu_input(image)
    blood, bone = keras.layers.Conv2D(1, 1), keras.layers.Conv2D(1, 1)
    is_blood, is_bone = (
        keras.layers.ReLU(max_value=1.0)(convolution(channels)) for convolution in (blood, bone)
    )
    _set_weights(blood, window=1, slope=200 / 20, bias=-(level_hu + 20) / 20)
    _set_weights(bone, window=3, slope=100, bias=-50)  # from 600 HU on
    seen = keras.layers.Subtract()([is_blood, is_bone])
    flat = keras.layers.Reshape((image.matrix, image.matrix))(seen)
    return keras.Model(hu, keras.layers.ReLU(name="map")(flat))


def _set_weights(convolution: keras.layers.Conv2D, window: int, slope: float, bias: float) -> None:
    kernel = np.zeros((1, 1, 4, 1), np.float32)
    kernel[..., window, :] = slope
    convolution.set_weights([kernel, np.array([bias], np.float32)])


@pytest.fixture(scope="session")
def bright_pixels(config) -> keras.Model:
    """Sees what is brighter than 60 HU."""
    return bright(config.image, 50)


@pytest.fixture(scope="session")
def members(config) -> dict[str, keras.Model]:
    """Five segmenters that differ in what they call bright."""
    levels_hu = dict(zip(SEGMENTERS, LEVELS_HU, strict=True))
    return {name: bright(config.image, level_hu) for name, level_hu in levels_hu.items()}


@pytest.fixture(scope="session")
def classifier() -> keras.Model:
    """Says how bright a slice is on the average; has the two outputs of a classifier."""
    hu = keras.Input((MATRIX, MATRIX), name="hu")
    saliency = keras.layers.Rescaling(0.01)(hu)
    flat = keras.layers.Flatten()(saliency)
    mean = keras.layers.Dense(
        1, kernel_initializer=keras.initializers.Constant(1 / MATRIX**2), use_bias=False
    )(flat)
    return keras.Model(
        hu, {"probability": keras.layers.Activation("sigmoid")(mean), "saliency": saliency}
    )


@pytest.fixture(scope="session")
def calibration() -> ScanCalibration:
    """The largest slice score, as it is."""
    return UNCHANGED
