"""TFRecord files, written without TensorFlow.

Each record is its length (64 bits), the length's checksum, its content and the content's checksum.
Checksums are CRC-32C, rotated and offset (TensorFlow's ``core/lib/hash/crc32c.h``), so that records
that hold checksums themselves are checked as well.
"""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import google_crc32c

CHECKSUM_OFFSET = 0xA282EAD8


class TFRecordFile:
    """A new file of records; closed at the end of a ``with`` block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def __enter__(self) -> TFRecordFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, record: bytes) -> None:
        """Append a record."""
        length = struct.pack("<Q", len(record))
        self._file.write(length + _checksum(length))
        self._file.write(record)
        self._file.write(_checksum(record))

    def close(self) -> None:
        """Write what is not written yet; no record can follow."""
        self._file.close()


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    rotated = crc >> 15 | crc << 17
    return struct.pack("<I", rotated + CHECKSUM_OFFSET & 0xFFFFFFFF)
