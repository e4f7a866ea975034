"""``excluded.csv``: what was left out and why, without a path, a name or a header's words.

A path may hold a patient's name (``inbox/DOE^JOHN_19500101/CT1.dcm``), and so may a reader's
message about a file. So a file is named by the pseudonym of the input that it came with and its
number there, and each reason has a fixed text. Only the file of ``--link`` holds paths and the
readers' messages.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ichnet.ct.errors import Exclusion, printable
from ichnet.ct.pseudonym import pseudonym
from ichnet.files import write_whole

COLUMNS = ("file", "scan_id", "reason", "detail")

LINK_COLUMNS = ("scan_id", "series_instance_uid", "file", "path", "detail")

MEANING = {
    "missing-file": "there is no such file or folder",
    "unreadable": "the system refuses to read it",
    "empty": "a folder or archive without files",
    "empty-file": "a file of 0 bytes, or of zeros",
    "not-dicom": "another kind of file",
    "bad-header": "an element that reading needs is missing, malformed or impossible",
    "truncated": "header or pixels are cut off or damaged",
    "too-large": "more pixels or bytes than any head CT has",
    "no-pixels": "no image in it",
    "unsupported-syntax": "no installed decoder knows how the pixels are encoded",
    "multi-frame": "enhanced CT that cannot be used or referred to",
    "not-ct": "another modality, a report or an index",
    "localizer": "a scout image",
    "no-geometry": "no place in space, as screenshots and dose pages",
    "not-axial": "sagittal, coronal or steeply oblique",
    "duplicate-file": "a byte-identical copy of a slice that is kept",
    "duplicate-position": "at the place of another slice",
    "mixed-geometry": "slices of the series do not fit together",
    "mixed-series": "slices of several patients, studies or passes over the head under one series",
    "single-slice": "the only slice of its series: its extent is unknown",
    "unsafe-archive": "members that leave the archive, links, or far too much data",
    "bad-archive": "a damaged or encrypted archive, or member",
    "incomplete-series": (
        "a slice of the series is damaged or missing, or came in an earlier call and is not among "
        "these; a hemorrhage may lie there"
    ),
    "bad-spacing": "pixels or gaps of a size that no head CT has",
    "incomplete-head": "too little of a head, or a head that leaves the image",
    "no-head": "no skull with a brain's density in it",
    "not-head": "the header names another part of the body",
    "with-contrast": "the header tells of a contrast agent",
    "no-dicom-result": "predicted, but no DICOM result can refer to the series",
    "not-in-pacs": "the PACS holds no CT of the study",
}
"""The fixed text for each reason."""

OWN_WORDS = ("internal-error", "set-aside", "incomplete-answer", "pacs-failure")
"""Reasons whose details are texts of this program and hold nothing of a file."""


@dataclass(frozen=True)
class Excluded:
    """A row of the table.

    Attributes:
        file: pseudonym of the input, and number of the file in it.
        scan_id: pseudonym of the scan that it is a slice of, empty when unknown.
        reason: from :mod:`ichnet.ct.errors`.
        detail: one sentence that identifies nobody.
        path, words: the file and its reader's message. Identifying: for the link only.
    """

    file: str
    scan_id: str
    reason: str
    detail: str
    path: Path
    words: str


class FileNames:
    """Gives files names that do not identify: the input's pseudonym, and a number by path order.

    Args:
        inputs: the paths that the user named.
        paths: all files found there.
        key: for the pseudonyms.
    """

    def __init__(self, inputs: Sequence[Path], paths: Iterable[Path], key: bytes) -> None:
        self._inputs, self._key = frozenset(inputs), key
        members: dict[Path, set[Path]] = {path: set() for path in inputs}
        for path in paths:
            members.setdefault(self._input_of(path), set()).add(path)
        self._numbers = {
            (top, path): number
            for top, found in members.items()
            for number, path in enumerate(sorted(found - {top}), start=1)
        }

    def name(self, path: Path) -> str:
        """Return ``<pseudonym>`` of an input, ``<pseudonym>/<number>`` of a file in one."""
        top = self._input_of(path)
        name = pseudonym(self._key, "input", printable(str(top)))
        number = self._numbers.get((top, path))
        return name if number is None else f"{name}/{number}"

    def _input_of(self, path: Path) -> Path:
        return next((one for one in (path, *path.parents) if one in self._inputs), path)


def excluded_rows(exclusions: Iterable[Exclusion], names: FileNames, key: bytes) -> list[Excluded]:
    """Return a row for each exclusion."""
    return [
        Excluded(
            file=names.name(one.path),
            scan_id=pseudonym(key, "scan", one.scan_identity) if one.scan_identity else "",
            reason=one.reason,
            detail=plain_detail(one),
            path=one.path,
            words=one.detail,
        )
        for one in exclusions
    ]


def plain_detail(exclusion: Exclusion) -> str:
    """Return a sentence about an exclusion that identifies nobody."""
    if exclusion.reason in OWN_WORDS:
        return exclusion.detail
    return MEANING.get(exclusion.reason, "")


def write_excluded(rows: Iterable[Excluded], path: Path) -> None:
    """Write ``excluded.csv``, whole, with a header even when empty."""
    with write_whole(path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        writer.writerows((row.file, row.scan_id, row.reason, row.detail) for row in rows)


class Link(NamedTuple):
    """A scan's pseudonym with its SeriesInstanceUID. Identifying."""

    scan_id: str
    series_uid: str


def write_link(links: Iterable[Link], excluded: Iterable[Excluded], path: Path) -> None:
    """Write the scans and files behind the pseudonyms; only its owner can read the table.

    Args:
        links: the scans.
        excluded: the files that were left out, with their paths and their readers' messages.
        path: of the table.
    """
    with write_whole(path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(LINK_COLUMNS)
        writer.writerows((link.scan_id, link.series_uid, "", "", "") for link in links)
        for row in excluded:
            words = printable(row.words)
            writer.writerow((row.scan_id, "", row.file, printable(str(row.path)), words))
