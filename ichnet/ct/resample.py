"""Slices on the networks' grid, and the networks' maps back on the scan's own grid.

The networks see a square of ``field_of_view_mm`` in ``matrix`` x ``matrix`` pixels; the centre of
the image, or of a head that lies beside it (``centre_mm``, :mod:`ichnet.ct.head`), lies at the
centre of the matrix. Paper silent on all of this.

Along each axis a resampled pixel is a weighted sum of the source's, so that a slice is resampled
by two matrix products (sparse, as nearly all weights are 0: an eighth of the time). Where the
target pixel is the larger one, a weight is the share of the target pixel that the source pixel
covers (exact area average: nothing is skipped, no detail aliases); where it is the smaller one,
weights are those of linear interpolation. Any spacing, unequal ones too, and any field of view are
exact.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import AIR_HU

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COVERED = 0.5 - 1e-4
"""A target pixel is lesion when at least half of its area is; a little less, for rounding."""

SPARE_COLUMNS = 16
"""As many as a cache line holds; see :func:`_transposed`."""

ROUNDING = 1e-5
"""By how much the float32 weights of a covered pixel may fall short of 1."""


def to_matrix(
    image: NDArray[np.floating[Any] | np.integer[Any]],
    pixel_spacing_mm: tuple[float, float],
    matrix: int,
    field_of_view_mm: float,
    centre_mm: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Resample slices to the networks' grid.

    Args:
        image: HU, [..., rows, columns].
        pixel_spacing_mm: distance between rows, distance between columns.
        matrix: rows and columns of the result.
        field_of_view_mm: side of the square it covers; outside the image is air (-1024).
        centre_mm: the square's centre, from the image's down and to the right.

    Returns:
        float32 [..., matrix, matrix].
    """
    *leading, rows, columns = image.shape
    by_row, by_column, air = _to_matrix_weights(
        (rows, columns), pixel_spacing_mm, matrix, field_of_view_mm, centre_mm
    )
    slices = image.reshape(-1, rows, columns)
    resampled = np.empty((len(slices), matrix, matrix), np.float32)
    # One slice at a time: a whole scan as float32 would take twice the room of the scan.
    for index, pixels in enumerate(slices):
        _apply(by_row, pixels, by_column, out=resampled[index])
        if air is not None:
            resampled[index] += air
    return resampled.reshape(*leading, matrix, matrix)


def mask_to_matrix(
    mask: NDArray[np.uint8],
    pixel_spacing_mm: tuple[float, float],
    matrix: int,
    field_of_view_mm: float,
    centre_mm: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.uint8]:
    """Resample a mask of subtype bits to the networks' grid, each bit by itself.

    A pixel gets a bit when it covers half of its area or more. A lesion so small or thin that no
    pixel would get its bit does not vanish: the pixels with the largest coverage get it, as many as
    match its area best, at least one. Only what lies outside of the field of view is lost.

    Args:
        mask: uint8 [..., rows, columns].
        pixel_spacing_mm: distance between rows, distance between columns.
        matrix: rows and columns of the result.
        field_of_view_mm: side of the square it covers; outside the image is no lesion.
        centre_mm: the square's centre, from the image's down and to the right.

    Returns:
        uint8 [..., matrix, matrix].
    """
    *leading, rows, columns = mask.shape
    by_row, by_column, _ = _to_matrix_weights(
        (rows, columns), pixel_spacing_mm, matrix, field_of_view_mm, centre_mm
    )
    slices = mask.reshape(-1, rows, columns)
    resampled = np.zeros((len(slices), matrix, matrix), np.uint8)
    for pixels, result in zip(slices, resampled, strict=True):
        present = int(np.bitwise_or.reduce(pixels, axis=None))
        for bit in (1 << position for position in range(8)):
            if present & bit:
                coverage = _apply(by_row, ((pixels & bit) > 0).astype(np.uint8), by_column)
                result[_lesion(coverage)] |= bit
    return resampled.reshape(*leading, matrix, matrix)


def from_matrix(
    maps: NDArray[np.floating[Any]],
    pixel_spacing_mm: tuple[float, float],
    rows: int,
    columns: int,
    field_of_view_mm: float,
    centre_mm: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Resample maps from the networks' grid to the scan's own: the way back of :func:`to_matrix`.

    Args:
        maps: [slices, matrix, matrix], e.g. probabilities.
        pixel_spacing_mm: of the scan: distance between rows, distance between columns.
        rows: of the scan.
        columns: of the scan.
        field_of_view_mm: side of the square that ``maps`` cover; outside of it is 0.
        centre_mm: the square's centre, from the scan's down and to the right.

    Returns:
        float32 [slices, rows, columns].
    """
    matrix = maps.shape[-1]
    matrix_mm = field_of_view_mm / matrix
    row_mm, column_mm = pixel_spacing_mm
    down_mm, right_mm = centre_mm
    by_row = _sparse(axis_weights(matrix, matrix_mm, rows, row_mm, -down_mm))
    by_column = _sparse(axis_weights(matrix, matrix_mm, columns, column_mm, -right_mm))
    resampled = np.empty((len(maps), rows, columns), np.float32)
    for index, pixels in enumerate(maps):
        _apply(by_row, pixels, by_column, out=resampled[index])
    return resampled


def axis_weights(
    source_size: int,
    source_mm: float,
    target_size: int,
    target_mm: float,
    target_centre_mm: float = 0.0,
) -> NDArray[np.float32]:
    """Return the weight of each source pixel in each target pixel, along one axis.

    Args:
        source_size: number of the source's pixels.
        source_mm: their size.
        target_size: number of the target's pixels.
        target_mm: their size.
        target_centre_mm: distance from the middle of the source to the middle of the target.

    Returns:
        float32 [target_size, source_size]. Rows sum to 1 inside the source, to 0 outside, to the
        covered share of a target pixel at the source's edge.
    """
    source_edges = (np.arange(source_size + 1) - source_size / 2) * source_mm
    target_edges = (np.arange(target_size + 1) - target_size / 2) * target_mm + target_centre_mm
    if target_mm >= source_mm:
        low = np.maximum(target_edges[:-1, None], source_edges[None, :-1])
        high = np.minimum(target_edges[1:, None], source_edges[None, 1:])
        weights = np.clip(high - low, 0, None) / target_mm
        return np.asarray(weights, np.float32)
    centres = (target_edges[:-1] + target_edges[1:]) / 2
    # The outer half of an edge pixel has one neighbour only: its value continues to the edge.
    position = np.clip(centres / source_mm + (source_size - 1) / 2, 0, source_size - 1)
    distance = np.abs(position[:, None] - np.arange(source_size)[None, :])
    inside = np.abs(centres) <= source_edges[-1]
    weights = np.clip(1 - distance, 0, None) * inside[:, None]
    return np.asarray(weights, np.float32)


@lru_cache(maxsize=4)
def _to_matrix_weights(
    shape: tuple[int, int],
    pixel_spacing_mm: tuple[float, float],
    matrix: int,
    field_of_view_mm: float,
    centre_mm: tuple[float, float],
) -> tuple[csr_matrix, csr_matrix, NDArray[np.float32] | None]:
    """Return weights by row and column, and HU of air outside; the slices of a scan share them."""
    matrix_mm = field_of_view_mm / matrix
    by_row, by_column = (
        axis_weights(size, spacing_mm, matrix, matrix_mm, middle_mm)
        for size, spacing_mm, middle_mm in zip(shape, pixel_spacing_mm, centre_mm, strict=True)
    )
    return _sparse(by_row), _sparse(by_column), _air_outside(by_row, by_column)


def _sparse(weights: NDArray[np.float32]) -> csr_matrix:
    from scipy.sparse import csr_matrix  # not needed for reading, and slow to import

    return csr_matrix(weights)


def _air_outside(
    by_row: NDArray[np.float32], by_column: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return the HU that air outside of the source adds to pixels; ``None`` if none is outside."""
    covered = np.outer(by_row.sum(axis=1), by_column.sum(axis=1))
    outside = np.asarray(1 - covered, np.float32)
    return np.float32(AIR_HU) * outside if np.abs(outside).max() > ROUNDING else None


def _apply(
    by_row: csr_matrix,
    pixels: NDArray[np.floating[Any] | np.integer[Any]],
    by_column: csr_matrix,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return ``by_row @ pixels @ by_column.T``, in ``out`` where it is given."""
    by_rows = by_row @ pixels.astype(np.float32, copy=False)
    turned = by_column @ _transposed(by_rows)
    resampled = np.empty((len(by_rows), len(turned)), np.float32) if out is None else out
    cv2.transpose(turned[:, : len(by_rows)], dst=resampled)
    return resampled


def _transposed(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the transpose of an image, with :data:`SPARE_COLUMNS` of zeros at the right.

    Rows whose length is a power of two fall on the same few lines of the processor's cache; spare
    columns spread them, which takes a third of the time.
    """
    rows, columns = image.shape
    transposed = np.empty((columns, rows + SPARE_COLUMNS), np.float32)
    transposed[:, rows:] = 0
    cv2.transpose(image, dst=transposed[:, :rows])
    return transposed


def _lesion(coverage: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which pixels are lesion, from the share of each pixel that is covered by lesion."""
    lesion = coverage >= COVERED
    if lesion.any() or not coverage.any():
        return lesion
    count = max(1, round(float(coverage.sum())))
    largest = np.argsort(coverage, axis=None, kind="stable")[-count:]
    lesion.flat[largest] = True
    return lesion
