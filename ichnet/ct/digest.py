"""A digest of a series' files, so that a result can be tied to its input.

A SeriesInstanceUID is not enough: a series may arrive in two parts, and two patients may share one
after careless de-identification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def content_digest(content: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).digest()


def series_digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the digest of a series: SHA-256, 64 hex digits.

    It depends on every byte of the files, but not on their order or names. It identifies nobody to
    whom the files are not known.

    Args:
        files: of each file its SOP Instance UID and its :func:`content_digest`.
    """
    digest = hashlib.sha256()
    for uid, content in sorted(files):
        digest.update(f"{len(uid)}:{uid}".encode() + content)
    return digest.hexdigest()
