"""Training that is killed (``kill -9``) ends where an uninterrupted one ends, and so do maps.

The killed process gets no chance to clean up. The signal arrives at the worst moment: the second
epoch's log is written, its checkpoint only half; the second shard of maps is written half. Within
a step nothing has been written at all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ichnet.cohorts.case import Case
from ichnet.config import (
    SEGMENTERS,
    Config,
    ImageConfig,
    TrainingConfig,
    load_config,
    save_config,
)
from ichnet.ct.volume import Volume
from ichnet.evaluation.maps import cache_maps
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.records.assembly import write_record_set
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.runs import RunFolder
from ichnet.training.ensemble import train_ensemble
from ichnet.training.fit import read_log
from ichnet.training.segmenter import pretrain_encoder, train_segmenter

# trains and kills processes
pytestmark = pytest.mark.slow

MATRIX = 16
DEMO = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")

TRAININGS = {
    "segmenter-all": lambda config, records, run: train_segmenter(config, "all", records, run),
    "encoder-subtype": pretrain_encoder,
    "ensemble-pair": lambda config, records, run: train_ensemble(config, "pair", run),
}
"""By the name of what each trains."""

PROGRAM = """
import os, signal, sys
from pathlib import Path
from ichnet.config import load_config
from ichnet.runs import RunFolder
from ichnet.training import fit
sys.path.insert(0, os.environ["TESTS"])
from test_killed import TRAININGS

name, config, records, run = sys.argv[1:]
saved = []

def save(model, path, *state, whole=fit.save_checkpoint):
    whole(model, path, *state)
    saved.append(path)
    if len(saved) == 2:
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

fit.save_checkpoint = save
TRAININGS[name](load_config(Path(config)), Path(records), RunFolder(Path(run)))
"""

MAPS_PROGRAM = """
import os, signal, sys
from pathlib import Path
from ichnet.evaluation import maps
sys.path.insert(0, os.environ["TESTS"])
from test_killed import cache

records, folder = map(Path, sys.argv[1:])
written = []

def write(shard, matrix, compute, path, bar, whole=maps._write_shard):
    whole(shard, matrix, compute, path, bar)
    written.append(path)
    if len(written) == 2:
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

maps._write_shard = write
cache(records, folder)
"""


@pytest.fixture(scope="module")
def config() -> Config:
    """The demonstration's with the smallest network, augmentation and all."""
    adam = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    training = TrainingConfig(adam, batch_size=4, epochs=3, steps_per_epoch=3)
    return replace(
        DEMO,
        image=replace(DEMO.image, matrix=MATRIX, field_of_view_mm=64.0),
        segmenters=replace(
            DEMO.segmenters,
            base_width=4,
            neighbours=0,
            weights=None,
            depth=1,
            training=training,
            pretraining=training,
        ),
        ensembles=replace(DEMO.ensembles, combinations={"pair": ("all", "sdh")}, training=training),
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
    splits = 6 * ["train"] + 2 * ["validation"] + 4 * ["ensemble"]
    chosen = [(number, split, None) for number, split in enumerate(splits)]
    write_record_set(chosen, MadeScans(case, 3), config.image, root / "aihub-scans", {})
    return root


def cache(records: Path, folder: Path) -> None:
    """Cache the maps of untrained segmenters on the validation and the held-out scans."""
    record_set = RecordSet.open(records / "aihub-scans")
    image = ImageConfig(MATRIX, 64.0, DEMO.image.windows)
    members = {
        name: build_inception_unet(image, 4, 1, name, seed) for seed, name in enumerate(SEGMENTERS)
    }
    for member in members.values():  # maps on both sides of the threshold
        kernel, bias = member.get_layer("head").get_weights()
        member.get_layer("head").set_weights([kernel, 0 * bias])
    cache_maps(members, record_set, ["validation", "ensemble"], folder)


@pytest.fixture(scope="module")
def maps(records, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("maps") / "aihub-scans"
    cache(records, folder)
    return folder


def killed(program: str, *arguments: object) -> None:
    """Run a program that must die by SIGKILL."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TESTS": str(Path(__file__).parent)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def final_state(folder: Path) -> list[np.ndarray]:
    """Weights and the optimizer's moments and step, after the last epoch."""
    model = keras.models.load_model(folder / "last.keras")
    slots = [np.asarray(variable) for variable in variables_of(model.optimizer)]
    return [*model.get_weights(), *slots]


def variables_of(optimizer: keras.optimizers.Optimizer) -> list:
    variables = optimizer.variables
    return variables() if callable(variables) else variables


@pytest.mark.parametrize("name", TRAININGS)
def test_killed_training_ends_where_an_uninterrupted_one_ends(
    name, config, records, maps, tmp_path
):
    run, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "uninterrupted")
    for one in (run, other):
        shutil.copytree(maps, one.maps("aihub-scans"))
    TRAININGS[name](config, records, other)
    save_config(config, tmp_path / "config.yaml")
    killed(PROGRAM, name, tmp_path / "config.yaml", records, run.root)
    folder = run.model(name)
    assert len(read_log(folder / "log.csv")) == 2
    before = keras.models.load_model(folder / "last.keras")
    assert int(before.optimizer.iterations) == 3  # one epoch of three is whole
    assert not (folder / "finished.json").exists()

    keras.utils.set_random_seed(99)  # what a fresh process has is not what the other left here
    TRAININGS[name](config, records, run)

    after = final_state(folder)[: len(before.get_weights())]
    assert any((a != b).any() for a, b in zip(before.get_weights(), after, strict=True))
    pairs = zip(final_state(folder), final_state(other.model(name)), strict=True)
    for resumed, whole in pairs:
        np.testing.assert_array_equal(resumed, whole)
    logs = [read_log(one.model(name) / "log.csv") for one in (run, other)]
    assert logs[0] == logs[1]
    assert [row["epoch"] for row in logs[0]] == [1, 2, 3]
    best = [keras.models.load_model(one.best(name)) for one in (run, other)]
    for resumed, whole in zip(*(model.get_weights() for model in best), strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_killed_maps_end_as_uninterrupted_ones(records, maps, tmp_path):
    folder = tmp_path / "aihub-scans"
    killed(MAPS_PROGRAM, records, folder)
    assert not folder.exists()
    cache(records, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in maps.iterdir()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["aihub-scans"]
