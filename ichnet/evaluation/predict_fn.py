"""How each kind of trained model answers a batch of slices.

Classifiers read HU; segmenters, baselines and ensembles read cached maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from ichnet.config import SEGMENTERS, Config
from ichnet.evaluation.trained import load_best, members_of_model
from ichnet.networks.combination import combine, read_weights
from ichnet.networks.scores import TopPixelMean
from ichnet.records.maps import maps_dataset, maps_members, require_maps_of
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import Example
from ichnet.runs import BASELINES, RunFolder, baseline_name, segmenter_name

MAPS_SET = "aihub-scans"
"""The record set of whose maps the members are read."""

Answer = Callable[[Example], tuple[tf.Tensor, tf.Tensor | None]]
"""From a batch to slice scores [batch] and, but for classifiers, maps [batch, m, m] in [0, 1]."""


def members_read(config: Config, model: str) -> tuple[str, ...]:
    """Return the segmenters whose cached maps a model reads; none for those that read HU."""
    segmenters = {segmenter_name(name): (name,) for name in SEGMENTERS}
    baselines = {baseline_name(name): SEGMENTERS for name in BASELINES}
    return {**segmenters, **baselines}.get(model) or members_of_model(config, model)


def reader_and_answer(
    config: Config, model: str, records: Path, run: RunFolder
) -> tuple[Callable[[RecordSet, str], tf.data.Dataset], Answer]:
    """Return how a model's slices are read, and how it answers."""
    members = members_read(config, model)
    if not members:
        return slices_dataset, classifier_answer(load_best(run, model))

    def maps_of(record_set: RecordSet, split: str) -> tf.data.Dataset:
        folder = run.maps(record_set.folder.name)
        require_maps_of(record_set, folder)
        return maps_dataset(folder, split)

    columns = [maps_members(run.maps(MAPS_SET)).index(name) for name in members]
    top_pixels = config.evaluation.top_pixels
    if model in map(segmenter_name, SEGMENTERS):
        return maps_of, segmenter_answer(columns[0], top_pixels)
    if baseline := {baseline_name(name): name for name in BASELINES}.get(model):
        return maps_of, _baseline_answer(config, baseline, run)
    return maps_of, ensemble_answer(load_best(run, model), columns, top_pixels)


def classifier_answer(model: keras.Model) -> Answer:
    """Return how a classifier answers slices with ``hu``."""
    return lambda batch: (model(batch["hu"], training=False)["probability"][:, 0], None)


def segmenter_answer(column: int, top_pixels: int) -> Answer:
    """Return how the segmenter in one column of cached maps answers."""
    score = TopPixelMean(top_pixels)

    def answer(batch: Example) -> tuple[tf.Tensor, tf.Tensor]:
        found = batch["maps"][..., column]
        return score(found), found

    return answer


def _baseline_answer(config: Config, baseline: str, run: RunFolder) -> Answer:
    """Return how all members' maps answer, combined in a fixed way."""
    weights = None
    if baseline == "nnls":
        weights = read_weights(maps_members(run.maps(MAPS_SET)), run.weights)
    score = TopPixelMean(config.evaluation.top_pixels)

    def answer(batch: Example) -> tuple[tf.Tensor, tf.Tensor]:
        found = combine(batch["maps"], baseline, weights)
        return score(found), found

    return answer


def ensemble_answer(weight_model: keras.Model, columns: Sequence[int], top_pixels: int) -> Answer:
    """Return how a weight model over some columns of cached maps answers."""
    score = TopPixelMean(top_pixels)

    def answer(batch: Example) -> tuple[tf.Tensor, tf.Tensor]:
        found = weight_model(tf.gather(batch["maps"], columns, axis=-1), training=False)["map"]
        return score(found), found

    return answer
