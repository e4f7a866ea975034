"""The checksums of a SavedModel's weights, which TensorFlow compares and other readers do not.

``variables.index`` is a table in LevelDB's format: blocks of sorted entries, an index of the
blocks, and a footer that says where the index lies
(https://github.com/google/leveldb/blob/main/doc/table_format.md). Each entry is a
``BundleEntryProto`` of TensorFlow's ``tensor_bundle.proto``: where in ``variables.data-*`` a
tensor's bytes lie, and their masked CRC-32C.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import google_crc32c

from ichnet.deployment.proto_messages import FIXED32, INT32, INT64, Field, message_class

FOOTER_BYTES, MAGIC = 48, bytes.fromhex("57fb808b247547db")
TRAILER_BYTES = 5  # of a block: kind of compression, masked CRC-32C
UNCOMPRESSED, TEXT = 0, 7
"""Kind of compression; type of tensors that hold strings, whose checksum is made otherwise."""

ENTRY = message_class(
    "Entry",
    {
        "Entry": {
            "dtype": Field(1, INT32),
            "shard": Field(3, INT32),
            "offset": Field(4, INT64),
            "size": Field(5, INT64),
            "crc32c": Field(6, FIXED32),
        }
    },
)


class DamagedError(Exception):
    """Weights are not those that were saved; the message names the tensor."""


def require_undamaged(variables: Path) -> None:
    """Compare the checksum of every tensor of numbers.

    Args:
        variables: the folder of that name in a SavedModel.

    Raises:
        DamagedError: when one differs, or the files are no checkpoint.
        OSError: when they cannot be read.
    """
    shards = [path.read_bytes() for path in sorted(variables.glob("variables.data-*"))]
    for name, value in _entries((variables / "variables.index").read_bytes()):
        if not name:
            continue  # the header
        entry = ENTRY.FromString(value)
        if entry.dtype == TEXT:
            continue
        if entry.shard >= len(shards):
            raise DamagedError(f"{name}: a file of weights is missing")
        content = shards[entry.shard][entry.offset : entry.offset + entry.size]
        if len(content) != entry.size or _masked_crc(content) != entry.crc32c:
            raise DamagedError(f"{name}: the weights' checksum differs")


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and value of each entry of a table."""
    footer = table[-FOOTER_BYTES:]
    if len(footer) != FOOTER_BYTES or not footer.endswith(MAGIC):
        raise DamagedError("the index of the weights is cut off")
    _, at = _varint(footer, 0)  # offset and size of the index of filters, which is not used
    _, at = _varint(footer, at)
    for _, handle in _block(table, footer, at):
        for name, value in _block(table, handle, 0):
            yield name.decode(), value


def _block(table: bytes, handle: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of the block whose offset and size lie at a position of ``handle``."""
    offset, at = _varint(handle, at)
    size, _ = _varint(handle, at)
    checked = table[offset : offset + size + 1]
    crc = table[offset + size + 1 : offset + size + TRAILER_BYTES]
    if _masked_crc(checked) != int.from_bytes(crc, "little") or checked[-1] != UNCOMPRESSED:
        raise DamagedError("the checksum of the weights' index differs")
    restarts = int.from_bytes(checked[-5:-1], "little")
    end = size - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        # a key is told by how much of the one before it begins with
        shared, at = _varint(checked, at)
        rest, at = _varint(checked, at)
        length, at = _varint(checked, at)
        key = key[:shared] + checked[at : at + rest]
        yield key, checked[at + rest : at + rest + length]
        at += rest + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in groups of seven bits, the lowest first, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _masked_crc(data: bytes) -> int:
    """Return the CRC-32C as it is stored among data that have checksums themselves."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
