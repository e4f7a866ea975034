"""Classifiers, segmenters and weight models each see every slice that they may learn from.

There are 600 slices without hemorrhage and 20 with, in three shards. Epochs of 16 draws of either
kind reach all of the former in 38 epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ichnet.cohorts.case import Case
from ichnet.config import SEGMENTERS, AugmentationConfig, Config, TrainingConfig, load_config
from ichnet.ct.volume import Volume
from ichnet.evaluation.maps import cache_maps
from ichnet.records.assembly import write_record_set
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.runs import RunFolder
from ichnet.training import classifier, ensemble, segmenter

# trains for dozens of epochs
pytestmark = pytest.mark.slow

MATRIX, SCANS, SLICES = 8, 10, 62
EPOCHS = 38


@pytest.fixture(scope="module")
def config() -> Config:
    """Epochs of four steps of eight slices, which are not changed."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    training = TrainingConfig("sgd", batch_size=8, epochs=EPOCHS, steps_per_epoch=4)
    return replace(
        demo,
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=32.0),
        augmentation=AugmentationConfig(0.0, 0.0, 0.0, False, 0.0, 0.0),
        classifiers=replace(demo.classifiers, training=training, weights=None),
        segmenters=replace(demo.segmenters, training=training, neighbours=0, weights=None),
        ensembles=replace(demo.ensembles, combinations={"pair": ("all", "sdh")}, training=training),
    )


def case(number: int) -> Case:
    """A scan whose slices are numbered on from the last scan's: each has its number of HU."""
    hu = np.empty((SLICES, MATRIX, MATRIX), np.int16)
    hu[:] = (SLICES * number + np.arange(SLICES))[:, None, None]
    labels, mask = np.zeros((SLICES, 6), np.int8), np.zeros(hu.shape, np.uint8)
    labels[:2, [0, 5]] = 1
    mask[:2] = 1 << 4
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(4.0, 4.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, index] for index in range(SLICES)]),
        slice_spacing_mm=np.ones(SLICES),
        scan_id=f"scan{number}",
        patient_id=f"patient{number}",
    )
    return Case("aihub", volume, labels.max(axis=0), labels, mask)


@pytest.fixture(scope="module")
def records(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("records")
    chosen = [(number, "train", None) for number in range(SCANS)]
    chosen += [(number, "validation", None) for number in range(SCANS, 2 * SCANS)]
    for name in ("aihub-slices", "aihub-scans"):
        write_record_set(chosen, MadeScans(case, SLICES), config.image, root / name, {})
    return root


def train_classifier(config: Config, records: Path, run: RunFolder) -> None:
    classifier.train_classifier(config, "MobileNetV2", "aihub-strong", records, run)


def train_segmenter(config: Config, records: Path, run: RunFolder) -> None:
    segmenter.train_segmenter(config, "all", records, run)


def train_weight_model(config: Config, records: Path, run: RunFolder) -> None:
    """On maps that say the number of each slice, in 1024ths: float16 holds them exactly."""
    hu = keras.Input((MATRIX, MATRIX), name="hu")
    member = keras.Model(hu, keras.layers.Rescaling(1 / 1024)(hu))
    held_out = replace(config.ensembles, maps="out-of-fold")  # weights learn from split `train`
    record_set = RecordSet.open(records / "aihub-scans")
    members = dict.fromkeys(SEGMENTERS, member)
    cache_maps(members, record_set, ["train", "validation"], run.maps("aihub-scans"))
    ensemble.train_ensemble(replace(config, ensembles=held_out), "pair", run)


@pytest.mark.parametrize(
    ("train", "unit"),
    [(train_classifier, 1), (train_segmenter, 1), (train_weight_model, 1024)],
)
def test_every_slice_is_reached(
    config: Config, records: Path, tmp_path: Path, monkeypatch, train: Callable, unit: int
):
    asked = {}
    for module in (classifier, segmenter, ensemble):
        monkeypatch.setattr(module, "fit", lambda build, train, *_: asked.update(train=train))
    train(config, records, RunFolder(tmp_path))
    drawn = [batch[0] for batch in asked["train"](0).as_numpy_iterator()]
    numbers = [int(value) for batch in drawn for value in batch.reshape(8, -1)[:, 0] * unit]
    assert len(numbers) == EPOCHS * 4 * 8
    assert set(numbers) == set(range(SCANS * SLICES))
    # and an epoch by itself is the same as in its turn
    resumed = next(iter(asked["train"](EPOCHS - 1).as_numpy_iterator()))[0]
    np.testing.assert_array_equal(resumed, drawn[4 * (EPOCHS - 1)])
