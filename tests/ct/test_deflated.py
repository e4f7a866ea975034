"""Deflated files are read, within a limit."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

import ichnet.ct.deflated
from ichnet.ct.deflated import inflated_header
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.ct.pixels import read_hu

STORED = np.arange(96, dtype=np.int16).reshape(8, 12)


@pytest.fixture
def deflated(write_slice, tmp_path):
    """Write a slice as a deflated file; ``more`` bytes of zeros follow its pixels."""

    def write(more: int = 0):
        path = write_slice(tmp_path / "a.dcm", STORED)
        content = path.read_bytes()
        (length,) = struct.unpack_from("<I", content, 140)
        meta, rest = content[: 144 + length], content[144 + length :]
        old, new = b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x16\x001.2.840.10008.1.2.1.99"
        assert old in meta
        meta = meta.replace(old, new)
        meta = meta[:140] + struct.pack("<I", length + 2) + meta[144:]
        deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        parts = [deflater.compress(rest)]
        parts += [deflater.compress(bytes(1 << 20)) for _ in range(more >> 20)]
        path.write_bytes(meta + b"".join(parts) + deflater.flush())
        return path

    return write


def test_a_deflated_slice_is_read(deflated):
    header = read_header(deflated())
    assert header.transfer_syntax == DeflatedExplicitVRLittleEndian
    assert header.shape == (8, 12)
    np.testing.assert_array_equal(read_hu(header), STORED)


def test_other_files_are_left_as_they_are(write_slice, tmp_path):
    with write_slice(tmp_path / "a.dcm", STORED).open("rb") as file:
        assert inflated_header(file) is None
        assert file.tell() == 0
    for content in (b"", b"text", bytes(500)):
        assert inflated_header(io.BytesIO(content)) is None


def test_a_header_is_inflated_within_a_limit(deflated, monkeypatch):
    monkeypatch.setattr(ichnet.ct.deflated, "HEADER_BYTES", 1 << 20)
    path = deflated(more=256 << 20)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    read_header(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 16 << 20


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
@pytest.mark.parametrize("rest", [b"", b"\xff" * 200])
def test_a_damaged_deflated_file_is_named(deflated, share, rest):
    path = deflated()
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))] + rest)
    with pytest.raises(ReadError) as error:
        read_hu(read_header(path))
    assert error.value.reason in ("bad-header", "truncated", "no-pixels")
