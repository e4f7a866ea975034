"""Outlines as images: PNG files that hold one byte a pixel, a bit for each subtype."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import ReadError
from ichnet.subtypes import ANY_BITS


def read_bit_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a mask: 8-bit greyscale PNG, EDH 1 + IPH 2 + IVH 4 + SAH 8 + SDH 16.

    Args:
        path: the PNG.
        shape: rows, columns of the slice it belongs to.

    Returns:
        uint8 [rows, columns].

    Raises:
        ReadError: ``missing-file``; ``bad-annotation`` for what is no such image.
    """
    if not path.is_file():
        raise ReadError(path, "missing-file", "there is no such mask")
    content = np.frombuffer(path.read_bytes(), np.uint8)
    mask = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    if mask is None:
        raise ReadError(path, "bad-annotation", "not a readable image")
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise ReadError(path, "bad-annotation", "not 8-bit greyscale, one byte of bits a pixel")
    if mask.shape != shape:
        raise ReadError(
            path,
            "bad-annotation",
            f"{mask.shape[0]} x {mask.shape[1]} pixels on a slice of {shape[0]} x {shape[1]}",
        )
    if mask.max() > ANY_BITS:
        raise ReadError(
            path,
            "bad-annotation",
            f"a pixel of {mask.max()}: bits of the five subtypes add up to {ANY_BITS} at most",
        )
    bits: NDArray[np.uint8] = mask.astype(np.uint8)
    return bits
