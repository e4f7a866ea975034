"""Finds the CT series in the folders, files and zip archives that a user names."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ichnet.ct.dicom import group_series, read_headers, scan_identity
from ichnet.ct.digest import content_digest, series_digest
from ichnet.ct.errors import Exclusion, ReadError, errors_named
from ichnet.ct.files_found import FoundFiles, Guard, unguarded
from ichnet.ct.gaps import require_no_gap
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import read_content
from ichnet.ct.stack import stack_slices

DAMAGED = ("truncated", "bad-header", "no-pixels", "too-large", "multi-frame", "internal-error")
"""Reasons for which a slice is missing from its series; a scout or a dose page is not one."""

DAMAGED_IF_NAMED_AS_SLICE = ("empty-file", "unreadable", "missing-file", "bad-archive", "set-aside")
"""The same for what does not tell what it was, when it is named as slices are."""

DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")


@dataclass(frozen=True)
class Series:
    """One series whose headers fit together, ready for :func:`~ichnet.ct.dicom.read_series`.

    Attributes:
        files: its files, from feet to head.
        names: the same files as the user knows them; for a member of an archive, the archive's path
            followed by the member's.
        series_uid: its SeriesInstanceUID. Identifying: kept in memory only.
        file_uids: the SOP Instance UID of each file. Identifying: kept in memory only.
        repeated_uids: the SOP Instance UIDs of slices that were left out because a later one has
            their position. Identifying: kept in memory only.
        identity: from which its pseudonym is made (:func:`ichnet.ct.dicom.scan_identity`).
            Identifying: kept in memory only.
    """

    files: tuple[Path, ...]
    names: tuple[Path, ...]
    series_uid: str = field(default="", repr=False)
    file_uids: tuple[str, ...] = field(default=(), repr=False)
    repeated_uids: tuple[str, ...] = field(default=(), repr=False)
    identity: str = field(default="", repr=False)

    def scan_id(self, key: bytes) -> str:
        """Return its pseudonym, which :attr:`ichnet.ct.volume.Volume.scan_id` will be."""
        return pseudonym(key, "scan", self.identity)

    def digest(self) -> str:
        """Read all bytes and return what :attr:`ichnet.ct.volume.Volume.digest` will be.

        Raises:
            ReadError: ``missing-file`` or ``unreadable``, when files have changed meanwhile.
        """
        pairs = zip(self.file_uids, self.files, strict=True)
        return series_digest((uid, content_digest(read_content(path))) for uid, path in pairs)

    def exclusions(self, error: ReadError) -> list[Exclusion]:
        """Return an exclusion for each slice, when ``error`` keeps the series from being read.

        Their texts hold no file's name, which may contain the patient's.
        """
        name_of = dict(zip(self.files, self.names, strict=True))
        identities = [(self.identity, uid) for uid in self.file_uids]
        return _exclude_all(
            error, name_of, dict(zip(self.files, identities, strict=True)), self.series_uid
        )


def discover(
    inputs: Sequence[Path], scratch: Path, guard: Guard = unguarded
) -> tuple[list[Series], list[Exclusion]]:
    """Find series. Every file found is a slice of one of them or is excluded, with a reason.

    Folders are searched through all levels, and archives in them are opened. A file that is
    reached twice counts once. A folder, or an archive, without any file is excluded itself as
    ``empty``. Nothing that is wrong with a file or a series ends the search.

    A series is excluded whole, as ``incomplete-series``, when a slice of it is damaged or missing:
    the hemorrhage may lie there.

    - A damaged file that does not tell its series counts against every series in its folder.
    - So does a file that cannot be read, that the guard refuses, is empty or holds only zeros, when
      it is named as slices are (``.dcm`` and the like, a number or no suffix, no hidden file), a
      file named ``.dcm`` that is no DICOM, and any of these whose name differs from a slice's by
      its numbers alone.
    - A file of the series that is no CT counts: modalities do not change within one.
    - A slice is missing where a gap is twice, three times ... as wide as those on either side
      (:mod:`ichnet.ct.gaps`).

    Slices of several patients, studies or passes under one SeriesInstanceUID are refused
    (:mod:`ichnet.ct.stack`).

    Args:
        inputs: folders, DICOM files or zip archives, mixed at will.
        scratch: where archives are unpacked; must outlive the reading of the series. Its
            contents are identifying: use a temporary directory.
        guard: entered with the name of each file while its header is read, and of each archive
            while it is unpacked; see :data:`ichnet.ct.files_found.Guard`.

    Returns:
        the series in the order of their first files, and the exclusions.
    """
    found = FoundFiles(scratch, guard)
    for path in inputs:
        found.search(path)
    headers, unread = read_headers(found.names, partial(_guarded, guard, found.names))
    unreadable = found.exclusions + [replace(one, path=found.names[one.path]) for one in unread]
    exclusions, unusable = list(unreadable), _Unusable(unreadable)
    series: list[Series] = []
    for slices in group_series(headers).values():
        names = {header.path: found.names[header.path] for header in slices}
        try:
            with errors_named(slices[0].path):
                unusable.require_none(slices, names)
                one, repeated = _series(slices, names)
        except ReadError as error:
            # by slice, not by series: slices of several patients have different pseudonyms
            identities = {one.path: (scan_identity(one), one.file_uid) for one in slices}
            exclusions += _exclude_all(error, names, identities, slices[0].series_uid)
        else:
            series.append(one)
            exclusions += [replace(left, path=names[left.path]) for left in repeated]
    return series, exclusions


def _guarded(
    guard: Guard,
    names: Mapping[Path, Path],
    read: Callable[[Path], list[SliceHeader] | Exclusion],
    files: Iterable[Path],
) -> Iterator[list[SliceHeader] | Exclusion]:
    """Read files in order, each within the guard; what the guard refuses is excluded."""
    for path in files:
        try:
            with guard(names[path]):
                found = read(path)
        except ReadError as error:
            found = Exclusion(path, error.reason, error.detail)
        yield found


class _Unusable:
    """Files that cannot be used, by their series, or by their folder where they tell none."""

    def __init__(self, exclusions: Iterable[Exclusion]) -> None:
        self._of_series: dict[str, list[Exclusion]] = {}
        self._in_folder: dict[Path, list[Exclusion]] = {}
        for one in exclusions:
            if one.series_uid:
                self._of_series.setdefault(one.series_uid, []).append(one)
            else:
                self._in_folder.setdefault(one.path.parent, []).append(one)

    def require_none(self, slices: Sequence[SliceHeader], names: Mapping[Path, Path]) -> None:
        """Refuse a series of which one of the files may be a slice.

        Raises:
            ReadError: ``incomplete-series``.
        """
        found = self._of_series.get(slices[0].series_uid, [])
        lost = [one for one in found if one.reason in (*DAMAGED, "not-ct")]
        # a member of an archive has another name on disk; its own name tells its folder
        near = [
            self._in_folder.get(folder, []) for folder in {one.parent for one in names.values()}
        ]
        if any(near):
            patterns = {_pattern(name) for name in names.values()}
            lost += [
                one
                for found in near
                for one in found
                if _is_damaged_slice(one) or _is_lost_slice(one, patterns)
            ]
        if lost:
            detail = f"a slice of it is damaged [{lost[0].reason}], and a hemorrhage may lie there"
            raise ReadError(slices[0].path, "incomplete-series", detail)


def _is_damaged_slice(exclusion: Exclusion) -> bool:
    """Return whether a file that cannot be used may be a slice of any series in its folder."""
    if exclusion.reason in DAMAGED:
        return True
    name = exclusion.path.name
    suffix = exclusion.path.suffix.lower()
    if name.startswith("."):
        return False
    if exclusion.reason == "not-dicom":
        return suffix in DICOM_SUFFIXES
    named_as_slice = not suffix or suffix in DICOM_SUFFIXES or suffix[1:].isdecimal()
    return exclusion.reason in DAMAGED_IF_NAMED_AS_SLICE and named_as_slice


def _is_lost_slice(exclusion: Exclusion, patterns: Container[str]) -> bool:
    """Return whether a file's name differs from that of a slice by its numbers alone."""
    reasons = ("not-dicom", *DAMAGED_IF_NAMED_AS_SLICE)
    return exclusion.reason in reasons and _pattern(exclusion.path) in patterns


def _pattern(path: Path) -> str:
    """Return a file's name with its numbers replaced; empty when it has none."""
    pattern, numbers = re.subn(r"\d+", "0", path.name)
    return pattern if numbers else ""


def _series(
    slices: Sequence[SliceHeader], names: Mapping[Path, Path]
) -> tuple[Series, list[Exclusion]]:
    stacked, repeated = stack_slices(slices)
    require_no_gap(stacked)
    uid_of = {header.path: header.file_uid for header in stacked}
    files = tuple(uid_of)
    shown = tuple(names[path] for path in files)
    first = stacked[0]
    file_uids = tuple(uid_of.values())
    repeated_uids = tuple(sorted({header.file_uid for header in slices}.difference(file_uids)))
    identity = scan_identity(first)
    series = Series(files, shown, first.series_uid, file_uids, repeated_uids, identity)
    return series, repeated


def _exclude_all(
    error: ReadError,
    name_of: Mapping[Path, Path],
    identities: Mapping[Path, tuple[str, str]],
    series_uid: str,
) -> list[Exclusion]:
    at_fault = name_of.get(error.path, error.path)
    return [
        Exclusion(
            name,
            error.reason,
            error.detail if name == at_fault else f"another slice of its series: {error.detail}",
            series_uid=series_uid,
            scan_identity=identities[path][0],
            file_uid=identities[path][1],
        )
        for path, name in name_of.items()
    ]
