"""Slices become scans again, and what is measured on them is written."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import load_config
from ichnet.evaluation import lesions
from ichnet.evaluation.lesions import measure_lesions, scan_maps
from ichnet.runs import RunFolder

CONFIG = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")


@pytest.fixture
def record_set(monkeypatch) -> SimpleNamespace:
    """Scan s: one lesion of 2 slices, half found, one false pixel. Scan t: normal. u: undrawn."""
    mask = np.zeros((6, 4, 4), np.float32)
    mask[0:2, 0, 0] = 1
    found = np.zeros((6, 4, 4), np.float32)
    found[1, 0, 0], found[0, 3, 3], found[2, 2, 2] = 0.9, 0.7, 0.3
    columns = {
        "scan_id": np.array([b"s", b"s", b"t", b"t", b"u", b"u"]),
        "patient_id": np.array([b"p", b"p", b"q", b"q", b"r", b"r"]),
        "mask": mask,
        "maps": found,
        "has_mask": np.array([True] * 4 + [False] * 2),
        "pixel_spacing_mm": np.full(6, 2.0, np.float32),
        "slice_spacing_mm": np.array([5, 10, 5, 5, 5, 5], np.float32),
    }
    dataset = tf.data.Dataset.from_tensor_slices(columns)

    def dataset_and_predict_fn(config, model, records, run):
        return lambda record_set, split: dataset, lambda batch: {"map": batch["maps"]}

    monkeypatch.setattr(lesions, "dataset_and_predict_fn", dataset_and_predict_fn)
    monkeypatch.setattr(lesions, "BATCH_SLICES", 3)  # scans cross batches
    return SimpleNamespace(folder=Path("records/dumc"))


def test_scans_are_put_together_and_undrawn_ones_left_out(record_set, tmp_path):
    scans = list(scan_maps(CONFIG, "m", record_set, "test", RunFolder(tmp_path)))
    assert [(scan.scan_id, scan.patient_id, len(scan.map)) for scan in scans] == [
        ("s", "p", 2),
        ("t", "q", 2),
    ]
    assert scans[0].spacing_mm == (7.5, 2.0, 2.0)
    np.testing.assert_allclose(scans[0].voxel_ml, [0.02, 0.04])
    assert scans[0].outline.sum() == 2


def test_what_is_written(record_set, tmp_path):
    run = RunFolder(tmp_path)
    measure_lesions(CONFIG, "m", record_set, "test", run)

    def rows(name: str) -> list[dict[str, str]]:
        with (run.lesions("m") / name).open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    assert rows("lesions.csv") == [
        {"scan_id": "s", "patient_id": "p", "volume_ml": "0.06", "found": "1"}
    ]
    first, second = rows("scans.csv")
    assert (first["lesions"], first["false_positives"]) == ("1", "1")
    # both 0.04 mL, truth 0.06, predicted 0.02 + 0.04
    assert float(first["dice"]) == pytest.approx(2 * 0.04 / 0.12)
    assert (second["lesions"], second["dice"], second["hausdorff95_mm"]) == ("0", "", "")
    by_threshold = {row["threshold"]: row for row in rows("froc.csv")}
    assert float(by_threshold["0.2"]["false_positives_per_scan"]) == 1.0
    assert float(by_threshold["0.8"]["false_positives_per_scan"]) == 0.0
    assert float(by_threshold["0.9"]["recall"]) == 0.0
