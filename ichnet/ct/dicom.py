"""A DICOM series read into a :class:`~ichnet.ct.volume.Volume`.

Slices are ordered by their position projected on the slice normal, and their spacing is the
perpendicular gap; InstanceNumber and SliceThickness are not used for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ichnet.ct.digest import content_digest, series_digest
from ichnet.ct.errors import Exclusion, ReadError, errors_named
from ichnet.ct.gaps import missing_numbers
from ichnet.ct.head import Skull, find_skull, head_centre_mm
from ichnet.ct.header import read_frames
from ichnet.ct.orientation import turn_of, turned_grid
from ichnet.ct.passes import grid_of
from ichnet.ct.pixels import read_pixels
from ichnet.ct.pseudonym import pseudonym
from ichnet.ct.reduced import middle_of_whole_mm
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.slice_checks import MAX_PIXELS
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.source import read_content
from ichnet.ct.stack import stack_slices
from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions

REPAIRED = "repaired_slices"
"""Key of a volume's description: number of slices that had wrapped at 12 bits, if any."""

NUMBERS_LEFT_OUT = "the numbers of its slices leave out {}: slices may be missing"

Mapper = Callable[..., Iterable[Any]]
"""``map``, or the same over several processes: results in order, functions that can be pickled."""


def read_series(files: Sequence[Path], key: bytes) -> Volume:
    """Read all slices of one series, in any order of the files.

    Every failure is a ``ReadError``; a mistake of this program has the reason ``internal-error``.

    Args:
        files: the DICOM files of one series, no others. :func:`read_headers` and
            :func:`group_series` sort a mixture of files.
        key: for the pseudonyms of scan and patient.

    Raises:
        ValueError: when there are no files.
        ReadError: for the first file that is no axial CT slice (the reasons of
            :func:`~ichnet.ct.header.read_header`, and ``duplicate-file``); ``mixed-series``;
            the reasons of :func:`~ichnet.ct.stack.stack_slices`; ``too-large``;
            ``unsupported-syntax`` or ``truncated`` pixels.

    Examples:
        A series of five small slices that comes with pydicom:

        >>> from pathlib import Path
        >>> from pydicom.data import get_testdata_files
        >>> files = [Path(name) for name in get_testdata_files("**/CT5N/*")]
        >>> volume = read_series(files, key=b"a secret of the hospital")
        >>> volume.hu.shape, volume.hu.dtype
        ((5, 16, 16), dtype('int16'))
        >>> volume.slice_spacing_mm.round(3).tolist()
        [2.5, 2.5, 2.5, 2.5, 2.5]
        >>> volume.scan_id  # a pseudonym that depends on the key
        '4e8fc17436ae1baf'
    """
    return read_series_and_skull(files, key)[0]


def read_series_and_skull(files: Sequence[Path], key: bytes) -> tuple[Volume, Skull | None]:
    """Read a series as :func:`read_series`, and return the skull by which its head was found.

    For :func:`ichnet.ct.head.require_head`, so that the skull is searched once.
    """
    if not files:
        raise ValueError("a series needs files")
    with errors_named(files[0]):
        return _read_series(files, key)


def _read_series(files: Sequence[Path], key: bytes) -> tuple[Volume, Skull | None]:
    headers, exclusions = read_headers(files)
    for exclusion in exclusions:
        raise ReadError(exclusion.path, exclusion.reason, exclusion.detail)
    for header in headers:
        if header.series_uid != headers[0].series_uid:
            raise ReadError(header.path, "mixed-series", "of another series than the first file")
    slices, repeated = stack_slices(headers)
    for exclusion in repeated:
        raise ReadError(exclusion.path, exclusion.reason, exclusion.detail)
    return _read_slices(slices, key, with_digest=True)


def read_listed(headers: SeriesHeaders, key: bytes) -> Volume:
    """Read the pixels of a series whose headers were read and put in order before.

    The volume's ``digest`` is empty: it would take as long as all the rest.

    Args:
        headers: of the series' slices.
        key: for the pseudonyms of scan and patient.

    Raises:
        ReadError: as :func:`read_series` for what concerns pixels, and ``missing-file``,
            ``unreadable`` or ``truncated`` when files have changed meanwhile.
    """
    slices = headers.slices()
    with errors_named(slices[0].path):
        return _read_slices(slices, key, with_digest=False)[0]


def _read_slices(
    slices: Sequence[SliceHeader], key: bytes, with_digest: bool
) -> tuple[Volume, Skull | None]:
    """Read the pixels of slices that are in order."""
    if len(slices) * slices[0].shape[0] * slices[0].shape[1] > MAX_PIXELS:
        raise ReadError(slices[0].path, "too-large", f"{len(slices):,} slices of {slices[0].shape}")
    grid = grid_of(slices)
    turn = turn_of(grid.orientation)
    turned = turned_grid(grid, turn)
    hu = np.empty((len(slices), *slices[0].shape), np.int16)
    repaired = 0
    digests: dict[Path, tuple[str, bytes]] = {}
    path: Path | None = None
    content: bytes | None = None
    for index, header in enumerate(slices):
        if header.path != path:  # the frames of one file share its bytes
            path, content = header.path, None
            if with_digest or header.frame is not None:
                content = read_content(header.path)
            if with_digest and content is not None:
                digests[header.path] = (header.file_uid, content_digest(content))
        repaired += read_pixels(header, out=hu[index], content=content).repaired
    hu = turn.apply(hu)
    spacing_mm = slice_spacing_from_positions(turned.positions_mm, slice_normal(turned.orientation))
    skull = find_skull(hu, turned.pixel_spacing_mm, spacing_mm)
    first = slices[0]
    centre_mm = head_centre_mm(skull)
    if centre_mm == (0.0, 0.0) and first.reduction:
        centre_mm = middle_of_whole_mm(first, turn)
    missing = missing_numbers([header.instance_number for header in slices])
    description = dict(first.description)
    if repaired:
        description[REPAIRED] = str(repaired)
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=turned.pixel_spacing_mm,
        orientation=turned.orientation,
        positions_mm=turned.positions_mm,
        slice_spacing_mm=spacing_mm,
        scan_id=pseudonym(key, "scan", scan_identity(first)),
        patient_id=_patient_pseudonym(first, key),
        sop_instance_uids=tuple(header.sop_instance_uid for header in slices),
        description=description,
        turn=turn,
        digest=series_digest(digests.values()) if with_digest else "",
        centre_mm=centre_mm,
        cautions=(NUMBERS_LEFT_OUT.format(missing),) if missing else (),
    )
    return volume, skull


def read_headers(
    files: Iterable[Path], mapper: Mapper = map
) -> tuple[list[SliceHeader], list[Exclusion]]:
    """Read headers only; exclude files that are no axial CT slice, and copies of a slice.

    Args:
        files: DICOM files, enhanced multi-frame ones too, and whatever lies beside them.
        mapper: reads the files, in order.

    Returns:
        the headers in the order of ``files``, one for each slice, and an exclusion for each other
        file. Of several byte-identical files of one instance the first is kept and the others are
        excluded as ``duplicate-file``.
    """
    headers: list[SliceHeader] = []
    exclusions: list[Exclusion] = []
    instances = _Instances()
    for found in mapper(read_or_exclude, files):
        if isinstance(found, Exclusion):
            exclusions.append(found)
            continue
        first = found[0]
        try:
            original = instances.same_file(first)
        except ReadError as error:  # it was there when its header was read
            exclusions.append(Exclusion.from_error(error))
            continue
        if original is None:
            headers += found
        else:
            detail = "an identical copy of a slice that is kept"
            exclusions.append(Exclusion(first.path, "duplicate-file", detail))
    return headers, exclusions


class _Instances:
    """The files of each instance, told apart by their contents."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Path] = {}
        self._by_content: dict[tuple[str, str, bytes], Path] = {}

    def same_file(self, header: SliceHeader) -> Path | None:
        """Return the file seen before that has the same bytes and instance, if there is one.

        Files are read only when an instance is met again; each of them once.
        """
        instance = (header.series_uid, header.sop_instance_uid)
        first = self._first.setdefault(instance, header.path)
        if first == header.path:
            return None
        self._by_content.setdefault((*instance, content_digest(read_content(first))), first)
        mine = (*instance, content_digest(read_content(header.path)))
        original = self._by_content.setdefault(mine, header.path)
        return None if original == header.path else original


def read_or_exclude(path: Path) -> list[SliceHeader] | Exclusion:
    """Read the headers of a file's slices, or return an exclusion that says why there are none."""
    try:
        with errors_named(path):
            return read_frames(path)
    except ReadError as error:
        return Exclusion.from_error(error)


def group_series(headers: Sequence[SliceHeader]) -> dict[str, list[SliceHeader]]:
    """Group headers by SeriesInstanceUID, in the order in which series first appear."""
    series: dict[str, list[SliceHeader]] = {}
    for header in headers:
        series.setdefault(header.series_uid, []).append(header)
    return series


def scan_identity(header: SliceHeader) -> str:
    """Return the identity from which a scan's pseudonym is made. Identifying: in memory only.

    A SeriesInstanceUID alone is not enough: after careless de-identification two patients may share
        one, and they must not share a pseudonym.
    """
    return "\0".join((header.series_uid, header.study_uid, header.patient_id))


def _patient_pseudonym(header: SliceHeader, key: bytes) -> str:
    """Return the patient's pseudonym; without PatientID, every study counts as a patient.

    One pseudonym for all anonymous patients would put them all into one split.
    """
    if header.patient_id:
        return pseudonym(key, "patient", header.patient_id)
    return pseudonym(key, "study", header.study_uid or header.series_uid)
