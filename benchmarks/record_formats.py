"""How to store a slice's HU: bytes on disk, slices a second written and read, in turns.

Each way writes the same 256 x 256 slices to TFRecords, and tf.data reads them back to float32 on
all cores, as training does: int16 as it is; TFRecord files in ZLIB or GZIP (read by one thread);
and, decoded record by record on all cores, 16-bit PNG, ZLIB of levels 1 and 6, and ZLIB of the
differences between neighbours. All are lossless, which is checked.

The slices are those of synthetic heads, or of a record set: `--records FOLDER`. The decision and
its figures: docs/data/index.md. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import load_config
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import prepare
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
MATRIX, SLICES, ROUNDS, REPEATS, BATCH = 256, 256, 5, 4, 8

Slice = NDArray[np.int16]


class Way(NamedTuple):
    """A way to store a slice: the file's compression, and from HU to bytes and back."""

    compression: str
    encode: Callable[[Slice], bytes]
    decode: Callable[[tf.Tensor, int], tf.Tensor]


def main() -> None:
    """Measure and print all ways."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, help="take the slices of a record set")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ICHNET_PSEUDONYM_KEY_FILE"] = str(Path(folder) / "key")
        record_set = RecordSet.open(args.records or synthetic_records(Path(folder)))
        all_slices = slices_dataset(record_set, record_set.splits[0])
        slices = [one["hu"].numpy().astype(np.int16) for one in islice(all_slices, SLICES)]
        result = compare(slices, Path(folder))
    print(json.dumps(result))


def synthetic_records(folder: Path) -> Path:
    """Prepare synthetic heads and return their record set."""
    config = load_config(CONFIG)
    phantom = replace(config.phantom, matrix=512, scans={"dumc": 10}, ich_share={"dumc": 0.5})
    config = replace(config, image=replace(config.image, matrix=MATRIX), phantom=phantom)
    generate(config.phantom, config.seed, folder, ["dumc"], workers=1)
    prepare("dumc", "all", config, folder / "dumc", folder / "set")
    return folder / "set"


def compare(slices: list[Slice], folder: Path) -> dict[str, dict[str, int]]:
    """Return bytes a slice and slices a second, written and read, of each way."""
    seconds: dict[str, dict[str, list[float]]] = {
        name: {"written": [], "read": []} for name in WAYS
    }
    paths = {name: folder / f"{index}.tfrecord" for index, name in enumerate(WAYS)}
    for _ in range(ROUNDS + 1):
        for name, way in WAYS.items():
            start = time.perf_counter()
            write(way, slices, paths[name])
            seconds[name]["written"].append(time.perf_counter() - start)
            dataset = read(way, paths[name], slices[0].shape[0])
            start = time.perf_counter()
            for batch in dataset:
                last = batch
            seconds[name]["read"].append(time.perf_counter() - start)
            np.testing.assert_array_equal(last[-1], slices[-1], name)
    result = {}
    for name in WAYS:
        size = paths[name].stat().st_size / len(slices)
        written = len(slices) / np.median(seconds[name]["written"][1:])
        read_rate = REPEATS * len(slices) / np.median(seconds[name]["read"][1:])
        print(f"{name:26} {size:9,.0f} bytes {written:9,.0f} written/s {read_rate:9,.0f} read/s")
        result[name] = {
            "bytes": round(size),
            "written_per_second": round(written),
            "read_per_second": round(read_rate),
        }
    return result


def write(way: Way, slices: list[Slice], path: Path) -> None:
    """Write slices to one file."""
    with tf.io.TFRecordWriter(str(path), way.compression) as writer:
        for hu in slices:
            writer.write(way.encode(hu))


def read(way: Way, path: Path, matrix: int) -> tf.data.Dataset:
    """Return batches of the slices, several times over."""
    records = tf.data.TFRecordDataset(str(path), way.compression).repeat(REPEATS)

    def decode(content: tf.Tensor) -> tf.Tensor:
        return tf.cast(way.decode(content, matrix), tf.float32)

    return records.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(2)


def decode_int16(content: tf.Tensor, matrix: int) -> tf.Tensor:
    """Read int16 as it is."""
    return tf.reshape(tf.io.decode_raw(content, tf.int16), [matrix, matrix])


def encode_zlib(hu: Slice, level: int) -> bytes:
    """Compress int16."""
    return zlib.compress(hu.tobytes(), level)


def decode_zlib(content: tf.Tensor, matrix: int) -> tf.Tensor:
    """Inflate int16."""
    return decode_int16(tf.io.decode_compressed(content, "ZLIB"), matrix)


def encode_differences(hu: Slice) -> bytes:
    """Compress the differences along rows, low bytes and high bytes apart."""
    differences = np.diff(hu, axis=1, prepend=np.int16(0)).view(np.uint8).reshape(-1, 2)
    return zlib.compress(differences.T.tobytes(), 1)


def decode_differences(content: tf.Tensor, matrix: int) -> tf.Tensor:
    """Inflate differences and add them up."""
    planes = tf.io.decode_raw(tf.io.decode_compressed(content, "ZLIB"), tf.uint8)
    pairs = tf.transpose(tf.reshape(planes, [2, matrix * matrix]))
    differences = tf.reshape(tf.bitcast(pairs, tf.int16), [matrix, matrix])
    return tf.cumsum(tf.cast(differences, tf.int32), axis=1)


def encode_png(hu: Slice) -> bytes:
    """Return a grey PNG of 16 bits; PNG knows no negative values."""
    shifted = (hu.astype(np.int32) + 1024).astype(np.uint16)
    return bytes(tf.io.encode_png(shifted[..., None]).numpy())


def decode_png(content: tf.Tensor, matrix: int) -> tf.Tensor:
    """Read HU of a PNG."""
    pixels = tf.io.decode_png(content, channels=1, dtype=tf.uint16)[..., 0]
    return tf.cast(tf.ensure_shape(pixels, [matrix, matrix]), tf.int32) - 1024


WAYS = {
    "int16": Way("", np.ndarray.tobytes, decode_int16),
    "ZLIB file": Way("ZLIB", np.ndarray.tobytes, decode_int16),
    "GZIP file": Way("GZIP", np.ndarray.tobytes, decode_int16),
    "ZLIB 1 records": Way("", partial(encode_zlib, level=1), decode_zlib),
    "ZLIB 6 records": Way("", partial(encode_zlib, level=6), decode_zlib),
    "ZLIB 1 of differences": Way("", encode_differences, decode_differences),
    "PNG, 16 bits": Way("", encode_png, decode_png),
}


if __name__ == "__main__":
    main()
