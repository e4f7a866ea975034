"""An experiment as small as can be: twelve scans, an empty run, trainings of two steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_experiment import AS_THEY_ARE, KINDS, MATRIX, SPLITS, case

from ichnet.config import AugmentationConfig, Config, TrainingConfig, load_config
from ichnet.records.assembly import write_record_set
from ichnet.runs import RunFolder


@pytest.fixture(scope="module")
def config() -> Config:
    """The demonstration's, with the smallest networks, two steps, and no augmentation."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    training = TrainingConfig("sgd", batch_size=4, epochs=1, steps_per_epoch=2)
    return replace(
        demo,
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=128.0),
        augmentation=AugmentationConfig(
            rotation_degrees=0.0,
            shift_mm=0.0,
            scale=0.0,
            flip=False,
            noise_hu=0.0,
            offset_hu=0.0,
        ),
        classifiers=replace(demo.classifiers, training=training, weights=None),
        segmenters=replace(
            demo.segmenters,
            base_width=4,
            neighbours=0,
            weights=None,
            depth=1,
            training=training,
            pretraining=training,
        ),
        ensembles=replace(
            demo.ensembles, combinations={"pair": ("subtype", "sdh")}, training=training
        ),
    )


@pytest.fixture(scope="module")
def records(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("records")
    scans = [(split, kind) for split in SPLITS for kind in KINDS]
    chosen = [
        (case(number, kind, split), split, None) for number, (split, kind) in enumerate(scans)
    ]
    for name in ("aihub-scans", "aihub-slices"):
        write_record_set(chosen, AS_THEY_ARE, config.image, root / name, {})
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    return RunFolder(tmp_path_factory.mktemp("run"))


@pytest.fixture
def asked(monkeypatch) -> dict:
    """What ``fit`` is asked to do, instead of doing it."""
    seen = {}

    def spy(build, train, validation, folder, training, made_from, callbacks=None):
        seen.update(
            build=build, train=train, validation=validation, folder=folder, made_from=made_from
        )

    monkeypatch.setattr("ichnet.training.segmenter.fit", spy)
    monkeypatch.setattr("ichnet.training.classifier.fit", spy)
    return seen
