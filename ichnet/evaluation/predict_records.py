"""Trained models applied to record sets: the predictions that every table is computed from.

A model is calibrated on the validation scans of AI-Hub, in every arm, and then tested on the
external cohorts. Classifiers read HU; segmenters and ensembles read cached maps.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ichnet.config import SEGMENTERS, Config, ConfigError, weights_split
from ichnet.evaluation.baselines import combine, least_squares_weights, write_weights
from ichnet.evaluation.threshold import Prepared, prepare_scan, slice_scores, tune
from ichnet.evaluation.trained import load_best, members_of_model
from ichnet.networks.scores import TopPixelMean
from ichnet.records.maps import maps_dataset, maps_members, require_maps_of
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet, require_strangers
from ichnet.records.schema import Example
from ichnet.runs import (
    BASELINES,
    RECORD_SETS,
    TEST_COHORTS,
    THRESHOLD,
    RunFolder,
    baseline_name,
    segmenter_name,
)
from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    scans_path,
    slices_path,
    write_predictions,
)
from ichnet.statistics.scan_score import (
    CALIBRATIONS,
    Calibration,
    scan_score,
    write_calibration,
)
from ichnet.subtypes import LABELS

CALIBRATION_SET, CALIBRATION_SPLIT = "aihub-scans", "validation"
TEST_SPLIT = "test"
BATCH_SLICES = 16

Answer = Callable[[Example], tuple[tf.Tensor, tf.Tensor | None]]
"""From a batch to slice scores [batch] and, but for classifiers, maps [batch, m, m] in [0, 1]."""


Predictor = Callable[[RecordSet, str], list["SlicePrediction"]]
"""Predicts every slice of one split of a record set."""


@dataclass(frozen=True)
class SlicePrediction:
    """What a model says about one slice, beside the truth.

    Attributes:
        labels: of the slice, in the order of ``LABELS``; -1 unknown.
        probability: the model's slice score.
        mask_pixels: true lesion pixels at the records' matrix; ``None`` where nobody drew.
        predicted_pixels: of the predicted mask; ``None`` for classifiers.
        overlap_pixels: in both; ``None`` unless both are known.
        pixel_ml: volume that one pixel of the slice stands for.
    """

    scan_id: str
    patient_id: str
    slice_index: int
    labels: tuple[int, ...]
    probability: float
    mask_pixels: int | None
    predicted_pixels: int | None
    overlap_pixels: int | None
    pixel_ml: float


def predict_model(config: Config, model: str, records: Path, run: RunFolder) -> None:
    """Calibrate a trained model and write its predictions on the test cohorts.

    Args:
        config: the experiment.
        model: a classifier, segmenter or ensemble by its name in the run.
        records: folder of the record sets.
        run: holds the models and the cached maps; gets ``calibration.json`` and predictions.

    Raises:
        FileNotFoundError: when the model is not trained, or its maps are not cached.
        ConfigError: when a record set is missing or the model cannot be calibrated on it.
        PatientOverlapError: when a test cohort shares a patient with a set to learn from.
    """
    tested = {cohort: RecordSet.open(records / cohort) for cohort in TEST_COHORTS}
    learnt = [records / name for name in RECORD_SETS if name not in TEST_COHORTS]
    require_strangers(
        (RecordSet.open(folder) for folder in learnt if folder.exists()), tested.values()
    )
    predict = (
        _threshold_predictor(records, run)
        if model == THRESHOLD
        else _network_predictor(config, model, records, run)
    )
    validation = RecordSet.open(records / CALIBRATION_SET)
    calibration = fit_calibration(
        predict(validation, CALIBRATION_SPLIT), validation, config.evaluation.calibration
    )
    write_calibration(calibration, run.calibration(model))
    for cohort, record_set in tested.items():
        predictions = predict(record_set, TEST_SPLIT)
        write_cohort(predictions, record_set, calibration, run.predictions(model), cohort)


def _network_predictor(config: Config, model: str, records: Path, run: RunFolder) -> Predictor:
    """Return how a trained network predicts a split of a record set."""
    dataset_of, answer = reader_and_answer(config, model, records, run)

    def predict(record_set: RecordSet, split: str) -> list[SlicePrediction]:
        slices = dataset_of(record_set, split).batch(BATCH_SLICES)
        count = sum(row["split"] == split for row in record_set.slices)
        with tqdm(desc=f"{model} on {record_set.folder.name}", total=count, disable=None) as bar:
            found = []
            for one in predict_slices(slices, answer, config.ensembles.pixel_threshold):
                found.append(one)
                bar.update()
        return found

    return predict


def _threshold_predictor(records: Path, run: RunFolder) -> Predictor:
    """Tune the threshold on AI-Hub's training scans; return how it predicts a split."""
    training = list(_prepared_scans(RecordSet.open(records / CALIBRATION_SET), "train"))
    truth = [any(bool(one["labels"][0] > 0) for one in slices) for slices, _ in training]
    rule, _ = tune([scan for _, scan in training], truth)
    rule.write(run.model(THRESHOLD) / "rule.json")

    def predict(record_set: RecordSet, split: str) -> list[SlicePrediction]:
        found = []
        for slices, scan in _prepared_scans(record_set, split):
            blood = rule.blood(scan)
            for one, score, pixels in zip(
                slices, slice_scores(blood, scan.voxel_ml), blood, strict=True
            ):
                drawn = one["mask"] > 0
                measured = {
                    "probability": score,
                    "pixel_ml": one["pixel_spacing_mm"] ** 2 * one["slice_spacing_mm"] / 1000.0,
                    "mask_pixels": np.count_nonzero(drawn),
                    "predicted_pixels": np.count_nonzero(pixels),
                    "overlap_pixels": np.count_nonzero(drawn & pixels),
                }
                found.append(_prediction({**one, **measured}))
        return found

    return predict


def _prepared_scans(
    record_set: RecordSet, split: str
) -> Iterator[tuple[list[dict[str, Any]], Prepared]]:
    """Yield each scan's slices as they are stored, and the scan ready for a threshold."""
    slices = slices_dataset(record_set, split).as_numpy_iterator()
    for _, group in itertools.groupby(slices, key=lambda one: one["scan_id"]):
        scan = list(group)
        hu = np.stack([one["hu"] for one in scan])
        spacing_mm = np.array([one["slice_spacing_mm"] for one in scan], float)
        yield scan, prepare_scan(hu, float(scan[0]["pixel_spacing_mm"]), spacing_mm)


def reader_and_answer(
    config: Config, model: str, records: Path, run: RunFolder
) -> tuple[Callable[[RecordSet, str], tf.data.Dataset], Answer]:
    """Return how a model's slices are read, and how it answers."""
    names = {segmenter_name(name): name for name in SEGMENTERS}
    baselines = {baseline_name(name): name for name in BASELINES}
    if model in names:
        members: tuple[str, ...] = (names[model],)
    elif model in baselines:
        members = SEGMENTERS
    else:
        members = members_of_model(config, model)
    if not members:
        return slices_dataset, classifier_answer(load_best(run, model))

    def maps_of(record_set: RecordSet, split: str) -> tf.data.Dataset:
        folder = run.maps(record_set.folder.name)
        require_maps_of(record_set, folder)
        return maps_dataset(folder, split)

    columns = [maps_members(run.maps(CALIBRATION_SET)).index(name) for name in members]
    top_pixels = config.evaluation.top_pixels
    if model in names:
        return maps_of, segmenter_answer(columns[0], top_pixels)
    if model in baselines:
        return maps_of, _baseline_answer(config, baselines[model], run)
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
        maps = run.maps(CALIBRATION_SET)
        weights = least_squares_weights(maps, weights_split(config))
        path = run.model(baseline_name(baseline)) / "weights.json"
        write_weights(weights, maps_members(maps), path)
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


def predict_slices(
    batches: tf.data.Dataset, answer: Answer, pixel_threshold: float
) -> Iterator[SlicePrediction]:
    """Yield the prediction of each slice, in order.

    Args:
        batches: of slices with what ``parse_slice`` gives.
        answer: the model.
        pixel_threshold: a pixel is hemorrhage above this.
    """

    def measure(batch: Example) -> Example:
        probability, found = answer(batch)
        pixel_ml = batch["pixel_spacing_mm"] ** 2 * batch["slice_spacing_mm"] / 1000.0
        names = ("scan_id", "patient_id", "slice_index", "labels", "has_mask")
        result = {name: batch[name] for name in names}
        # weights that sum to one but for rounding can bring a mean of ones just above one
        result["probability"] = tf.clip_by_value(probability, 0.0, 1.0)
        result["pixel_ml"] = pixel_ml
        drawn = batch["mask"] > 0
        result["mask_pixels"] = tf.math.count_nonzero(drawn, axis=(1, 2))
        if found is not None:
            predicted = found > pixel_threshold
            result["predicted_pixels"] = tf.math.count_nonzero(predicted, axis=(1, 2))
            both = tf.math.logical_and(predicted, drawn)
            result["overlap_pixels"] = tf.math.count_nonzero(both, axis=(1, 2))
        return result

    graph = tf.function(measure, input_signature=[batches.element_spec], autograph=False)
    for batch in batches.prefetch(1):
        columns = {name: values.numpy() for name, values in graph(batch).items()}
        for index in range(len(columns["scan_id"])):
            yield _prediction({name: values[index] for name, values in columns.items()})


def fit_calibration(
    predictions: Iterable[SlicePrediction],
    record_set: RecordSet,
    kind: Literal["platt", "isotonic"] = "platt",
) -> Calibration:
    """Fit scan score -> probability on the scans whose truth is known.

    Raises:
        ConfigError: when they are not of both kinds.
    """
    truth_of = {row["scan_id"]: row["ANY"] for row in record_set.scans}
    known = [
        (truth_of[scan_id] == "1", scan_score([one.probability for one in slices]))
        for scan_id, slices in by_scan(predictions).items()
        if truth_of[scan_id] in ("0", "1")
    ]
    truth = [with_hemorrhage for with_hemorrhage, _ in known]
    if len(set(truth)) < 2:
        raise ConfigError(
            f"{record_set.folder}: cannot calibrate on {sum(truth)} scans with and "
            f"{len(truth) - sum(truth)} without hemorrhage in split {CALIBRATION_SPLIT}; both are "
            "needed (selection.validation_share)"
        )
    return CALIBRATIONS[kind].fit([score for _, score in known], truth)


def write_cohort(
    predictions: Sequence[SlicePrediction],
    record_set: RecordSet,
    calibration: Calibration,
    folder: Path,
    cohort: str,
) -> None:
    """Write a cohort's two files (see :mod:`ichnet.runs.predictions`)."""
    row_of = {row["scan_id"]: row for row in record_set.scans}
    slice_rows = (_slice_row(one, row_of[one.scan_id]["cohort"]) for one in predictions)
    write_predictions(slice_rows, SLICE_COLUMNS, slices_path(folder, cohort))
    scan_rows = (
        _scan_row(slices, row_of[scan_id], calibration)
        for scan_id, slices in by_scan(predictions).items()
    )
    write_predictions(scan_rows, SCAN_COLUMNS, scans_path(folder, cohort))


def by_scan(predictions: Iterable[SlicePrediction]) -> dict[str, list[SlicePrediction]]:
    """Group slices by scan, scans in the order in which they first appear."""
    scans: dict[str, list[SlicePrediction]] = defaultdict(list)
    for one in predictions:
        scans[one.scan_id].append(one)
    return dict(scans)


def _prediction(values: dict[str, Any]) -> SlicePrediction:
    has_mask, has_map = bool(values["has_mask"]), "predicted_pixels" in values
    return SlicePrediction(
        scan_id=values["scan_id"].decode(),
        patient_id=values["patient_id"].decode(),
        slice_index=int(values["slice_index"]),
        labels=tuple(int(label) for label in values["labels"]),
        probability=float(values["probability"]),
        mask_pixels=int(values["mask_pixels"]) if has_mask else None,
        predicted_pixels=int(values["predicted_pixels"]) if has_map else None,
        overlap_pixels=int(values["overlap_pixels"]) if has_mask and has_map else None,
        pixel_ml=float(values["pixel_ml"]),
    )


def _slice_row(one: SlicePrediction, cohort: str) -> dict[str, object]:
    labels = {
        name: None if label < 0 else label for name, label in zip(LABELS, one.labels, strict=True)
    }
    return {
        "cohort": cohort,
        "scan_id": one.scan_id,
        "patient_id": one.patient_id,
        "slice_index": one.slice_index,
        **labels,
        "probability": one.probability,
        "mask_pixels": one.mask_pixels,
        "predicted_pixels": one.predicted_pixels,
        "overlap_pixels": one.overlap_pixels,
    }


def _scan_row(
    slices: Sequence[SlicePrediction], row: dict[str, str], calibration: Calibration
) -> dict[str, object]:
    score = scan_score([one.probability for one in slices])
    volumes_ml = [
        one.predicted_pixels * one.pixel_ml for one in slices if one.predicted_pixels is not None
    ]
    return {
        **{name: row[name] for name in ("cohort", "scan_id", "patient_id", *LABELS, "votes")},
        "volume_ml": row["volume_ml_ANY"],
        "score": score,
        "probability": calibration.apply(score),
        "predicted_volume_ml": sum(volumes_ml) if volumes_ml else None,
    }
