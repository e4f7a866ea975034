"""Where a record set's scans come from: files of a cohort, or a function that makes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ichnet.cohorts.case import Case, ScanEntry
from ichnet.cohorts.readers import READERS
from ichnet.cohorts.thin import average_slices
from ichnet.ct.errors import ReadError
from ichnet.ct.reduced import reduced_headers
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.source import archive_of


class ScanSource(Protocol):
    """Loads scans from their descriptions.

    It is pickled for worker processes. Its ``repr`` must name every setting that changes what
    ``load`` returns: it is part of the fingerprint of a record set.
    """

    def load(self, entry: Any) -> Case:
        """Return a scan with its pixels.

        Raises:
            ReadError: when it cannot be used; it is then left out and listed.
        """

    def slices(self, entry: Any) -> int:
        """Return the approximate number of slices of the scan, without loading it."""

    def state(self, entry: Any) -> str:
        """Return a text that, with the source's ``repr``, determines the result of ``load``."""

    def files(self, entry: Any) -> tuple[Path, ...]:
        """Return the files to list when it cannot be used."""


@dataclass(frozen=True)
class CohortScans:
    """Scans of a cohort, described by the entries of its listing.

    Attributes:
        cohort: the cohort, whose reader loads the scans.
        key: secret key of the pseudonyms.
        average_mm: thin slices are averaged to about this thickness; ``None`` for none.
        reduced_to_mm: JPEG 2000 of scans without outlines is decoded at half its resolution where
            pixels are then no larger (:mod:`ichnet.ct.reduced`); ``None``: all is decoded.
    """

    cohort: str
    key: bytes
    average_mm: float | None = None
    reduced_to_mm: float | None = None

    def load(self, entry: ScanEntry) -> Case:
        """Read a scan from its files."""
        case = self._reduced(entry) or READERS[self.cohort].load(entry, self.key)
        return case if self.average_mm is None else average_slices(case, self.average_mm)

    def _reduced(self, entry: ScanEntry) -> Case | None:
        """Read a scan at a lower resolution; ``None`` where that cannot be, or is not wanted."""
        if self.reduced_to_mm is None or entry.headers is None or entry.extra:
            return None
        slices = reduced_headers(entry.headers.slices(), self.reduced_to_mm)
        if slices is None:
            return None
        with suppress(ReadError):  # reading it whole will tell what is wrong
            reduced = replace(entry, headers=SeriesHeaders.of(slices))
            return READERS[self.cohort].load(reduced, self.key)
        return None

    def slices(self, entry: ScanEntry) -> int:
        """Return the number of files or, where one file holds a scan, of labelled slices."""
        return max(len(entry.files), len(entry.slice_labels))

    def state(self, entry: ScanEntry) -> str:
        """Return patient and labels, and each file's name, size and time of change."""
        known = [
            repr((entry.scan_key, entry.patient_key, entry.age_years, entry.sex)),
            repr((entry.scan_labels, entry.votes)),
            repr(sorted(entry.slice_labels.items())),
        ]
        for path in (*entry.files, *entry.extra.values()):
            stat = (archive_of(path) or path).stat()
            known.append(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}")
        return "\0".join(known)

    def files(self, entry: ScanEntry) -> tuple[Path, ...]:
        """Return the scan's files."""
        return entry.files


@dataclass(frozen=True)
class MadeScans:
    """Scans that a function generates, without files.

    Attributes:
        make: from a scan's description to the scan. Several workers need something that can be
            pickled: a function of a module, or an instance of a class. Everything that its result
            depends on must be in its ``repr`` and in that of its argument.
        most_slices: largest number of slices of a scan.
    """

    make: Callable[[Any], Case]
    most_slices: int

    def load(self, entry: Any) -> Case:
        """Make a scan."""
        return self.make(entry)

    def slices(self, entry: Any) -> int:
        """Return the largest number of slices."""
        return self.most_slices

    def state(self, entry: Any) -> str:
        """Return what describes the scan."""
        return repr(entry)

    def files(self, entry: Any) -> tuple[Path, ...]:
        """Return none."""
        return ()
