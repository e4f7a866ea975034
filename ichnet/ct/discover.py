"""Find the head CT series in whatever a user points at: folders, files, zip archives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ichnet.ct.archive import extract
from ichnet.ct.dicom import group_series, read_headers, sort_slices
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.ct.slice_header import SliceHeader

DAMAGED = ("truncated", "bad-header", "no-pixels")
"""Reasons that take a slice out of a scan; a scout or a dose page is no slice of it."""


@dataclass(frozen=True)
class Series:
    """One series whose headers fit together, ready for :func:`~ichnet.ct.dicom.read_series`.

    Attributes:
        files: its files, from feet to head.
        names: the same as the user knows them; for a member of an archive, the archive's path
            with the member's.
        series_uid: its SeriesInstanceUID. Identifying: kept in memory only.
    """

    files: tuple[Path, ...]
    names: tuple[Path, ...]
    series_uid: str = field(default="", repr=False)

    def exclusions(self, error: ReadError) -> list[Exclusion]:
        """Return an exclusion for each slice, when ``error`` keeps the series from being read.

        The slice at fault bears the error's own words, the others point to it.
        """
        return _exclude_all(error, dict(zip(self.files, self.names, strict=True)))


def discover(inputs: Sequence[Path], scratch: Path) -> tuple[list[Series], list[Exclusion]]:
    """Find series. Every file found is a slice of one of them or is excluded, with a reason.

    Folders are searched through all levels, and archives in them are opened. A file that is
    reached twice counts once. A folder, or an archive, without any file is excluded itself as
    ``empty``. A series of which a slice is damaged is excluded whole (``incomplete-series``): the
    hemorrhage may lie in that slice. A damaged file that does not tell its series counts against
    every series in its folder.

    Args:
        inputs: folders, DICOM files or zip archives, mixed at will.
        scratch: where archives are unpacked; must outlive the reading of the series. Its
            contents are identifying: use a temporary directory.

    Returns:
        the series in the order of their first files, and the exclusions.
    """
    found = _Found()
    for path in inputs:
        _collect(path, scratch, found)
    headers, unreadable = read_headers(found.names)
    exclusions = found.exclusions + [
        Exclusion(found.names[e.path], e.reason, e.detail) for e in unreadable
    ]
    damaged = [replace(e, path=found.names[e.path]) for e in unreadable if e.reason in DAMAGED]
    series: list[Series] = []
    for slices in group_series(headers).values():
        names = {header.path: found.names[header.path] for header in slices}
        try:
            _require_complete(slices, names, damaged)
            series.append(_series(slices, names))
        except ReadError as error:
            exclusions += _exclude_all(error, names)
    return series, exclusions


def _require_complete(
    slices: list[SliceHeader], names: Mapping[Path, Path], damaged: Sequence[Exclusion]
) -> None:
    # a member of an archive has a folder of its own on disk: its name tells where it lies
    folders = {name.parent for name in names.values()}
    for one in damaged:
        if one.series_uid == slices[0].series_uid or (
            not one.series_uid and one.path.parent in folders
        ):
            raise ReadError(
                slices[0].path,
                "incomplete-series",
                f"a slice of it is damaged ({one.path.name}), and a hemorrhage may lie there",
            )


def _series(slices: list[SliceHeader], names: Mapping[Path, Path]) -> Series:
    files = tuple(dict.fromkeys(header.path for header in sort_slices(slices)))
    return Series(files, tuple(names[path] for path in files), slices[0].series_uid)


def _exclude_all(error: ReadError, names: Mapping[Path, Path]) -> list[Exclusion]:
    at_fault = names.get(error.path, error.path)
    return [
        Exclusion(
            name,
            error.reason,
            error.detail if name == at_fault else f"of the same series as {at_fault.name}",
        )
        for name in names.values()
    ]


class _Found:
    """The files found so far, with the names to show, and what could not be searched."""

    def __init__(self) -> None:
        self.names: dict[Path, Path] = {}
        self.exclusions: list[Exclusion] = []
        self.seen: set[Path] = set()

    def is_new(self, path: Path) -> bool:
        """Whether a file is seen for the first time, through whatever link."""
        resolved = path.resolve()
        if resolved in self.seen:
            return False
        self.seen.add(resolved)
        return True


def _collect(path: Path, scratch: Path, found: _Found) -> None:
    """Add what lies at an input."""
    if not path.exists():
        found.exclusions.append(Exclusion(path, "missing-file", "there is no such file or folder"))
    elif path.is_dir():
        is_empty = True
        for file in _walk(path, found):
            is_empty = False
            _collect_file(file, scratch, found)
        if is_empty:
            found.exclusions.append(Exclusion(path, "empty", "the folder holds no files"))
    else:
        _collect_file(path, scratch, found)


def _walk(folder: Path, found: _Found) -> Iterator[Path]:
    """Yield the files below a folder in order, links followed, no folder entered twice."""

    def unreadable(error: OSError) -> None:
        found.exclusions.append(
            Exclusion(Path(error.filename), "unreadable", error.strerror or str(error))
        )

    entered: set[Path] = set()
    for root, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        resolved = Path(root).resolve()
        if resolved in entered:
            folders.clear()
            continue
        entered.add(resolved)
        folders.sort()
        yield from (Path(root, name) for name in sorted(files))


def _collect_file(path: Path, scratch: Path, found: _Found) -> None:
    """Add a file, or the files of an archive."""
    if not found.is_new(path):
        return
    if path.exists() and not path.is_file():
        found.exclusions.append(Exclusion(path, "not-dicom", "a device or pipe, not a file"))
    elif path.suffix.lower() == ".zip":
        _collect_archive(path, scratch / f"archive-{len(found.seen):06d}", found)
    else:
        found.names[path] = path


def _collect_archive(archive: Path, folder: Path, found: _Found) -> None:
    try:
        names = extract(archive, folder)
    except ReadError as error:
        found.exclusions.append(Exclusion.from_error(error))
        return
    if not names:
        found.exclusions.append(Exclusion(archive, "empty", "the archive holds no files"))
    found.names.update(names)
