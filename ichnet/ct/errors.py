"""What went wrong with an input, in a form that can be counted and listed.

Reasons that reading gives:

======================  ===========================================================================
``missing-file``        there is no such file or folder
``unreadable``          the system refuses to read it
``empty``               a folder or archive without files
``not-dicom``           another kind of file
``bad-header``          an element that reading needs is missing, malformed or impossible
``truncated``           header or pixels are cut off or damaged
``no-pixels``           no image in it
``unsupported-syntax``  no installed decoder knows how the pixels are encoded
``multi-frame``         enhanced CT, several slices in one file
``not-ct``              another modality, a report, an index
``localizer``           a scout image
``no-geometry``         no place in space: screenshots, dose pages
``not-axial``           sagittal, coronal or steeply oblique
``duplicate-file``      a byte-identical copy of a slice that is kept
``duplicate-position``  two different slices at one place
``mixed-geometry``      slices of one series that do not fit together
``mixed-series``        files of several series where one was asked for
``single-slice``        a series of one slice, whose extent is unknown
``unsafe-archive``      an archive with members that leave it, links, or far too much data
``bad-archive``         a damaged or encrypted archive
``bad-annotation``      labels or outlines that cannot be used (cohorts)
======================  ===========================================================================
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ichnet.files import write_whole


class ReadError(Exception):
    """A file or series cannot be used.

    Attributes:
        path: the file or directory, as the user named it.
        reason: a short code from a closed list that reports count by, e.g. ``truncated``.
        detail: one sentence for a person. Holds no patient identifiers.
    """

    def __init__(self, path: Path | str, reason: str, detail: str) -> None:
        super().__init__(f"{path}: {detail} [{reason}]")
        self.path = Path(path)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ReadError], tuple[Path, str, str]]:
        """Pickle by the three parts, so that the error crosses from a worker process."""
        return type(self), (self.path, self.reason, self.detail)


@dataclass(frozen=True)
class Exclusion:
    """One line of ``excluded.csv``: a file that was found and left out, and why."""

    path: Path
    reason: str
    detail: str

    @classmethod
    def from_error(cls, error: ReadError) -> Exclusion:
        """Return the exclusion that records ``error``."""
        return cls(error.path, error.reason, error.detail)


def exclude_all(error: ReadError, files: Iterable[Path]) -> list[Exclusion]:
    """Return an exclusion for each file of a scan that ``error`` keeps from being used.

    The file at fault bears the error's own words, the others point to it.
    """
    return [
        Exclusion(
            path,
            error.reason,
            error.detail if path == error.path else _because_of(error),
        )
        for path in files
    ]


def _because_of(error: ReadError) -> str:
    return f"of the same scan as {error.path.name}: {error.detail}"


def write_exclusions(exclusions: Iterable[Exclusion], csv_path: Path) -> None:
    """Write ``excluded.csv`` (columns ``file,reason,detail``), with a header even when empty."""
    with write_whole(csv_path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file", "reason", "detail"])
        for exclusion in exclusions:
            writer.writerow([str(exclusion.path), exclusion.reason, exclusion.detail])
