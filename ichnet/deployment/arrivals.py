"""Joins the parts of a series that arrive in several inputs, one after another."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ichnet.ct.discover import Series, discover
from ichnet.ct.errors import Exclusion
from ichnet.ct.pseudonym import pseudonym


class Arrivals:
    """Remembers which series came with which inputs, as long as the object exists."""

    def __init__(self) -> None:
        self._inputs_of: dict[str, set[Path]] = {}

    def discover(
        self, inputs: Sequence[Path], scratch: Path
    ) -> tuple[list[Series], list[Exclusion], list[Path]]:
        """Find the series of some inputs, together with earlier inputs that hold parts of them.

        Args:
            inputs: folders, files, archives.
            scratch: for unpacked archives.

        Returns:
            as :func:`ichnet.ct.discover.discover`, and the inputs that were searched.
        """
        searched = list(dict.fromkeys(inputs))
        while True:
            found, exclusions = discover(searched, scratch / "archives")
            names = {one.series_uid for one in found} | {one.series_uid for one in exclusions}
            others = {
                path
                for name in names - {""}
                for path in self._inputs_of.get(name, ())
                if path not in searched and path.exists()
            }
            if not others:
                break
            searched += sorted(others)
            shutil.rmtree(scratch / "archives", ignore_errors=True)
        for name, paths in _inputs_of(found, exclusions, searched):
            self._inputs_of.setdefault(name, set()).update(paths)
        return found, exclusions, searched


def _inputs_of(
    found: Iterable[Series], exclusions: Iterable[Exclusion], inputs: Sequence[Path]
) -> Iterator[tuple[str, set[Path]]]:
    """Yield each series with the inputs that its files came with."""
    tops = frozenset(inputs)
    for one in found:
        yield one.series_uid, {top for name in one.names for top in _tops(name, tops)}
    for left in exclusions:
        if left.series_uid:
            yield left.series_uid, set(_tops(left.path, tops))


def _tops(path: Path, inputs: frozenset[Path]) -> Iterator[Path]:
    return (one for one in (path, *path.parents) if one in inputs)


def instance_names(file_uids: Iterable[str], key: bytes) -> tuple[str, ...]:
    """Return pseudonyms of SOP Instance UIDs, sorted."""
    return tuple(sorted(pseudonym(key, "instance", uid) for uid in file_uids))


def refused_scans(
    exclusions: Iterable[Exclusion], key: bytes
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the scans of which slices were left out: scan, reason, pseudonyms of the slices."""
    by_scan: dict[tuple[str, str], set[str]] = {}
    for one in exclusions:
        if one.scan_identity:
            found = by_scan.setdefault((one.scan_identity, one.reason), set())
            found.update({one.file_uid} - {""})
    for (identity, reason), uids in by_scan.items():
        yield pseudonym(key, "scan", identity), reason, instance_names(uids, key)
