"""A segmenter's training that is killed (``kill -9``) ends where an uninterrupted one ends.

The killed process gets no chance to clean up. The signal arrives at the worst moment: the second
epoch's log is written, its checkpoint only half. Within a step nothing has been written at all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ichnet.cohorts.case import Case
from ichnet.config import Config, TrainingConfig, load_config, save_config
from ichnet.ct.volume import Volume
from ichnet.records.writer import RecordSetWriter
from ichnet.runs import RunFolder
from ichnet.training.fit import read_log
from ichnet.training.segmenter import train_segmenter

MATRIX = 16
NAME = "segmenter-all"

PROGRAM = """
import os, signal, sys
from pathlib import Path
from ichnet.config import load_config
from ichnet.runs import RunFolder
from ichnet.training import fit
from ichnet.training.segmenter import train_segmenter

config, records, run = sys.argv[1:]
saved = []

def save(model, path, whole=fit.save_checkpoint):
    whole(model, path)
    saved.append(path)
    if len(saved) == 2:
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

fit.save_checkpoint = save
train_segmenter(load_config(Path(config)), "all", Path(records), RunFolder(Path(run)))
"""


@pytest.fixture(scope="module")
def config() -> Config:
    """The demonstration's with the smallest network, augmentation and all."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    adam = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    training = TrainingConfig(adam, batch_size=4, epochs=3, steps_per_epoch=3)
    return replace(
        demo,
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=64.0),
        segmenters=replace(demo.segmenters, base_width=4, depth=1, training=training),
    )


def case(number: int) -> Case:
    """A random scan of three slices, the lesion of even ones on the second."""
    hu = np.random.default_rng(number).normal(30, 10, (3, MATRIX, MATRIX)).astype(np.int16)
    labels, mask = np.zeros((3, 6), np.int8), np.zeros(hu.shape, np.uint8)
    if number % 2 == 0:
        labels[1, [0, 5]] = 1
        mask[1, 4:9, 4:9] = 1 << 4
        hu[1, 4:9, 4:9] = 75
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(4.0, 4.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 5 * index] for index in range(3)]),
        slice_spacing_mm=np.full(3, 5.0),
        scan_id=f"scan{number}",
        patient_id=f"patient{number}",
    )
    return Case("aihub", volume, labels.max(axis=0), labels, mask)


@pytest.fixture(scope="module")
def records(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("records")
    with RecordSetWriter(root / "aihub-scans", config.image) as writer:
        for number in range(8):
            split = "train" if number < 6 else "validation"
            writer.add(case(number), split)
        writer.finish([], {"image": asdict(config.image)})
    return root


@pytest.fixture(scope="module")
def uninterrupted(config, records, tmp_path_factory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("uninterrupted"))
    train_segmenter(config, "all", records, run)
    return run


def final_state(run: RunFolder) -> list[np.ndarray]:
    """Weights and the optimizer's moments and step, after the last epoch."""
    model = keras.models.load_model(run.model(NAME) / "last.keras")
    slots = [np.asarray(variable) for variable in variables_of(model.optimizer)]
    return [*model.get_weights(), *slots]


def variables_of(optimizer: keras.optimizers.Optimizer) -> list:
    variables = optimizer.variables
    return variables() if callable(variables) else variables


def test_killed_training_ends_where_an_uninterrupted_one_ends(
    config, records, uninterrupted, tmp_path
):
    run = RunFolder(tmp_path / "run")
    save_config(config, tmp_path / "config.yaml")
    arguments = [tmp_path / "config.yaml", records, run.root]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert len(read_log(run.model(NAME) / "log.csv")) == 2
    before = keras.models.load_model(run.model(NAME) / "last.keras")
    assert int(before.optimizer.iterations) == 3  # one epoch of three is whole
    assert not (run.model(NAME) / "finished.json").exists()

    train_segmenter(config, "all", records, run)

    for resumed, whole in zip(final_state(run), final_state(uninterrupted), strict=True):
        np.testing.assert_array_equal(resumed, whole)
    logs = [read_log(one.model(NAME) / "log.csv") for one in (run, uninterrupted)]
    assert logs[0] == logs[1]
    assert [row["epoch"] for row in logs[0]] == [1, 2, 3]
    best = [keras.models.load_model(one.best(NAME)) for one in (run, uninterrupted)]
    for resumed, whole in zip(*(model.get_weights() for model in best), strict=True):
        np.testing.assert_array_equal(resumed, whole)
