"""Errors of an input, with a reason from a closed list, so that they can be counted and listed.

The reasons:

======================  ===========================================================================
``missing-file``        there is no such file or folder
``unreadable``          the system refuses to read it
``empty``               a folder or archive without files
``empty-file``          a file of 0 bytes, or of zeros
``not-dicom``           another kind of file
``not-nifti``           no NIfTI volume where one is expected
``bad-header``          an element that reading needs is missing, malformed or impossible
``truncated``           header or pixels are cut off or damaged
``too-large``           more pixels than any head CT has
``no-pixels``           no image in it
``unsupported-syntax``  no installed decoder knows how the pixels are encoded
``multi-frame``         enhanced CT, several slices in one file
``not-ct``              another modality, a report, an index
``localizer``           a scout image
``no-geometry``         no place in space: screenshots, dose pages
``not-axial``           sagittal, coronal or steeply oblique
``duplicate-file``      a byte-identical copy of a slice that is kept
``duplicate-position``  a slice at the place of another one, which is kept
``mixed-geometry``      slices of one series that do not fit together
``mixed-series``        slices of several patients, studies or passes over the head under one series
``single-slice``        a series of one slice, whose extent is unknown
``unsafe-archive``      an archive with members that leave it, links, or far too much data
``bad-archive``         a damaged or encrypted archive
``incomplete-series``   the rest of a series of which a slice is damaged or missing: a lesion may
                        lie there
``internal-error``      a mistake of this program, with a number to quote
``set-aside``           the program ended, or failed, at it several times (prediction)
``bad-spacing``         pixels or gaps of a size that no head CT has (prediction)
``incomplete-head``     too few slices, or too short a slab, to judge a head by, or a head that
                        leaves the image (prediction)
``no-head``             no skull with a brain's density in it (prediction)
``not-head``            the header names another part of the body (prediction)
``with-contrast``       the header tells of a contrast agent (prediction)
``no-dicom-result``     no valid DICOM result can refer to the series
``not-in-pacs``         the PACS holds no CT of the study (prediction)
``incomplete-answer``   the PACS did not send all of a series (prediction)
``pacs-failure``        the PACS did not answer, refused, or took too long (prediction)
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
import hashlib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ichnet.files import write_whole


class ReadError(Exception):
    """A file or series cannot be used.

    Its text holds no path, which may contain a patient's name; :attr:`with_path` does.

    Attributes:
        path: the file or directory, as the user named it.
        reason: a short code from a closed list that reports count by, e.g. ``truncated``.
        detail: one sentence for a person. Holds no patient identifiers.
        series_uid: see :class:`Exclusion`.
    """

    def __init__(self, path: Path | str, reason: str, detail: str, series_uid: str = "") -> None:
        super().__init__(printable(f"{detail} [{reason}]"))
        self.path = Path(path)
        self.reason = reason
        self.detail = detail
        self.series_uid = series_uid

    @property
    def with_path(self) -> str:
        """The error with the path as the user named it, for the user alone."""
        return printable(f"{self.path}: {self}")

    def __reduce__(self) -> tuple[type[ReadError], tuple[Path, str, str, str]]:
        """Pickle by its parts, so that the error crosses from a worker process."""
        return type(self), (self.path, self.reason, self.detail, self.series_uid)


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Turn any exception about a file or series into a :class:`ReadError`.

    One bad file must not end the run. An exception that is not a ``ReadError`` becomes one with the
    reason ``internal-error``, without its own message, which may quote a header.
    """
    try:
        yield
    except ReadError:
        raise
    except MemoryError as error:
        raise ReadError(path, "too-large", "it does not fit into memory") from error
    except Exception as error:
        raise ReadError(path, "internal-error", described(error)) from error


def described(error: BaseException) -> str:
    """Return a message for a mistake of this program that contains no data."""
    kind = type(error).__name__
    return f"number {error_number(error)} ({kind}); please report it with this number"


def error_number(error: BaseException) -> str:
    """Return 8 hex digits that stand for an exception's type and place, without any data.

    The same mistake has the same number on every file and every machine.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.name}:{frame.lineno}" for frame in frames]
    text = "\n".join([type(error).__name__, *places])
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def printable(text: str) -> str:
    """Return a text that can be written as UTF-8: other bytes of a file's name are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Exclusion:
    """A file, scan or table that was found and left out, and why.

    Attributes:
        path: the file, or the folder or table by which a whole scan is left out.
        reason, detail: as in :class:`ReadError`.
        files: the files of a scan that is left out whole; empty for a single file.
        series_uid: the series that a slice belongs to, where it is known.
        scan_identity: from which its scan's pseudonym is made, where it is known.
        file_uid: its SOP Instance UID, where it is known. These three identify: kept in memory
            only.
    """

    path: Path
    reason: str
    detail: str
    files: tuple[Path, ...] = field(default=(), compare=False)
    series_uid: str = field(default="", compare=False, repr=False)
    scan_identity: str = field(default="", compare=False, repr=False)
    file_uid: str = field(default="", compare=False, repr=False)

    @classmethod
    def from_error(cls, error: ReadError, files: Iterable[Path] = ()) -> Exclusion:
        """Return the exclusion that records ``error``, which keeps ``files`` from being used."""
        return cls(error.path, error.reason, error.detail, tuple(files), error.series_uid)

    def by_file(self) -> list[Exclusion]:
        """Return an exclusion for each file; the file at fault keeps the error's detail."""
        if not self.files:
            return [self]
        one_is_at_fault = self.path in self.files
        others = f"another file of its scan: {self.detail}"
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
            cells = (str(exclusion.path), exclusion.reason, exclusion.detail)
            writer.writerow([printable(cell) for cell in cells])
