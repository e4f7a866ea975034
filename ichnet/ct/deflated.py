"""Headers of DICOM files that are deflated as a whole, inflated within a limit.

pydicom inflates such a file at once: three megabytes become gigabytes in memory. A header is short,
so that only the file's beginning is inflated here; its pixels are inflated where they are decoded,
in a process that can be stopped (:mod:`ichnet.ct.decoder`).
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

HEADER_BYTES = 32 << 20
"""Longest header that is read."""

META_BYTES = 1 << 12
"""Longest file meta information, which is not deflated, that is read."""

DEFLATED = b"\x02\x00\x10\x00UI\x16\x00" + DeflatedExplicitVRLittleEndian.encode()
INFLATED = b"\x02\x00\x10\x00UI\x16\x00" + ExplicitVRLittleEndian.encode().ljust(22, b"\0")
"""TransferSyntaxUID as an element of the same length."""


def inflated_header(file: BinaryIO) -> BinaryIO | None:
    """Return the inflated beginning of a deflated file; ``None`` for other files.

    The file must be at its beginning, and is again afterwards.

    Raises:
        zlib.error: when it is damaged.
    """
    start = file.read(META_BYTES)
    file.seek(0)
    if start[128:132] != b"DICM" or start[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        return None
    (length,) = struct.unpack_from("<I", start, 140)
    end = 144 + length
    if DEFLATED not in start[:end]:
        return None
    file.seek(end)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(file.read(HEADER_BYTES), HEADER_BYTES)
    file.seek(0)
    return io.BytesIO(start[:end].replace(DEFLATED, INFLATED) + inflated)
