"""Slices a second that the reader gives, against what the fastest classifier's training step takes.

MobileNetV2, four channels, random weights, half of each batch with hemorrhage; reader and training
share the same cores and take turns. The reader augments, as in training. How slices are stored:
benchmarks/record_formats.py.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from ichnet.config import Config, load_config
from ichnet.networks.classifiers import build_classifier
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import prepare
from ichnet.records.reader import training_dataset
from ichnet.records.record_set import RecordSet

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
MATRIX, STEPS, ROUNDS, BATCH = 256, 12, 3, 8


def main() -> None:
    """Measure reader and training step."""
    config = load_config(CONFIG)
    phantom = replace(config.phantom, matrix=512, scans={"dumc": 12}, ich_share={"dumc": 0.5})
    config = replace(config, image=replace(config.image, matrix=MATRIX), phantom=phantom)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ICHNET_PSEUDONYM_KEY_FILE"] = str(Path(folder) / "key")
        generate(config.phantom, config.seed, Path(folder), ["dumc"], workers=1)
        prepare("dumc", "all", config, Path(folder) / "dumc", Path(folder) / "set")
        record_set = RecordSet.open(Path(folder) / "set")
        rates = compare(record_set, config)
    result = {**rates, "reader_over_training": rates["reader"] / rates["training"]}
    print(json.dumps({name: round(value, 2) for name, value in result.items()}))


def compare(record_set: RecordSet, config: Config) -> dict[str, float]:
    """Return slices a second of the reader, with augmentation, and of training steps."""
    training = replace(config.classifiers.training, batch_size=BATCH, steps_per_epoch=4096)
    batches = iter(
        training_dataset(
            record_set,
            "test",
            replace(training, epochs=100),
            config.image,
            seed=0,
            augmentation=config.augmentation,
        )
    )
    model = build_classifier("MobileNetV2", config.image, None, 0)
    model.compile(
        "adam",
        loss={"probability": "binary_crossentropy", "saliency": None},
        **({"jit_compile": False} if keras.__version__.startswith("3") else {}),
    )
    batch = next(batches)
    labels = {"probability": batch["labels"][:, :1]}

    def train() -> None:
        for _ in range(STEPS):
            model.train_on_batch(batch["hu"], labels)

    def read() -> None:
        for _ in range(10 * STEPS):
            next(batches)

    seconds: dict[str, list[float]] = {"training": [], "reader": []}
    for _ in range(ROUNDS + 1):
        for name, run in (("training", train), ("reader", read)):
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    rates: dict[str, float] = {
        "training": STEPS * BATCH / np.median(seconds["training"][1:]),
        "reader": 10 * STEPS * BATCH / np.median(seconds["reader"][1:]),
    }
    for name, rate in rates.items():
        print(f"{name:9} {rate:9.1f} slices/s")
    return rates


if __name__ == "__main__":
    main()
