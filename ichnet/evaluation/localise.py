"""Saliency maps of trained classifiers against outlines: a row for each slice with a lesion."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import keras
import tensorflow as tf

from ichnet.evaluation.trained import load_best
from ichnet.files import write_whole
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder
from ichnet.statistics.localisation import localise

BATCH_SLICES = 16
COLUMNS = (
    "cohort", "scan_id", "patient_id", "slice_index", "hit", "energy_inside", "iou", "area",
)  # fmt: skip


def localise_model(model: str, record_set: RecordSet, split: str, run: RunFolder) -> Path:
    """Write ``runs/<name>/localisation/<model>.csv`` and return its path.

    Raises:
        FileNotFoundError: when the model is not trained.
        ValueError: when no slice of the split has an outline.
    """
    path = run.localisation(model)
    rows = list(_rows(load_best(run, model), record_set, split))
    if not rows:
        raise ValueError(f"{record_set.folder}: no slice of split {split!r} has an outline")
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def _rows(model: keras.Model, record_set: RecordSet, split: str) -> Iterator[dict[str, object]]:
    cohort_of = {row["scan_id"]: row["cohort"] for row in record_set.scans}
    with_lesion = slices_dataset(record_set, split).filter(
        lambda one: tf.reduce_any(one["mask"] > 0)
    )
    saliency_of = tf.function(lambda hu: model(hu, training=False)["saliency"], autograph=False)
    for batch in with_lesion.batch(BATCH_SLICES).prefetch(1):
        saliency = saliency_of(batch["hu"]).numpy()
        columns = {name: batch[name].numpy() for name in ("scan_id", "patient_id", "slice_index")}
        for index, mask in enumerate(batch["mask"].numpy()):
            scan_id = columns["scan_id"][index].decode()
            measured = asdict(localise(saliency[index], mask > 0))
            yield {
                "cohort": cohort_of[scan_id],
                "scan_id": scan_id,
                "patient_id": columns["patient_id"][index].decode(),
                "slice_index": int(columns["slice_index"][index]),
                **measured,
                "hit": int(measured["hit"]),
            }
