"""For each kind of trained model: what it reads, and how it predicts a batch of slices.

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
from ichnet.networks.scores import TopPixelMean, head_times_map
from ichnet.records.maps import (
    maps_dataset,
    maps_members,
    read_info,
    require_maps_of,
    require_maps_of_segmenters,
)
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import Example
from ichnet.runs import AIHUB_SCANS, BASELINES, RunFolder, baseline_name, segmenter_name

DatasetFn = Callable[[RecordSet, str], tf.data.Dataset]
"""A function from (record set, split) to a dataset of its slices, as the model reads them."""

PredictFn = Callable[[Example], dict[str, tf.Tensor]]
"""A function from a batch to the model's outputs, all in [0, 1].

They are ``score`` [batch] of the slices; ``map`` [batch, m, m], except for classifiers; and
``subtype_score`` [batch, 6], when Model 2 is part of the model: its head times ``score``.
"""


def members_read(config: Config, model: str) -> tuple[str, ...]:
    """Return the segmenters whose cached maps a model reads; none for those that read HU."""
    segmenters = {segmenter_name(name): (name,) for name in SEGMENTERS}
    baselines = {baseline_name(name): SEGMENTERS for name in BASELINES}
    return {**segmenters, **baselines}.get(model) or members_of_model(config, model)


def dataset_and_predict_fn(
    config: Config, model: str, records: Path, run: RunFolder
) -> tuple[DatasetFn, PredictFn]:
    """Return two functions: one reads slices for a model, the other predicts them.

    Args:
        config: the experiment.
        model: a classifier, segmenter, baseline or ensemble by its name in the run.
        records: folder of the record sets.
        run: holds the trained model and the cached maps.

    Raises:
        FileNotFoundError: when the model is not trained, or its maps are not cached.
        ConfigError: when the cached maps are not those of the record set, or not those of the
            segmenters as they are now.
    """
    members = members_read(config, model)
    if not members:
        return slices_dataset, classifier_predict_fn(load_best(run, model))

    def maps_of(record_set: RecordSet, split: str) -> tf.data.Dataset:
        folder = run.maps(record_set.folder.name)
        require_maps_of(record_set, folder)
        require_maps_of_segmenters(run, folder)
        return maps_dataset(folder, split)

    cached = read_info(run.maps(AIHUB_SCANS))
    columns = [list(cached["members"]).index(name) for name in members]
    top_pixels = config.evaluation.top_pixels
    with_subtypes = cached["subtype_scores"] and "subtype" in members
    if model in map(segmenter_name, SEGMENTERS):
        return maps_of, segmenter_predict_fn(columns[0], top_pixels, with_subtypes)
    if baseline := {baseline_name(name): name for name in BASELINES}.get(model):
        return maps_of, _baseline_predict_fn(config, baseline, run, with_subtypes)
    network = load_best(run, model)
    return maps_of, ensemble_predict_fn(network, columns, top_pixels, with_subtypes)


def classifier_predict_fn(model: keras.Model) -> PredictFn:
    """Return the prediction function of a classifier: it reads ``hu`` and gives no maps."""
    return lambda batch: {"score": model(batch["hu"], training=False)["probability"][:, 0]}


def segmenter_predict_fn(column: int, top_pixels: int, with_subtypes: bool) -> PredictFn:
    """Return the prediction function of the segmenter with this column of the cached maps."""
    score = TopPixelMean(top_pixels)
    return lambda batch: _scored(batch["maps"][..., column], batch, score, with_subtypes)


def _baseline_predict_fn(
    config: Config, baseline: str, run: RunFolder, with_subtypes: bool
) -> PredictFn:
    """Return the prediction function of a baseline: all members' maps, fixed weights."""
    weights = None
    if baseline == "nnls":
        weights = read_weights(maps_members(run.maps(AIHUB_SCANS)), run.weights)
    score = TopPixelMean(config.evaluation.top_pixels)

    def predict(batch: Example) -> dict[str, tf.Tensor]:
        return _scored(combine(batch["maps"], baseline, weights), batch, score, with_subtypes)

    return predict


def ensemble_predict_fn(
    weight_model: keras.Model, columns: Sequence[int], top_pixels: int, with_subtypes: bool
) -> PredictFn:
    """Return the prediction function of a weight model and its columns of the cached maps."""
    score = TopPixelMean(top_pixels)

    def predict(batch: Example) -> dict[str, tf.Tensor]:
        maps = tf.gather(batch["maps"], columns, axis=-1)
        found = weight_model(maps, training=False)["map"]
        return _scored(found, batch, score, with_subtypes)

    return predict


def _scored(
    found: tf.Tensor, batch: Example, score: TopPixelMean, with_subtypes: bool
) -> dict[str, tf.Tensor]:
    """Return a map with its slices' scores and, with Model 2, those of their subtypes."""
    outputs = {"map": found, "score": score(found)}
    if with_subtypes:
        outputs["subtype_score"] = head_times_map(batch["subtype_score"], outputs["score"])
    return outputs
