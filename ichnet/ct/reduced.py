"""JPEG 2000 decoded at a lower resolution, where the networks' grid is the coarser one.

A JPEG 2000 image holds itself in half the resolution: what is finer need not be decoded, which is
most of the work. It is no average of pixels, but the image filtered and sampled at every second
pixel, the first one included. So HU differ from those of
decoding whole and averaging (``docs/data/index.md`` says how far), and it is done on demand only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ichnet.ct.orientation import Turn
from ichnet.ct.slice_header import SliceHeader

LEVELS = 1
"""Once halved, HU of the brain differ by a tenth of their standard deviation at most; twice halved,
by twice as much."""

WRAPPED_INTERCEPT = -100
"""Above it 12 unsigned bits may have wrapped (:mod:`ichnet.ct.pixels`), and a filtered wrap is
neither of its sides."""


def reduced_headers(slices: Sequence[SliceHeader], target_mm: float) -> list[SliceHeader] | None:
    """Return the headers of a series as it is at half its resolution.

    Args:
        slices: of one series.
        target_mm: size of the pixels that it will be resampled to.

    Returns:
        headers with other ``shape``, ``pixel_spacing_mm`` and ``reduction``; ``None`` where not all
        slices are JPEG 2000, or pixels would become larger than ``target_mm``.
    """
    largest_mm = max(max(header.pixel_spacing_mm) for header in slices)
    if largest_mm * 2**LEVELS > target_mm or not all(map(_can_be_reduced, slices)):
        return None
    return [_reduced(header, LEVELS) for header in slices]


def middle_of_whole_mm(header: SliceHeader, turn: Turn) -> tuple[float, float]:
    """Return where the middle of the whole image lies from that of the reduced one.

    Args:
        header: of a slice.
        turn: of its series.

    Returns:
        mm down and to the right, after the turn.
    """
    step = 2**header.reduction
    down_mm, right_mm = (
        ((size - 1) / step - (reduced - 1)) / 2 * spacing_mm
        for size, reduced, spacing_mm in zip(
            header.whole_shape or header.shape, header.shape, header.pixel_spacing_mm, strict=True
        )
    )
    if turn.transposed:
        down_mm, right_mm = right_mm, down_mm
    return (
        -down_mm if turn.rows_mirrored else down_mm,
        -right_mm if turn.columns_mirrored else right_mm,
    )


def _can_be_reduced(header: SliceHeader) -> bool:
    may_have_wrapped = header.stored == (12, False) and header.rescale[1] > WRAPPED_INTERCEPT
    return header.is_jpeg2000 and header.fragments_offset is not None and not may_have_wrapped


def _reduced(header: SliceHeader, levels: int) -> SliceHeader:
    step = 2**levels
    rows, columns = header.shape
    row_mm, column_mm = header.pixel_spacing_mm
    return replace(
        header,
        shape=(-(-rows // step), -(-columns // step)),
        pixel_spacing_mm=(row_mm * step, column_mm * step),
        reduction=levels,
        whole_shape=header.shape,
    )
