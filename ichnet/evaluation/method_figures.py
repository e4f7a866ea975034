"""Data of the method's figures, taken from trained models and their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.evaluation.trained import load_best, members_of_model
from ichnet.records.maps import maps_dataset, maps_members
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder, classifier_name
from ichnet.subtypes import SUBTYPES
from ichnet.training.losses import normalise_saliency

BATCH_SLICES = 32


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """A slice: HU float32 and outline bool, [rows, columns]."""

    hu: NDArray[np.float32]
    outline: NDArray[np.bool_]


def largest_lesion(record_set: RecordSet, split: str) -> ShownSlice:
    """Return the slice with the largest outline: chosen by rule, not by hand.

    Raises:
        ValueError: when nothing in the split is outlined.
    """
    best, most = None, 0
    for one in slices_dataset(record_set, split).as_numpy_iterator():
        pixels = int(np.count_nonzero(one["mask"]))
        if pixels > most:
            best, most = ShownSlice(one["hu"], one["mask"] > 0), pixels
    if best is None:
        raise ValueError(f"{record_set.folder}: no slice of split {split!r} has an outline")
    return best


def arm_maps(
    config: Config, backbone: str, shown: ShownSlice, run: RunFolder
) -> list[tuple[str, NDArray[np.float32], float]]:
    """Return saliency map and score of a slice, by a classifier of each arm.

    Returns:
        the arm, its saliency map scaled to [0, 1] [h, w], the slice's score.
    """
    maps: list[tuple[str, NDArray[np.float32], float]] = []
    for arm in config.classifiers.arms:
        model = load_best(run, classifier_name(backbone, arm))
        found = model(shown.hu[None], training=False)
        evidence = normalise_saliency(tf.convert_to_tensor(found["saliency"])).numpy()[0]
        maps.append((arm, evidence, float(found["probability"][0, 0])))
    return maps


def unet_stages(unet: keras.Model) -> list[tuple[str, int, int, int]]:
    """Return the stages of an Inception U-Net: each an Inception module and the layers before it.

    Returns:
        name, rows and columns, channels, and parameters of each.
    """
    stages = []
    for layer in unet.layers:
        if layer.name.endswith("_relu"):
            name = layer.name.removesuffix("_relu")
            parameters = sum(
                one.count_params() for one in unet.layers if one.name.split("_")[0] == name
            )
            _, matrix, _, channels = layer.output.shape
            stages.append((name, int(matrix), int(channels), int(parameters)))
    return stages


def weight_steps(weight_model: keras.Model) -> list[str]:
    """Return the layers that lead from maps to weights, each with its shape."""
    return [
        f"{layer.name}\n{' × '.join(str(size) for size in layer.output.shape[1:])}"
        for layer in weight_model.layers
        if layer.name not in ("maps", "map", "mask", "mean", "maximum")
    ]


def weights_by_kind(
    config: Config, model: str, cohorts: Sequence[str], run: RunFolder
) -> dict[str, NDArray[np.float64]]:
    """Return the weights an ensemble gives its members on slices of each kind, [slices, members].

    Kinds are the five subtypes alone, ``mixed``, and ``normal``; those without a slice are left
    out.
    """
    weight_model = load_best(run, model)
    found: dict[str, list[NDArray[np.float64]]] = {k: [] for k in (*SUBTYPES, "mixed", "normal")}
    for cohort in cohorts:
        folder = run.maps(cohort)
        columns = [maps_members(folder).index(name) for name in members_of_model(config, model)]
        for batch in maps_dataset(folder, "test").batch(BATCH_SLICES):
            maps = tf.gather(batch["maps"], columns, axis=-1)
            weights = np.asarray(weight_model(maps, training=False)["weights"], np.float64)
            if weights.ndim == 4:
                weights = weights.mean(axis=(1, 2))
            for labels, row in zip(batch["labels"].numpy(), weights, strict=True):
                kind = _kind(labels)
                if kind:
                    found[kind].append(row)
    return {kind: np.stack(rows) for kind, rows in found.items() if rows}


def _kind(labels: NDArray[np.float32]) -> str:
    """Return the kind of a slice from its six labels; empty where they are unknown."""
    if labels[0] == 0:
        return "normal"
    present = [name for name, label in zip(SUBTYPES, labels[1:], strict=True) if label == 1]
    if labels[0] < 0 or not present:
        return ""
    return present[0] if len(present) == 1 else "mixed"
