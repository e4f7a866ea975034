"""Checks that a scan is one that the models can judge: a plain CT of a whole head.

A model gives an output for any input. Scans unlike those it was trained on are therefore refused
beforehand, with a reason; other modalities, scouts and orientations are already refused by the
reader (:mod:`ichnet.ct.header`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pydicom

from ichnet.ct.blank_rows import require_written
from ichnet.ct.contrast_words import tells_of_contrast
from ichnet.ct.dicom_file import lenient_pydicom
from ichnet.ct.errors import ReadError
from ichnet.ct.head import Skull, caution_about_base, require_head
from ichnet.ct.slice_checks import text
from ichnet.ct.volume import Volume

PIXEL_SPACING_MM = (0.1, 2.5)
"""A head fills 512 pixels at 0.4 to 0.6 mm, and 128 pixels at 2 mm."""

LARGEST_SLICE_SPACING_MM = 15.0
"""Twice the thickest slices in use; a hemorrhage could lie unseen in a wider gap."""

FEWEST_SLICES = 5
LEAST_COVERAGE_MM = 50.0
"""A brain measures about 130 mm from base to vertex; a slab of less than half is no head scan."""

OTHER_PARTS = re.compile(
    r"abdom|chest|thora|pelvi|spine|heart|cardi|lung|liver|kidney|hip\b|knee|leg\b|foot|ankle|"
    r"shoulder|elbow|wrist|hand\b|arm\b|extrem|neck|breast|sinus"
)
HEAD_PARTS = re.compile(r"head|brain|skull|crani|cereb|neuro")

HEADER_WORDS = ["BodyPartExamined", "SeriesDescription", "ProtocolName", "ContrastBolusAgent"]


def require_suitable(volume: Volume, skull: Skull | None, files: Sequence[Path]) -> Volume:
    """Check that a scan is a plain CT of a whole head, as far as geometry and header tell.

    Args:
        volume: the scan.
        skull: that was found in it when it was read.
        files: its files. The words of all of them on body part and contrast agent are read, as a
            scan may be put together of two acquisitions. Many files say nothing, which is no reason
            to refuse.

    Returns:
        the scan, with cautions for who reads its result.

    Raises:
        ReadError: ``bad-spacing``, ``incomplete-head``, ``not-head``, ``with-contrast``,
            ``truncated`` or ``no-head``.
    """
    path = files[0]
    _require_geometry(volume, path)
    for part, *texts, agent in _header_texts(files):
        if OTHER_PARTS.search(part.lower()) and not HEAD_PARTS.search(part.lower()):
            raise ReadError(path, "not-head", "BodyPartExamined names another part of the body")
        if tells_of_contrast(texts, agent):
            raise ReadError(path, "with-contrast", "the header tells of a contrast agent")
    require_written(volume, skull, path)
    of_base = caution_about_base(volume, require_head(volume, skull, path))
    cautions = [*volume.cautions, of_base]
    return replace(volume, cautions=tuple(filter(None, cautions)))


def has_burned_in_annotation(files: Iterable[Path]) -> bool:
    """Return whether a header says that the pixels show text, which may name the patient."""
    with lenient_pydicom():
        for path in files:
            tags = ["BurnedInAnnotation"]
            dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
            if str(dataset.get("BurnedInAnnotation") or "").strip().upper() not in ("", "NO"):
                return True
    return False


def _require_geometry(volume: Volume, path: Path) -> None:
    low_mm, high_mm = PIXEL_SPACING_MM
    if not all(low_mm <= spacing_mm <= high_mm for spacing_mm in volume.pixel_spacing_mm):
        row_mm, column_mm = volume.pixel_spacing_mm
        raise ReadError(path, "bad-spacing", f"pixels of {row_mm:g} x {column_mm:g} mm")
    largest_mm = float(volume.slice_spacing_mm.max())
    if largest_mm > LARGEST_SLICE_SPACING_MM:
        raise ReadError(path, "bad-spacing", f"a slice stands for {largest_mm:.1f} mm")
    slices, coverage_mm = len(volume.hu), float(volume.slice_spacing_mm.sum())
    if slices < FEWEST_SLICES or coverage_mm < LEAST_COVERAGE_MM:
        raise ReadError(path, "incomplete-head", f"{slices} slices that cover {coverage_mm:.0f} mm")


def _header_texts(files: Iterable[Path]) -> set[tuple[str, ...]]:
    """Return the values of :data:`HEADER_WORDS` in the files, each combination once."""
    with lenient_pydicom():
        headers = [
            pydicom.dcmread(path, stop_before_pixels=True, specific_tags=HEADER_WORDS)
            for path in files
        ]
        return {tuple(text(one, keyword) for keyword in HEADER_WORDS) for one in headers}
