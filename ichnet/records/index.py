"""Any record of a split by its number, without reading those before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.records.record_set import RecordSetError, shard_files
from ichnet.records.tfrecord import read_record, record_spans


@dataclass(frozen=True, eq=False)
class RecordIndex:
    """Where each record of a split lies; 20 bytes of memory a record.

    Attributes:
        name: folder and split, for messages.
        files: the TFRecord files.
        file_of: int32 [records], the file of each record.
        spans: int64 [records, 2], its first byte there and its length.
    """

    name: str
    files: tuple[Path, ...]
    file_of: NDArray[np.int32]
    spans: NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path, split: str, count: int) -> RecordIndex:
        """Find the records of a split by walking over its files from length to length.

        Args:
            folder: of a record set, or of cached maps.
            split: whose files are meant.
            count: records that ``slices.csv`` lists.

        Raises:
            RecordSetError: when a file is missing or cut off, or there are not ``count`` records.
        """
        files = tuple(shard_files(folder, split))
        spans = [record_spans(path) for path in files]
        lengths = [len(of_file) for of_file in spans]
        if sum(lengths) != count:
            raise RecordSetError(
                f"{folder}: {sum(lengths)} records in split {split!r}, but slices.csv lists {count}"
            )
        return cls(
            f"{folder}: split {split!r}",
            files,
            np.repeat(np.arange(len(files), dtype=np.int32), lengths),
            np.concatenate([np.array(one, np.int64).reshape(-1, 2) for one in spans]),
        )

    def read(self, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return the records of the given numbers, each as bytes.

        Raises:
            RecordSetError: when one is damaged.
        """
        records = np.empty(len(numbers), np.object_)
        for place, number in enumerate(numbers):
            start, length = self.spans[number].tolist()
            records[place] = read_record(self.files[self.file_of[number]], start, length)
        return records

    def read_in_graph(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the same for int64 numbers [n] of a tf.data pipeline: string [n]."""
        records = tf.numpy_function(self.read, [numbers], tf.string, stateful=False)
        return tf.ensure_shape(records, [None])
