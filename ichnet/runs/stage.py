"""Results that take long: finished, to be continued, or to be started over.

``made_from.json`` in a result's folder lists the inputs of the result: settings of the
configuration, and digests of records and models. It is written at the start, so that an interrupted
result is continued only with the same inputs.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ichnet.config.depends import differences
from ichnet.files import write_whole

logger = logging.getLogger(__name__)

MADE_FROM = "made_from.json"

SHOWN_DIFFERENCES = 3


@dataclass(frozen=True)
class Stage:
    """One result of a run, a folder.

    Attributes:
        folder: where the finished result lies.
        made_from: all its inputs, as JSON values.
        marks: files that a finished result has; the last one is written last.
        in_place: whether the result is built in ``folder`` itself, for results that are watched
            while they grow, e.g. by TensorBoard. Others are built in a folder beside it, which is
            renamed when they are complete.
    """

    folder: Path
    made_from: Mapping[str, Any]
    marks: tuple[str, ...]
    in_place: bool = False

    def is_finished(self) -> bool:
        """Return whether the result is complete and was made from the same inputs."""
        whole = all((self.folder / mark).exists() for mark in self.marks)
        return whole and made_from_same(self.folder, self.made_from)

    def begin(self) -> Path:
        """Return the folder to work in: the unfinished result of the same inputs, or a new one.

        An unfinished result of other inputs is removed. Processes that begin at the same time get
        the same folder.
        """
        place = self.growing
        if not self.in_place and self._lost_a_mark():
            shutil.rmtree(place, ignore_errors=True)
            self.folder.replace(place)
        if place.exists() and not made_from_same(place, self.made_from):
            self._tell_why(place)
            shutil.rmtree(place)
        if not place.exists():
            self._start(place)
        return place

    def finish(self) -> None:
        """Move the finished result to ``folder``, replacing an older one.

        Raises:
            FileNotFoundError: when one of ``marks`` is missing.
        """
        missing = [mark for mark in self.marks if not (self.growing / mark).exists()]
        if missing:
            raise FileNotFoundError(f"{self.growing}: {missing[0]} vanished before the end")
        if self.in_place:
            return
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.growing.chmod(0o755)
        self.growing.replace(self.folder)

    @property
    def growing(self) -> Path:
        """The folder in which the result is built."""
        return self.folder if self.in_place else self.folder.with_name(f".{self.folder.name}.begun")

    def _lost_a_mark(self) -> bool:
        """Return whether what lies there is the same result, of which a file was removed."""
        return not self.is_finished() and made_from_same(self.folder, self.made_from)

    def _start(self, place: Path) -> None:
        """Make the folder together with its ``made_from.json``: no process sees it without."""
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        if self.in_place:
            fresh.chmod(0o755)
        write_made_from(fresh, self.made_from)
        try:
            fresh.rename(place)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh)
            if not made_from_same(place, self.made_from):
                raise

    def _tell_why(self, place: Path) -> None:
        old = read_made_from(place)
        found = list(islice(differences(old, _plain(self.made_from)), SHOWN_DIFFERENCES + 1))
        more = ["..."] if len(found) > SHOWN_DIFFERENCES else []
        why = "; ".join([*found[:SHOWN_DIFFERENCES], *more]) if old else "unfinished"
        logger.warning("%s: begun anew (%s)", self.folder, why)


def made_from_same(folder: Path, made_from: Mapping[str, Any]) -> bool:
    """Return whether the result in a folder was made from these inputs."""
    return same_origin(read_made_from(folder), made_from)


def same_origin(kept: object, made_from: Mapping[str, Any]) -> bool:
    """Return whether the stored inputs of a result are these inputs."""
    return bool(kept == _plain(made_from))


def read_made_from(folder: Path) -> dict[str, Any] | None:
    """Return the inputs of the result in a folder; ``None`` when it has no ``made_from.json``."""
    try:
        found = json.loads((folder / MADE_FROM).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_made_from(folder: Path, made_from: Mapping[str, Any]) -> None:
    """Write ``made_from.json`` into the folder of a result."""
    with write_whole(folder / MADE_FROM) as handle:
        json.dump(_plain(made_from), handle, indent=1, sort_keys=True)


def _plain(made_from: Mapping[str, Any]) -> Any:
    """Return what JSON gives back: lists for tuples, texts for keys."""
    return json.loads(json.dumps(made_from))
