"""Reads the header of a plain DICOM file in a tenth of pydicom's time.

Most files of most hospitals are plain: little endian, elements in order, ASCII text. Only these are
read here, and only the wanted elements; anything unusual is left to pydicom
(:mod:`ichnet.ct.header`). Tests compare the results of both on every file at hand.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

QUICK_BYTES = 1 << 15
"""Headers are rarely longer; a longer one is left to pydicom."""

PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010
ITEM, SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
UNDEFINED_LENGTH = 0xFFFFFFFF

TEXT_VRS = frozenset([b"AS", b"CS", b"DS", b"IS", b"LO", b"SH", b"UI"])
LONG_VRS = frozenset([b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"])
SHORT_VRS = TEXT_VRS | {
    *(b"AE", b"AT", b"DA", b"DT", b"FD", b"FL", b"LT"),
    *(b"PN", b"SL", b"SS", b"ST", b"TM", b"UL", b"US"),
}

EXPLICIT = struct.Struct("<HH2sH").unpack_from
"""Reads group, element, value representation and (of short ones) the length."""

LENGTH = struct.Struct("<I").unpack_from

COMPRESSED = "1.2.840.10008.1.2.4."
"""Prefix of all JPEG transfer syntaxes; they and RLE are explicit little endian."""

Value = str | int | list[str] | None


@dataclass(frozen=True)
class QuickHeader:
    """Some elements of a header, and where its pixels are.

    Attributes:
        values: by keyword: text, several texts, or an integer; ``None`` when empty.
        transfer_syntax: how the pixels are encoded.
        pixel_offset: of the first byte of the pixels.
        pixel_bytes: number of pixel bytes; ``None`` when compressed.
    """

    values: dict[str, Value]
    transfer_syntax: str
    pixel_offset: int
    pixel_bytes: int | None

    def get(self, keyword: str) -> Value:
        """Return an element's value, ``None`` when it is absent or empty."""
        return self.values.get(keyword)


def wanted_elements(keywords: list[str]) -> dict[int, tuple[str, bytes]]:
    """Return keyword and value representation by tag, for :func:`read_quickly`."""
    elements = {}
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise ValueError(f"{keyword} is no DICOM keyword")
        elements[tag] = (keyword, dictionary_VR(tag)[:2].encode())
    return elements


def read_quickly(
    start: bytes, size: int, wanted: dict[int, tuple[str, bytes]]
) -> QuickHeader | None:
    """Read the header of a plain file.

    Args:
        start: the file's first :data:`QUICK_BYTES`.
        size: size of the whole file, in bytes.
        wanted: from :func:`wanted_elements`.

    Returns:
        the header; ``None`` when the file is not plain, or not whole.
    """
    try:
        return _read(start, size, wanted)
    except (struct.error, UnicodeDecodeError, ValueError):
        return None


def _read(start: bytes, size: int, wanted: dict[int, tuple[str, bytes]]) -> QuickHeader | None:
    if start[128:132] != b"DICM":
        return None
    syntax, position, explicit = "", 132, True
    values: dict[str, Value] = {}
    last_tag = 0
    while position < len(start):
        group, element, vr, length = EXPLICIT(start, position)
        if group != 2 and last_tag >> 16 <= 2:  # the first element after the file's own
            if syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian) and not (
                syntax.startswith(COMPRESSED)
            ):
                return None
            explicit = syntax != ImplicitVRLittleEndian
        tag = group << 16 | element
        if tag <= last_tag:
            return None
        last_tag = tag
        if explicit:
            position += 8
            if vr in LONG_VRS:
                (length,) = LENGTH(start, position)
                position += 4
            elif vr not in SHORT_VRS:
                return None
        else:
            (length,) = LENGTH(start, position + 4)
            position += 8
            vr = b""
        if tag == PIXEL_DATA:
            return _at_pixels(values, syntax, position, length, size)
        if length == UNDEFINED_LENGTH:
            position = _skip_items(start, position)
            continue
        if tag == TRANSFER_SYNTAX:
            syntax = start[position : position + length].decode("ascii").rstrip("\0 ")
        elif tag in wanted:
            keyword, usual_vr = wanted[tag]
            if vr and (vr in TEXT_VRS) != (usual_vr in TEXT_VRS):
                raise ValueError("a value that pydicom has to read")
            values[keyword] = _value(start[position : position + length], vr or usual_vr)
        position += length
    return None


def _at_pixels(
    values: dict[str, Value], syntax: str, offset: int, length: int, size: int
) -> QuickHeader | None:
    if length == UNDEFINED_LENGTH:
        return QuickHeader(values, syntax, offset, None)
    if syntax.startswith(COMPRESSED) or offset + length > size:
        return None
    return QuickHeader(values, syntax, offset, length)


def _skip_items(start: bytes, position: int) -> int:
    """Return where a sequence of undefined length ends; its items must have defined lengths."""
    while True:
        group, element, length = struct.unpack_from("<HHI", start, position)
        position += 8
        if group << 16 | element == SEQUENCE_END:
            return position
        if group << 16 | element != ITEM or length == UNDEFINED_LENGTH:
            raise ValueError("a sequence that pydicom has to read")
        position += length


@lru_cache(maxsize=4096)
def _value(content: bytes, vr: bytes) -> Value:
    """Decode a value; most of them are those of other slices, too."""
    if vr in (b"US", b"SS"):
        (number,) = struct.unpack("<H" if vr == b"US" else "<h", content)
        return int(number)
    if vr not in TEXT_VRS or b"\x1b" in content:
        raise ValueError("a value that pydicom has to read")
    text = content.decode("ascii").rstrip("\0 ")
    if "\\" in text:
        return [part.strip() for part in text.split("\\")]
    return text.strip() or None
