"""Slices a second of three ways to draw balanced batches, one slice in eight with hemorrhage.

- streams: every record is read, one stream keeps those with hemorrhage and one those without, each
  shuffled in a buffer of 512; a batch takes from them in turn.
- index: `BalancedSampler`: numbers of slices are drawn, and their records read by place.
- index in tf.data: the same records, each as a `FixedLengthRecordDataset` of one record, so that
  no Python takes part.

All decode whole batches to what training takes; nothing is augmented. Records of noise, 16 shards
of 256, in the file cache. The last line is one JSON object. Figures: docs/training.md
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from ichnet.config import TrainingConfig
from ichnet.records.example import SliceRecord
from ichnet.records.index import RecordIndex
from ichnet.records.record_set import shard_name
from ichnet.records.sampling import BalancedSampler
from ichnet.records.schema import parse_training_batch
from ichnet.records.strata import Stratum
from ichnet.records.tfrecord import TFRecordFile

SHARDS, SLICES_PER_SHARD, ONE_IN = 16, 256, 8
BATCH, STEPS, ROUNDS, SHUFFLED = 16, 120, 3, 512


def main() -> None:
    """Measure and print all ways."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--matrix", type=int, default=112, help="rows and columns (112)")
    matrix = parser.parse_args().matrix
    with tempfile.TemporaryDirectory() as name:
        write_records(matrix, Path(name))
        start = time.perf_counter()
        index = RecordIndex.open(Path(name), "train", SHARDS * SLICES_PER_SHARD, {})
        result = {"index_seconds": round(time.perf_counter() - start, 4)}
        ways: dict[str, Callable[[RecordIndex], tf.data.Dataset]] = {
            "streams": by_streams,
            "index": lambda index: balanced(index).batches().map(lambda _, records: records),
            "index in tf.data": by_index_in_tf_data,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                seconds[name].append(measure(way(index), matrix))
    for name, values in seconds.items():
        rate = round(BATCH * (STEPS - 1) / float(np.median(values)))
        print(f"{name:17} {rate:9,} slices/s")
        result[name.replace(" ", "_")] = rate
    print(json.dumps(result))


def write_records(matrix: int, folder: Path) -> None:
    """Write records of noise; every eighth is labelled as hemorrhage."""
    noise = np.random.default_rng(0).integers(-1000, 1000, (matrix, matrix)).astype(np.int16)
    mask = np.zeros((matrix, matrix), np.uint8)
    for shard in range(SHARDS):
        with TFRecordFile(folder / f"{shard_name('train', shard, SHARDS)}.tfrecord") as file:
            for number in range(SLICES_PER_SHARD):
                labels = np.array([number % ONE_IN == 0, 0, 0, 0, 0, 0], np.int8)
                hu = np.roll(noise, number)
                one = SliceRecord(hu, mask, labels, labels, "s", "p", 0, 2.0, 5.0, np.zeros(6))
                file.write(one.serialize())


def balanced(index: RecordIndex) -> BalancedSampler:
    """Return a sampler of one epoch, half of it with hemorrhage."""
    numbers = np.arange(SHARDS * SLICES_PER_SHARD)
    positive = numbers % ONE_IN == 0
    halves = [Stratum("of a kind", numbers[one], 0.5) for one in (positive, ~positive)]
    return BalancedSampler(index, halves, TrainingConfig("sgd", BATCH, 1, STEPS), seed=0)


def by_streams(index: RecordIndex) -> tf.data.Dataset:
    """Return batches of records from two streams."""
    wanted = {"labels": tf.io.FixedLenFeature([6], tf.int64)}

    def kind(label: int) -> tf.data.Dataset:
        return (
            tf.data.TFRecordDataset(list(map(str, index.files)))
            .filter(lambda one: tf.io.parse_single_example(one, wanted)["labels"][0] == label)
            .shuffle(SHUFFLED, seed=0)
            .repeat()
        )

    in_turn = tf.data.Dataset.range(2).repeat()
    slices = tf.data.Dataset.choose_from_datasets([kind(1), kind(0)], in_turn)
    return slices.batch(BATCH).take(STEPS)


def by_index_in_tf_data(index: RecordIndex) -> tf.data.Dataset:
    """Return batches of the sampler's records, each read by a dataset of its own."""
    numbers = balanced(index).draw(0).ravel()
    starts, lengths = index.spans[numbers].T
    file_of = index.file_of[numbers]
    rest = np.array([path.stat().st_size for path in index.files])[file_of] - starts - lengths
    files = tf.constant(list(map(str, index.files)))

    def read(file: tf.Tensor, start: tf.Tensor, length: tf.Tensor, rest: tf.Tensor) -> object:
        return tf.data.FixedLengthRecordDataset(files[file], length, start, rest, length)

    records = tf.data.Dataset.from_tensor_slices((file_of, starts, lengths, rest))
    return records.interleave(read, BATCH, num_parallel_calls=2).batch(BATCH)


def measure(records: tf.data.Dataset, matrix: int) -> float:
    """Return the seconds of all batches but the first, which fills the buffers."""
    batches = records.map(
        lambda batch: parse_training_batch(batch, matrix), num_parallel_calls=tf.data.AUTOTUNE
    )
    iterator = iter(batches.prefetch(2))
    next(iterator)
    start = time.perf_counter()
    for _ in iterator:
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
