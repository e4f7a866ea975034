"""Finds the CT series in the folders, files and zip archives that a user names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ichnet.ct.dicom import group_series, read_headers, scan_identity
from ichnet.ct.digest import content_digest, series_digest
from ichnet.ct.errors import Exclusion, ReadError, errors_named
from ichnet.ct.files_found import FoundFiles
from ichnet.ct.gaps import missing_slices
from ichnet.ct.passes import slice_heights_mm
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import read_content
from ichnet.ct.stack import stack_slices

DAMAGED = ("truncated", "bad-header", "no-pixels", "too-large", "internal-error")
"""Reasons that take a slice out of a scan; a scout or a dose page is no slice of it."""

DAMAGED_IF_NAMED_AS_SLICE = ("empty-file", "unreadable", "missing-file", "bad-archive")
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
        identity: from which its pseudonym is made (:func:`ichnet.ct.dicom.scan_identity`).
            Identifying: kept in memory only.
    """

    files: tuple[Path, ...]
    names: tuple[Path, ...]
    series_uid: str = field(default="", repr=False)
    file_uids: tuple[str, ...] = field(default=(), repr=False)
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


def discover(inputs: Sequence[Path], scratch: Path) -> tuple[list[Series], list[Exclusion]]:
    """Find series. Every file found is a slice of one of them or is excluded, with a reason.

    Folders are searched through all levels, and archives in them are opened. A file that is
    reached twice counts once. A folder, or an archive, without any file is excluded itself as
    ``empty``. Nothing that is wrong with a file or a series ends the search.

    A series is excluded whole, as ``incomplete-series``, when a slice of it is damaged or missing:
    the hemorrhage may lie there.

    - A damaged file that does not tell its series counts against every series in its folder.
    - So does a file that cannot be read, is empty or holds only zeros, when it is named as slices
      are (``.dcm`` and the like, a number or no suffix, no hidden file), and a file named ``.dcm``
      that is no DICOM.
    - A slice is missing where a gap is twice, three times ... as wide as those on either side
      (:mod:`ichnet.ct.gaps`).

    Slices of several patients, studies or passes under one SeriesInstanceUID are refused
    (:mod:`ichnet.ct.stack`).

    Args:
        inputs: folders, DICOM files or zip archives, mixed at will.
        scratch: where archives are unpacked; must outlive the reading of the series. Its
            contents are identifying: use a temporary directory.

    Returns:
        the series in the order of their first files, and the exclusions.
    """
    found = FoundFiles(scratch)
    for path in inputs:
        found.search(path)
    headers, unread = read_headers(found.names)
    unreadable = found.exclusions + [replace(one, path=found.names[one.path]) for one in unread]
    damaged = [one for one in unreadable if _is_damaged_slice(one)]
    exclusions = list(unreadable)
    series: list[Series] = []
    for slices in group_series(headers).values():
        names = {header.path: found.names[header.path] for header in slices}
        try:
            with errors_named(slices[0].path):
                _require_undamaged(slices, names, damaged)
                one, repeated = _series(slices, names)
        except ReadError as error:
            # by slice, not by series: slices of several patients have different pseudonyms
            identities = {one.path: (scan_identity(one), one.file_uid) for one in slices}
            exclusions += _exclude_all(error, names, identities, slices[0].series_uid)
        else:
            series.append(one)
            exclusions += [replace(left, path=names[left.path]) for left in repeated]
    return series, exclusions


def _is_damaged_slice(exclusion: Exclusion) -> bool:
    """Return whether a file that cannot be used may be a slice of the series in its folder."""
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


def _require_undamaged(
    slices: Sequence[SliceHeader], names: Mapping[Path, Path], damaged: Sequence[Exclusion]
) -> None:
    # a member of an archive has another name on disk; its own name tells its folder
    folders = {name.parent for name in names.values()}
    for one in damaged:
        if one.series_uid == slices[0].series_uid or (
            not one.series_uid and one.path.parent in folders
        ):
            raise ReadError(
                slices[0].path,
                "incomplete-series",
                f"a slice of it is damaged [{one.reason}], and a hemorrhage may lie there",
            )


def _series(
    slices: Sequence[SliceHeader], names: Mapping[Path, Path]
) -> tuple[Series, list[Exclusion]]:
    stacked, repeated = stack_slices(slices)
    heights_mm = slice_heights_mm(stacked)
    for below, count in missing_slices(heights_mm):
        gap_mm = heights_mm[below + 1] - heights_mm[below]
        where = f"above slice {below + 1} of {len(stacked)}, a gap of {gap_mm:.1f} mm"
        detail = f"{count} slices seem to be missing {where}; a hemorrhage may lie there"
        raise ReadError(stacked[below].path, "incomplete-series", detail)
    uid_of = {header.path: header.file_uid for header in stacked}
    files = tuple(uid_of)
    shown = tuple(names[path] for path in files)
    first = stacked[0]
    file_uids = tuple(uid_of.values())
    return Series(files, shown, first.series_uid, file_uids, scan_identity(first)), repeated


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
