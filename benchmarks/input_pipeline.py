"""Slices a second that the reader gives, against what the fastest classifier's training step takes.

MobileNetV2, four channels, random weights, half of each batch with hemorrhage; reader and training
share the same cores and take turns. Then what stores a slice in the fewest bytes that still reads
fast enough: int16 as it is, 16-bit PNG, GZIP and ZLIB, decoded in tf.data.

Records stay int16 as it is: it reads fastest (measured on two shared cores: int16 131 kB and 2,100
slices/s, ZLIB 57 kB and 1,000, GZIP 57 kB and 570, PNG 52 kB and 570). All outrun CPU training;
where disk is dearer than cores, ZLIB is the next choice.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import Config, load_config
from ichnet.networks.classifiers import build_classifier
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import prepare
from ichnet.records.reader import slices_dataset, training_dataset
from ichnet.records.record_set import RecordSet

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
MATRIX, STEPS, ROUNDS, BATCH = 256, 12, 3, 8

Encode = Callable[[NDArray[np.int16]], bytes]
Decode = Callable[[tf.Tensor], tf.Tensor]


def main() -> None:
    """Measure reader, training step and representations."""
    config = load_config(CONFIG)
    phantom = replace(config.phantom, matrix=512, scans={"dumc": 12}, ich_share={"dumc": 0.5})
    config = replace(config, image=replace(config.image, matrix=MATRIX), phantom=phantom)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ICHNET_PSEUDONYM_KEY_FILE"] = str(Path(folder) / "key")
        generate(config.phantom, config.seed, Path(folder), ["dumc"], workers=1)
        prepare("dumc", "all", config, Path(folder) / "dumc", Path(folder) / "set")
        record_set = RecordSet.open(Path(folder) / "set")
        rates = compare(record_set, config)
        representations(record_set, Path(folder))
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


def representations(record_set: RecordSet, folder: Path) -> None:
    """Print bytes a slice and slices a second of each way to store HU."""
    slices = [one["hu"].numpy().astype(np.int16) for one in slices_dataset(record_set, "test")]
    ways: dict[str, tuple[str, Encode, Decode]] = {
        "int16": ("", np.ndarray.tobytes, _decode_int16),
        "PNG, 16 bits": ("", _encode_png, _decode_png),
        "int16 in ZLIB": ("ZLIB", np.ndarray.tobytes, _decode_int16),
        "int16 in GZIP": ("GZIP", np.ndarray.tobytes, _decode_int16),
    }
    files = {name: folder / f"{index}.tfrecord" for index, name in enumerate(ways)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for name, (compression, encode, _) in ways.items():
        with tf.io.TFRecordWriter(str(files[name]), compression) as writer:
            for hu in slices:
                writer.write(encode(hu))
    for _ in range(ROUNDS + 1):
        for name, (compression, _, decode) in ways.items():
            records = tf.data.TFRecordDataset(str(files[name]), compression)
            decoded = records.repeat(4).map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(8)
            start = time.perf_counter()
            for _ in decoded:
                pass
            seconds[name].append(time.perf_counter() - start)
    for name in ways:
        size = files[name].stat().st_size / len(slices)
        rate = 4 * len(slices) / np.median(seconds[name][1:])
        print(f"{name:14} {size:9,.0f} bytes a slice {rate:9.1f} slices/s")


def _decode_int16(content: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.reshape(tf.io.decode_raw(content, tf.int16), [MATRIX, MATRIX]), tf.float32)


def _encode_png(hu: NDArray[np.int16]) -> bytes:
    shifted = (hu.astype(np.int32) + 1024).astype(np.uint16)
    return bytes(tf.io.encode_png(shifted[..., None]).numpy())


def _decode_png(content: tf.Tensor) -> tf.Tensor:
    pixels = tf.io.decode_png(content, channels=1, dtype=tf.uint16)[..., 0]
    return tf.cast(tf.ensure_shape(pixels, [MATRIX, MATRIX]), tf.float32) - 1024.0


if __name__ == "__main__":
    main()
