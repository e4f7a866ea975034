"""A data set and networks as small as can be, for the library calls behind ``models/*.py``."""

from __future__ import annotations

import keras
import numpy as np

from ichnet.cohorts.case import Case
from ichnet.ct.volume import Volume
from ichnet.records.source import MadeScans

MATRIX = 32
SPLITS = ("train", "validation", "ensemble")
KINDS = {"SDH": (5,), "SAH": (4,), "mixed": (2, 5), "normal": ()}
"""Scans of each split, by the positions of their subtypes among the labels."""

AS_THEY_ARE = MadeScans(lambda case: case, most_slices=2)
"""A record set's scans are cases in memory."""


def case(number: int, kind: str, split: str) -> Case:
    """A random scan of two slices, 4 mm pixels 5 mm apart; the lesion, if any, on the second.

    Its first pixel says which scan it is.
    """
    rng = np.random.default_rng(number)
    hu = rng.normal(30, 10, (2, MATRIX, MATRIX)).astype(np.int16)
    labels = np.zeros((2, 6), np.int8)
    mask = np.zeros(hu.shape, np.uint8)
    for label in KINDS[kind]:
        labels[1, [0, label]] = 1
        mask[1, 8:16, 8:16] |= 1 << (label - 1)
        hu[1, 8:16, 8:16] = 75
    hu[:, 0, 0] = number
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(4.0, 4.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 0], [0, 0, 5]]),
        slice_spacing_mm=np.full(2, 5.0),
        scan_id=f"{split} {kind}",
        patient_id=f"patient of {split} {kind}",
    )
    return Case("aihub", volume, labels.max(axis=0), labels, mask)


def scans_in(dataset) -> set[int]:
    return {int(value) for hu, *_ in dataset.as_numpy_iterator() for value in hu[:, 0, 0]}


def stand_in(backbone, image, weights, seed) -> keras.Model:
    """A network with a classifier's two outputs."""
    keras.utils.set_random_seed(seed)
    hu = keras.Input((image.matrix, image.matrix), name="hu")
    grid = keras.layers.Reshape((image.matrix, image.matrix, 1))(hu)
    evidence = keras.layers.Dense(1)(keras.layers.AveragePooling2D(8)(grid))
    saliency = keras.layers.Reshape((4, 4), name="saliency")(evidence)
    logit = keras.layers.GlobalAveragePooling2D()(evidence)
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model(hu, {"probability": probability, "saliency": saliency}, name=backbone)
