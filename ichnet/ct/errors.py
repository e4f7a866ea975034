"""What went wrong with an input, in a form that can be counted and listed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ichnet.files import write_whole


class ReadError(Exception):
    """A file or series cannot be used.

    Attributes:
        path: the file or directory, as the user named it.
        reason: a short code from a closed list that reports count by, e.g. ``truncated``.
        detail: one sentence for a person. Holds no patient identifiers.
    """

    def __init__(self, path: Path | str, reason: str, detail: str) -> None:
        super().__init__(f"{path}: {detail} [{reason}]")
        self.path = Path(path)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Exclusion:
    """One line of ``excluded.csv``: a file that was found and left out, and why."""

    path: Path
    reason: str
    detail: str

    @classmethod
    def from_error(cls, error: ReadError) -> Exclusion:
        """Return the exclusion that records ``error``."""
        return cls(error.path, error.reason, error.detail)


def write_exclusions(exclusions: Iterable[Exclusion], csv_path: Path) -> None:
    """Write ``excluded.csv`` (columns ``file,reason,detail``), with a header even when empty."""
    with write_whole(csv_path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file", "reason", "detail"])
        for exclusion in exclusions:
            writer.writerow([str(exclusion.path), exclusion.reason, exclusion.detail])
