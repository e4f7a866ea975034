"""Resampling inside a graph, as matrix products, which every runtime supports."""

from __future__ import annotations

import tensorflow as tf

from ichnet.ct.volume import AIR_HU


def resize_by_area(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resize [batch, any, any] to [batch, height, width] by area: each pixel is a mean of old ones.

    At equal size nothing is changed.
    """
    rows = _area_weights(height, tf.shape(images)[1])
    columns = _area_weights(width, tf.shape(images)[2])
    return tf.einsum("hr,brc,wc->bhw", rows, images, columns)


def to_matrix(
    hu: tf.Tensor, pixel_spacing_mm: tf.Tensor, matrix: int, field_of_view_mm: float
) -> tf.Tensor:
    """Resample slices to the networks' grid, as :func:`ichnet.ct.resample.to_matrix` does.

    Args:
        hu: float32 [slices, rows, columns].
        pixel_spacing_mm: float32 [2], between rows and between columns.
        matrix: rows and columns of the result.
        field_of_view_mm: side of the square it covers; outside the image is air.

    Returns:
        float32 [slices, matrix, matrix].
    """
    size, matrix_mm = tf.shape(hu), field_of_view_mm / matrix
    by_row = axis_weights(size[1], pixel_spacing_mm[0], matrix, matrix_mm)
    by_column = axis_weights(size[2], pixel_spacing_mm[1], matrix, matrix_mm)
    # HU relative to air, so that zero weights outside the image give air
    return tf.einsum("hr,brc,wc->bhw", by_row, hu - AIR_HU, by_column) + AIR_HU


def from_matrix(
    maps: tf.Tensor, pixel_spacing_mm: tf.Tensor, size: tf.Tensor, field_of_view_mm: float
) -> tf.Tensor:
    """Resample maps to a scan's own grid, as :func:`ichnet.ct.resample.from_matrix` does.

    Args:
        maps: float32 [slices, matrix, matrix].
        pixel_spacing_mm: float32 [2], of the scan.
        size: int32 [2], rows and columns of the scan.
        field_of_view_mm: side of the square that ``maps`` cover; outside of it is 0.

    Returns:
        float32 [slices, rows, columns].
    """
    matrix = maps.shape[-1]
    matrix_mm = field_of_view_mm / matrix
    by_row = axis_weights(matrix, matrix_mm, size[0], pixel_spacing_mm[0])
    by_column = axis_weights(matrix, matrix_mm, size[1], pixel_spacing_mm[1])
    return tf.einsum("hr,brc,wc->bhw", by_row, maps, by_column)


def axis_weights(
    source_size: tf.Tensor | int,
    source_mm: tf.Tensor | float,
    target_size: tf.Tensor | int,
    target_mm: tf.Tensor | float,
) -> tf.Tensor:
    """Return float32 [target_size, source_size], as :func:`ichnet.ct.resample.axis_weights`."""
    source = tf.cast(tf.range(source_size), tf.float32)
    target = tf.cast(tf.range(target_size), tf.float32)
    source_half = tf.cast(source_size, tf.float32) / 2
    target_half = tf.cast(target_size, tf.float32) / 2
    source_mm, target_mm = tf.cast(source_mm, tf.float32), tf.cast(target_mm, tf.float32)

    # area: the share of each target pixel that a source pixel covers
    low = tf.maximum(
        (target[:, None] - target_half) * target_mm, (source - source_half) * source_mm
    )
    high = tf.minimum(
        (target[:, None] + 1 - target_half) * target_mm, (source + 1 - source_half) * source_mm
    )
    area = tf.maximum(high - low, 0.0) / target_mm

    # linear interpolation; the outer half of an edge pixel continues its value to the edge
    centres = (target + 0.5 - target_half) * target_mm
    position = tf.clip_by_value(centres / source_mm + source_half - 0.5, 0.0, 2 * source_half - 1)
    linear = tf.maximum(1 - tf.abs(position[:, None] - source), 0.0)
    linear *= tf.cast(tf.abs(centres) <= source_half * source_mm, tf.float32)[:, None]
    return tf.where(target_mm >= source_mm, area, linear)


def _area_weights(new: int, old: tf.Tensor) -> tf.Tensor:
    """Return float32 [new, old]: the share of each new pixel over each old one."""
    edges = tf.cast(tf.range(new + 1) * old, tf.float32) / float(new)
    pixels = tf.cast(tf.range(old), tf.float32)
    overlap = tf.minimum(edges[1:, None], pixels + 1) - tf.maximum(edges[:-1, None], pixels)
    overlap = tf.maximum(overlap, 0.0)
    return overlap / tf.reduce_sum(overlap, axis=1, keepdims=True)
