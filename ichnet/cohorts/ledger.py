"""The ledger of a cohort's files: found = kept + not drawn + excluded, and nothing vanishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ichnet.cohorts.case import ScanEntry
from ichnet.cohorts.series import names_below, used_files
from ichnet.ct.errors import Exclusion
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.source import archive_of

TABLE_SUFFIX = ".csv"

NO_FAULT = ("other-series", "not-an-image")
"""Reasons that need no correction: ``--strict`` does not stop at them."""


@dataclass(frozen=True)
class FileCounts:
    """Files of a cohort, images and outlines; label tables are not counted.

    Attributes:
        found: all, ``kept + not_drawn + excluded``.
        kept: of scans in the record set.
        not_drawn: usable, but not selected.
        excluded: with a line each in ``excluded.csv``.
    """

    found: int
    kept: int
    not_drawn: int
    excluded: int

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def not_images(
    root: Path, entries: Iterable[ScanEntry], exclusions: Iterable[Exclusion]
) -> list[Exclusion]:
    """Exclude the files below a cohort's folder that neither a scan nor an exclusion names."""
    if root.is_file():
        root = root.parent
    known = {path for entry in entries for path in used_files(entry)}
    known |= {exclusion.path for exclusion in exclusions}
    known |= {archive for path in known if (archive := archive_of(path)) is not None}
    # by name: a path for each file of a large cohort would take longer than the search for it
    names = set(map(str, known))
    detail = "no image or outline of this cohort"
    return [
        Exclusion(Path(name), "not-an-image", detail)
        for name in names_below(root)
        if name not in names and not name.endswith(TABLE_SUFFIX)
    ]


def count_files(
    entries: Sequence[ScanEntry], wanted: dict[str, int | None], exclusions: Iterable[Exclusion]
) -> FileCounts:
    """Count a cohort's files.

    Args:
        entries: all scans found.
        wanted: by scan, how many of its slices are drawn; ``None`` for a whole scan.
        exclusions: one for each file, and of rows and folders, which are no files.
    """
    excluded = {exclusion.path for exclusion in exclusions if is_file(exclusion.path)}
    kept = not_drawn = 0
    for entry in entries:
        files = [path for path in used_files(entry) if path not in excluded]
        if entry.scan_key not in wanted:
            not_drawn += len(files)
            continue
        drawn = wanted[entry.scan_key]
        # an outline goes with its slice: as many of both
        kinds = 1 + bool(entry.extra)
        used = len(files) if drawn is None else min(len(files), kinds * drawn)
        kept += used
        not_drawn += len(files) - used
    return FileCounts(kept + not_drawn + len(excluded), kept, not_drawn, len(excluded))


def is_file(path: Path) -> bool:
    """Whether an exclusion's path is a file of the cohort, not a folder or a row of a table."""
    return path.suffix != TABLE_SUFFIX and (path.is_file() or archive_of(path) is not None)


def one_each(exclusions: Iterable[Exclusion]) -> list[Exclusion]:
    """Return an exclusion for each file, the first that names it, and all those of rows."""
    lines: list[Exclusion] = []
    seen: set[Path] = set()
    for exclusion in exclusions:
        for line in exclusion.by_file():
            if line.path.suffix == TABLE_SUFFIX or line.path not in seen:
                lines.append(line)
                seen.add(line.path)
    return lines


def unnamed(exclusions: Iterable[Exclusion], key: bytes) -> list[Exclusion]:
    """Return exclusions with keyed pseudonyms for paths, and without words that may hold names.

    Folders and files of a hospital are often called by the patient.
    """
    return [Exclusion(Path(pseudonym(key, "file", str(e.path))), e.reason, "") for e in exclusions]


def by_reason(exclusions: Iterable[Exclusion]) -> dict[str, int]:
    """Count exclusions."""
    return dict(sorted(Counter(exclusion.reason for exclusion in exclusions).items()))
