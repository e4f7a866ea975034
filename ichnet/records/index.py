"""Random access to the records of a split, by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.records.record_set import RecordSet, RecordSetError, shard_files
from ichnet.records.tfrecord import read_record, record_spans


@dataclass(frozen=True, eq=False)
class RecordIndex:
    """Where each record of a split lies; 20 bytes of memory a record.

    Attributes:
        name: folder and split, for messages.
        files: the TFRecord files.
        file_of: int32 [records], index in ``files`` of each record's file.
        spans: int64 [records, 2], first byte and length of each record's content.
    """

    name: str
    files: tuple[Path, ...]
    file_of: NDArray[np.int32]
    spans: NDArray[np.int64]

    @classmethod
    def of(cls, record_set: RecordSet, split: str) -> RecordIndex:
        """Find the records of one split of a record set.

        Raises:
            RecordSetError: when a file is missing, cut off or of another length than when the set
                was written (the message names the file), or there are more or fewer records than
                ``slices.csv`` lists.
        """
        count = len(record_set.slices_of(split))
        return cls.open(record_set.folder, split, count, record_set.shard_bytes)

    @classmethod
    def open(
        cls, folder: Path, split: str, count: int, shard_bytes: Mapping[str, int]
    ) -> RecordIndex:
        """Find the records of one split of a record set or of cached maps.

        Args:
            folder: folder of the record set or the cached maps.
            split: e.g. ``train``.
            count: number of records that ``slices.csv`` lists.
            shard_bytes: size of each file when it was written, by its name.

        Raises:
            RecordSetError: when a file is missing, cut off or of another size than when it was
                written (the message names the file), or there are not ``count`` records.
        """
        files = shard_files(folder, split, shard_bytes)
        spans = [record_spans(path) for path in files]
        lengths = [len(of_file) for of_file in spans]
        if sum(lengths) != count:
            raise RecordSetError(
                f"{folder}: {sum(lengths)} records in split {split!r}, but slices.csv lists {count}"
            )
        return cls(
            f"{folder}: split {split!r}",
            tuple(files),
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
