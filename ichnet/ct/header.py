"""The headers of a DICOM file's slices: one, or each frame of an enhanced CT.

Nothing here decodes pixels, so that searching a folder takes no longer than reading headers.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset

from ichnet.ct.dicom_file import PARSE_ERRORS, lenient_pydicom, not_as_standard, read_dataset
from ichnet.ct.errors import ReadError
from ichnet.ct.quick_header import QUICK_BYTES, QuickHeader, read_quickly, wanted_elements
from ichnet.ct.slice_checks import require_ct, require_grey_image, slice_header
from ichnet.ct.slice_header import KEYWORDS, Elements, SliceHeader
from ichnet.ct.source import open_source

WANTED = wanted_elements(KEYWORDS)
FRAME_KEYWORDS = ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]

MAX_FRAMES = 20_000
"""An enhanced CT with more frames is refused as a mistake of its header."""


def read_header(path: Path) -> SliceHeader:
    """Read the header of a file of one slice and check that it can be part of a head CT.

    Raises:
        ReadError: the reasons of :func:`read_frames`, and ``multi-frame`` for a file of several.
    """
    frames = read_frames(path)
    if len(frames) > 1:
        raise ReadError(path, "multi-frame", f"{len(frames)} frames where one slice is expected")
    return frames[0]


def read_frames(path: Path) -> list[SliceHeader]:
    """Read the header of one file: one slice, or each frame of an enhanced multi-frame CT.

    Args:
        path: a file, or a member of a zip archive (:mod:`ichnet.ct.source`).

    Raises:
        ReadError: ``missing-file``, ``unreadable``, ``not-dicom``, ``truncated``, ``not-ct``,
            ``localizer``, ``no-pixels``, ``multi-frame``, ``no-geometry``, ``not-axial``,
            ``too-large``, ``bad-header``, ``empty-file``, ``bad-archive`` or ``unsafe-archive``.
    """
    quick = _read_quick(path)
    if quick is not None:
        plain = (quick.transfer_syntax, quick.pixel_bytes, quick.pixel_offset)
        return [_checked(path, quick.values, *plain)]
    with lenient_pydicom():
        dataset, stored_bytes = read_dataset(path, KEYWORDS)
        if _frames(path, dataset) > 1:
            dataset, stored_bytes = read_dataset(path, [*KEYWORDS, *FRAME_KEYWORDS])
            return _enhanced(path, dataset, stored_bytes)
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        return [_checked(path, dataset, syntax, stored_bytes, None)]


def _checked(
    path: Path, elements: Elements, syntax: str | None, stored_bytes: int | None, offset: int | None
) -> SliceHeader:
    try:
        require_ct(path, elements)
        require_grey_image(path, elements, stored_bytes)
        return slice_header(path, elements, syntax, stored_bytes, offset)
    except PARSE_ERRORS as error:
        raise ReadError(
            path, "bad-header", not_as_standard(error), _series_uid(elements)
        ) from error
    except ReadError as error:
        error.series_uid = _series_uid(elements)
        raise


def _series_uid(elements: Elements) -> str:
    """Return the series UID of a file that cannot be used; empty when it has none."""
    with suppress(*PARSE_ERRORS):
        return str(elements.get("SeriesInstanceUID") or "").strip()
    return ""


def _read_quick(path: Path) -> QuickHeader | None:
    """Return the header of a plain file of one frame."""
    try:
        with open_source(path) as file:
            start = file.read(QUICK_BYTES)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError as error:
        raise ReadError(path, "missing-file", "there is no such file") from error
    except OSError as error:
        raise ReadError(path, "unreadable", error.strerror or type(error).__name__) from error
    quick = read_quickly(start, size, WANTED)
    return None if quick is None or quick.get("NumberOfFrames") not in (None, "1") else quick


def _frames(path: Path, dataset: FileDataset) -> int:
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except PARSE_ERRORS as error:
        raise ReadError(path, "bad-header", not_as_standard(error)) from error
    if frames > MAX_FRAMES:
        raise ReadError(path, "bad-header", f"NumberOfFrames {frames:,}")
    return frames


def _enhanced(path: Path, dataset: FileDataset, stored_bytes: int | None) -> list[SliceHeader]:
    """Return the frames of an enhanced CT, each with the geometry of its functional groups."""
    try:
        return _frame_headers(path, dataset, stored_bytes)
    except PARSE_ERRORS as error:
        uid = _series_uid(dataset)
        raise ReadError(path, "bad-header", not_as_standard(error), uid) from error
    except ReadError as error:
        error.series_uid = _series_uid(dataset)
        raise


def _frame_headers(path: Path, dataset: FileDataset, stored_bytes: int | None) -> list[SliceHeader]:
    require_ct(path, dataset)
    require_grey_image(path, dataset, stored_bytes)
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = int(dataset.get("NumberOfFrames"))
    if len(groups) != frames:
        detail = f"{len(groups)} of {frames} frames say where they lie"
        raise ReadError(path, "multi-frame", detail)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    slices = []
    for index, group in enumerate(groups):
        elements = _FrameElements(dataset, shared, group)
        header = slice_header(path, elements, syntax, stored_bytes, None, frames)
        uid = f"{header.sop_instance_uid}#{index + 1}"
        slices.append(replace(header, frame=index, sop_instance_uid=uid))
    return slices


class _FrameElements:
    """The elements of one frame: from its own functional groups, the shared ones, or the file."""

    def __init__(self, dataset: Dataset, shared: Dataset, own: Dataset) -> None:
        self._places = [own, shared]
        self._dataset = dataset

    def get(self, keyword: str) -> Any:
        for place in self._places:
            for element in place:
                if element.VR == "SQ" and element.value and keyword in element.value[0]:
                    return element.value[0].get(keyword)
        return self._dataset.get(keyword)
