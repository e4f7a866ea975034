"""Orders the slices of one series to one stack through the head, or refuses the series.

A SeriesInstanceUID promises one patient, one study and one pass over the head, and files break that
promise: two patients after careless de-identification, a pass repeated for motion, two kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.passes import require_no_pairs, require_one_pass, slice_heights_mm
from ichnet.ct.slice_header import SliceHeader

SPACING_TOLERANCE_MM = 1e-3
"""Pixel spacings within a series may differ by rounding only."""

COSINE_TOLERANCE = 1e-3
"""The same for direction cosines (0.06 degrees)."""

SMALLEST_GAP_MM = 1e-2
"""Slices closer than this share a position."""

MOST_REPEATED = 0.25
"""Largest share of a series' positions that may be taken twice; with more, it is two passes."""

IDENTITIES: dict[str, Callable[[SliceHeader], str]] = {
    "patients": lambda header: header.patient_id,
    "studies": lambda header: header.study_uid,
    "frames of reference": lambda header: header.frame_of_reference_uid,
}
"""Identities that all slices of one scan must share."""


def stack_slices(headers: Sequence[SliceHeader]) -> tuple[list[SliceHeader], list[Exclusion]]:
    """Order the slices of one series along the normal, from feet to head.

    Several acquisitions, or kernels, that lie one above the other make one head (a thin base and a
    thick vertex). Where their slices are interleaved they are several passes over one region, and
    the series is refused. It is also refused when its slices are of several patients, studies or
    frames of reference, lie in pairs, or are numbered as several passes. Where a few positions are
    taken twice, the slice with the higher instance number is kept: it was made because the other
    one was spoilt. Without numbers it is the one with the higher SOP Instance UID, so that the
    order of the files does not matter.

    Args:
        headers: of the slices of one series, in any order.

    Returns:
        the slices from feet to head; and exclusions of those left out, ``duplicate-position``.

    Raises:
        ReadError: ``single-slice``; ``mixed-series``; ``mixed-geometry`` when slices differ in
            matrix, pixel spacing or orientation; ``duplicate-position`` when too many positions
            are taken twice; ``bad-header`` when slices share their SOP Instance UID.
    """
    first = headers[0]
    if len(headers) == 1:
        raise ReadError(
            first.path, "single-slice", "the only slice of its series: its extent is unknown"
        )
    _require_one_identity(headers)
    for header in headers:
        difference = _difference(first, header)
        if difference:
            raise ReadError(
                header.path, "mixed-geometry", f"another {difference} than the series' first file"
            )
    heights_mm = slice_heights_mm(headers)
    order = np.argsort(heights_mm, kind="stable")
    ordered = [headers[index] for index in order]
    require_one_pass(ordered)
    kept, repeated = _without_repeated(ordered, heights_mm[order])
    _require_distinct_instances(kept)
    require_no_pairs(kept)
    return kept, repeated


def _require_one_identity(headers: Sequence[SliceHeader]) -> None:
    first = headers[0]
    for name, identity in IDENTITIES.items():
        for header in headers:
            if identity(header) != identity(first):
                detail = f"slices of several {name} under one SeriesInstanceUID"
                raise ReadError(header.path, "mixed-series", detail)


def _difference(a: SliceHeader, b: SliceHeader) -> str:
    """Return what differs between two slices of one series; empty when they fit together."""
    if a.shape != b.shape:
        return "matrix"
    if _furthest(a.pixel_spacing_mm, b.pixel_spacing_mm) > SPACING_TOLERANCE_MM:
        return "pixel spacing"
    if _furthest(a.orientation, b.orientation) > COSINE_TOLERANCE:
        return "orientation"
    return ""


def _furthest(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _without_repeated(
    ordered: Sequence[SliceHeader], heights_mm: NDArray[np.float64]
) -> tuple[list[SliceHeader], list[Exclusion]]:
    """Keep one slice of each position."""
    kept = [ordered[0]]
    exclusions: list[Exclusion] = []
    for header, gap_mm in zip(ordered[1:], np.diff(heights_mm), strict=True):
        if gap_mm >= SMALLEST_GAP_MM:
            kept.append(header)
            continue
        one, other = sorted((kept[-1], header), key=_made_later)
        detail = "at the same position as a slice that is kept"
        exclusions.append(Exclusion(one.path, "duplicate-position", detail))
        kept[-1] = other
    too_many = len(exclusions) > max(1, MOST_REPEATED * len(kept))
    if exclusions and (too_many or len(kept) < 2 or any(one.frame is not None for one in ordered)):
        detail = f"{len(exclusions)} of {len(ordered)} slices share the position of another one"
        raise ReadError(exclusions[0].path, "duplicate-position", detail)
    return kept, exclusions


def _made_later(header: SliceHeader) -> tuple[int, str]:
    return (-1 if header.instance_number is None else header.instance_number), (
        header.sop_instance_uid
    )


def _require_distinct_instances(slices: Sequence[SliceHeader]) -> None:
    seen: set[str] = set()
    for header in slices:
        if header.sop_instance_uid in seen:
            detail = "another slice of the series has the same SOPInstanceUID"
            raise ReadError(header.path, "bad-header", detail)
        seen.add(header.sop_instance_uid)
