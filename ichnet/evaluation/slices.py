"""Trained models applied to the slices of a record set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ichnet.config import Config
from ichnet.evaluation.predict_fn import PredictFn, dataset_and_predict_fn
from ichnet.networks.threshold_rule import ThresholdRule, slice_scores
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import Example
from ichnet.runs import THRESHOLD, RunFolder
from ichnet.training.baselines import prepared_scans

BATCH_SLICES = 16

SplitPredictor = Callable[[RecordSet, str], list["SlicePrediction"]]
"""Predicts every slice of one split of a record set."""


@dataclass(frozen=True)
class SlicePrediction:
    """The prediction of one slice, with its ground truth.

    Attributes:
        labels: of the slice, in the order of ``LABELS``; -1 unknown.
        score: of the slice, in [0, 1]; not calibrated.
        mask_pixels: lesion pixels of the ground truth, at the records' matrix; ``None`` without
            outlines.
        predicted_pixels: of the predicted mask; ``None`` for classifiers.
        overlap_pixels: in both; ``None`` unless both are known.
        pixel_ml: volume that one pixel of the slice stands for.
        spacing_mm: length along the scan that the slice stands for.
        subtype_scores: of the five subtypes, in the order of ``SUBTYPES``; ``None`` for models
            that give none.
    """

    scan_id: str
    patient_id: str
    slice_index: int
    labels: tuple[int, ...]
    score: float
    mask_pixels: int | None
    predicted_pixels: int | None
    overlap_pixels: int | None
    pixel_ml: float
    spacing_mm: float
    subtype_scores: tuple[float, ...] | None = None


def split_predictor(config: Config, model: str, records: Path, run: RunFolder) -> SplitPredictor:
    """Return a function that predicts the splits of record sets with a trained model.

    Args:
        config: the experiment.
        model: its name in the run.
        records: folder of the record sets.
        run: holds the trained model and the cached maps.

    Raises:
        FileNotFoundError: when the model is not trained, or its maps are not cached.
    """
    if model == THRESHOLD:
        return _threshold_predictor(ThresholdRule.read(run.rule))
    return _network_predictor(config, model, records, run)


def _network_predictor(config: Config, model: str, records: Path, run: RunFolder) -> SplitPredictor:
    dataset_of, predict_batch = dataset_and_predict_fn(config, model, records, run)

    def predict(record_set: RecordSet, split: str) -> list[SlicePrediction]:
        slices = dataset_of(record_set, split).batch(BATCH_SLICES)
        count = sum(row["split"] == split for row in record_set.slices)
        with tqdm(desc=f"{model} on {record_set.folder.name}", total=count, disable=None) as bar:
            found = []
            for one in predict_slices(slices, predict_batch, config.evaluation.mask_threshold):
                found.append(one)
                bar.update()
        return found

    return predict


def _threshold_predictor(rule: ThresholdRule) -> SplitPredictor:
    def predict(record_set: RecordSet, split: str) -> list[SlicePrediction]:
        found = []
        for slices, scan in prepared_scans(record_set, split):
            blood = rule.blood(scan)
            for one, score, pixels in zip(
                slices, slice_scores(blood, scan.voxel_ml), blood, strict=True
            ):
                drawn = one["mask"] > 0
                measured = {
                    "score": score,
                    "pixel_ml": one["pixel_spacing_mm"] ** 2 * one["slice_spacing_mm"] / 1000.0,
                    "mask_pixels": np.count_nonzero(drawn),
                    "predicted_pixels": np.count_nonzero(pixels),
                    "overlap_pixels": np.count_nonzero(drawn & pixels),
                }
                found.append(_prediction({**one, **measured}))
        return found

    return predict


def predict_slices(
    batches: tf.data.Dataset, predict: PredictFn, pixel_threshold: float
) -> Iterator[SlicePrediction]:
    """Yield the prediction of each slice, in order.

    Args:
        batches: of slices with what ``parse_slice`` gives.
        predict: the model's prediction function.
        pixel_threshold: a pixel is hemorrhage above this.
    """

    def measure(batch: Example) -> Example:
        outputs = predict(batch)
        pixel_ml = batch["pixel_spacing_mm"] ** 2 * batch["slice_spacing_mm"] / 1000.0
        names = ("scan_id", "patient_id", "slice_index", "labels", "has_mask", "slice_spacing_mm")
        result = {name: batch[name] for name in names}
        # weights that sum to one but for rounding can bring a mean of ones just above one
        result["score"] = tf.clip_by_value(outputs["score"], 0.0, 1.0)
        if "subtype_score" in outputs:
            result["subtype_score"] = outputs["subtype_score"]
        result["pixel_ml"] = pixel_ml
        drawn = batch["mask"] > 0
        result["mask_pixels"] = tf.math.count_nonzero(drawn, axis=(1, 2))
        if "map" in outputs:
            predicted = outputs["map"] > pixel_threshold
            result["predicted_pixels"] = tf.math.count_nonzero(predicted, axis=(1, 2))
            both = tf.math.logical_and(predicted, drawn)
            result["overlap_pixels"] = tf.math.count_nonzero(both, axis=(1, 2))
        return result

    graph = tf.function(measure, input_signature=[batches.element_spec], autograph=False)
    for batch in batches.prefetch(1):
        columns = {name: values.numpy() for name, values in graph(batch).items()}
        for index in range(len(columns["scan_id"])):
            yield _prediction({name: values[index] for name, values in columns.items()})


def by_scan(predictions: Iterable[SlicePrediction]) -> dict[str, list[SlicePrediction]]:
    """Group slices by scan, from feet to head; scans in the order in which they first appear."""
    scans: dict[str, list[SlicePrediction]] = defaultdict(list)
    for one in predictions:
        scans[one.scan_id].append(one)
    return {name: sorted(slices, key=lambda one: one.slice_index) for name, slices in scans.items()}


def _prediction(values: dict[str, Any]) -> SlicePrediction:
    has_mask, has_map = bool(values["has_mask"]), "predicted_pixels" in values
    return SlicePrediction(
        scan_id=values["scan_id"].decode(),
        patient_id=values["patient_id"].decode(),
        slice_index=int(values["slice_index"]),
        labels=tuple(int(label) for label in values["labels"]),
        score=float(values["score"]),
        mask_pixels=int(values["mask_pixels"]) if has_mask else None,
        predicted_pixels=int(values["predicted_pixels"]) if has_map else None,
        overlap_pixels=int(values["overlap_pixels"]) if has_mask and has_map else None,
        pixel_ml=float(values["pixel_ml"]),
        spacing_mm=float(values["slice_spacing_mm"]),
        subtype_scores=_subtype_scores(values.get("subtype_score")),
    )


def _subtype_scores(of_labels: Iterable[float] | None) -> tuple[float, ...] | None:
    """Return the scores of the subtypes, without that of any hemorrhage."""
    return None if of_labels is None else tuple(float(score) for score in of_labels)[1:]
