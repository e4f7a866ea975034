"""What went wrong with an input, in a form that can be counted and listed.

Reasons that reading gives:

======================  ===========================================================================
``missing-file``        there is no such file or folder
``unreadable``          the system refuses to read it
``empty``               a folder or archive without files
``not-dicom``           another kind of file
``not-nifti``           no NIfTI volume where one is expected
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
``incomplete-series``   the rest of a series of which a slice is damaged: a lesion may lie there
``bad-spacing``         pixels or gaps of a size that no head CT has (prediction)
``incomplete-head``     too few slices, or too short a slab, to judge a head by (prediction)
``not-head``            the header names another part of the body (prediction)
``with-contrast``       the header tells of a contrast agent (prediction)
``no-dicom-result``     no valid DICOM result can refer to the series
``bad-annotation``      labels or outlines that cannot be used (cohorts)
``missing-annotation``  a scan with slices that nobody annotated (cohorts)
``unlabelled``          no label for it (cohorts)
``duplicate-scan``      a scan that was listed before (cohorts)
``other-series``        a series of a study of which another was taken (cohorts)
``no-plain-series``     a study without a head without contrast agent (cohorts)
``not-an-image``        lies among a cohort's files and is none of its images (cohorts)
======================  ===========================================================================
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ichnet.files import write_whole


class ReadError(Exception):
    """A file or series cannot be used.

    Attributes:
        path: the file or directory, as the user named it.
        reason: a short code from a closed list that reports count by, e.g. ``truncated``.
        detail: one sentence for a person. Holds no patient identifiers.
        series_uid: see :class:`Exclusion`.
    """

    def __init__(self, path: Path | str, reason: str, detail: str, series_uid: str = "") -> None:
        super().__init__(f"{path}: {detail} [{reason}]")
        self.path = Path(path)
        self.reason = reason
        self.detail = detail
        self.series_uid = series_uid

    def __reduce__(self) -> tuple[type[ReadError], tuple[Path, str, str, str]]:
        """Pickle by its parts, so that the error crosses from a worker process."""
        return type(self), (self.path, self.reason, self.detail, self.series_uid)


@dataclass(frozen=True)
class Exclusion:
    """What was found and left out, and why.

    Attributes:
        path: the file, or the folder or table by which a whole scan is left out.
        reason, detail: as in :class:`ReadError`.
        files: the files of a scan that is left out whole; empty for a single file.
        series_uid: the series a damaged slice belongs to, where it can still be told. Identifying:
            kept in memory only.
    """

    path: Path
    reason: str
    detail: str
    files: tuple[Path, ...] = field(default=(), compare=False)
    series_uid: str = field(default="", compare=False, repr=False)

    @classmethod
    def from_error(cls, error: ReadError, files: Iterable[Path] = ()) -> Exclusion:
        """Return the exclusion that records ``error``, which keeps ``files`` from being used."""
        return cls(error.path, error.reason, error.detail, tuple(files), error.series_uid)

    def by_file(self) -> list[Exclusion]:
        """Return an exclusion for each file; the one at fault bears its own words."""
        if not self.files:
            return [self]
        one_is_at_fault = self.path in self.files
        others = f"of the same scan as {self.path.name}: {self.detail}"
        return [
            Exclusion(
                path,
                self.reason,
                others if one_is_at_fault and path != self.path else self.detail,
            )
            for path in self.files
        ]


def write_exclusions(exclusions: Iterable[Exclusion], csv_path: Path) -> None:
    """Write ``excluded.csv`` (columns ``file,reason,detail``), with a header even when empty."""
    with write_whole(csv_path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file", "reason", "detail"])
        for exclusion in exclusions:
            writer.writerow([str(exclusion.path), exclusion.reason, exclusion.detail])
