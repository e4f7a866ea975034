"""TFRecord files, written and read without TensorFlow.

Each record is its length (64 bits), the length's checksum, its content and the content's checksum.
Checksums are CRC-32C, rotated and offset (TensorFlow's ``core/lib/hash/crc32c.h``), so that records
that hold checksums themselves are checked as well.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from types import TracebackType

import google_crc32c

from ichnet.records.record_set import RecordSetError

CHECKSUM_OFFSET = 0xA282EAD8
LENGTH_BYTES, CHECKSUM_BYTES = 8, 4
HEADER_BYTES = LENGTH_BYTES + CHECKSUM_BYTES

Span = tuple[int, int]
"""First byte of a record's content in its file, and its length in bytes."""


class TFRecordFile:
    """A new file of records; closed at the end of a ``with`` block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._checksums = hashlib.sha256()

    def __enter__(self) -> TFRecordFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, *record: bytes) -> None:
        """Append a record that is given in pieces, which are not joined before."""
        length = struct.pack("<Q", sum(map(len, record)))
        checksum = _checksum(*record)
        self._checksums.update(checksum)
        self._file.writelines([length, _checksum(length), *record, checksum])

    @property
    def digest(self) -> str:
        """12 hex digits that change with the records written so far."""
        return self._checksums.hexdigest()[:12]

    def close(self) -> None:
        """Flush and close the file; no record can follow."""
        self._file.close()


def record_spans(path: Path) -> list[Span]:
    """Return where each record of a file lies, read from the lengths that precede the contents.

    Raises:
        RecordSetError: when the file is missing, was cut off, or is no TFRecord file.
    """
    spans: list[Span] = []
    try:
        size = path.stat().st_size
        start = 0
        with path.open("rb", buffering=0) as file:
            while start < size:
                file.seek(start)
                header = file.read(HEADER_BYTES)
                length, checksum = header[:LENGTH_BYTES], header[LENGTH_BYTES:]
                if len(header) == HEADER_BYTES and checksum != _checksum(length):
                    raise RecordSetError(f"{path}: damaged at byte {start}, or no TFRecord file")
                content_start = start + HEADER_BYTES
                content_bytes = int.from_bytes(length, "little")
                start = content_start + content_bytes + CHECKSUM_BYTES
                if len(header) < HEADER_BYTES or start > size:
                    raise RecordSetError(f"{path}: cut off after {len(spans)} records")
                spans.append((content_start, content_bytes))
    except FileNotFoundError as error:
        raise RecordSetError(f"{path}: missing") from error
    return spans


def read_record(path: Path, start: int, length: int) -> bytes:
    """Return the content of the record that lies at a span of a file.

    Raises:
        RecordSetError: when its checksum does not fit: the file has changed or is damaged.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        stored = file.read(length + CHECKSUM_BYTES)
    content, checksum = stored[:length], stored[length:]
    if checksum != _checksum(content):
        raise RecordSetError(f"{path}: the record at byte {start} is damaged")
    return content


def _checksum(*content: bytes) -> bytes:
    crc = 0
    for piece in content:
        crc = google_crc32c.extend(crc, piece)
    rotated = crc >> 15 | crc << 17
    return struct.pack("<I", rotated + CHECKSUM_OFFSET & 0xFFFFFFFF)
