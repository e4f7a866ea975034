"""The paper's ledger: each printed number, its status, and how we read it."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

Status = Literal["consistent", "typing-error", "contradiction", "not-reproducible"]
STATUSES: tuple[str, ...] = typing.get_args(Status)

LEDGER_PATH = Path(__file__).with_name("paper.yaml")

NUMBER = re.compile(r"(?:\d[\d,]*)?\.\d+|\d[\d,]*")
WORDS = {"three": 3.0, "five": 5.0, "seven": 7.0}


@dataclass(frozen=True)
class PrintedNumber:
    """One printed number, with whatever stands beside it in its cell.

    Attributes:
        id: where it stands, from the outside in, e.g. ``table3/basic/SDH/auc``.
        printed: as printed.
        status: see ``paper.yaml``.
        finding: name of the finding it belongs to; numbers of one finding share the next two.
        reading: what we take it for.
        reason: why.
    """

    id: str
    printed: str
    status: Status
    finding: str
    reading: str
    reason: str

    @property
    def values(self) -> tuple[float, ...]:
        """All numbers in it, in order: an estimate and its interval's ends, a count and its share.

        A percentage is given as printed: 47.5, not .475.
        """
        if self.printed in WORDS:
            return (WORDS[self.printed],)
        return tuple(float(text.replace(",", "")) for text in NUMBER.findall(self.printed))

    @property
    def value(self) -> float:
        """The first of them.

        Raises:
            ValueError: when words alone are printed.
        """
        if not self.values:
            raise ValueError(f"{self.id}: {self.printed!r} holds no number")
        return self.values[0]


class Ledger(Mapping[str, PrintedNumber]):
    """Printed numbers by their id, in the paper's order."""

    def __init__(self, numbers: Mapping[str, PrintedNumber]) -> None:
        self._numbers = dict(numbers)

    def __getitem__(self, key: str) -> PrintedNumber:
        return self._numbers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def under(self, prefix: str) -> list[PrintedNumber]:
        """Return the numbers whose id begins with ``prefix/``."""
        return [number for key, number in self.items() if key.startswith(f"{prefix}/")]

    def of_finding(self, finding: str) -> list[PrintedNumber]:
        """Return the numbers of a finding."""
        return [number for number in self.values() if number.finding == finding]


def load_ledger(path: Path = LEDGER_PATH) -> Ledger:
    """Read the ledger.

    Raises:
        ValueError: when a number has an unknown status or finding, lacks something, or a finding
            has no number; the message names the file and the entry.
    """
    with path.open(encoding="utf-8") as handle:
        document = yaml.safe_load(handle)
    findings = document["findings"]
    numbers = {
        key: _printed_number(key, entry, findings, path)
        for key, entry in document["numbers"].items()
    }
    idle = set(findings) - {number.finding for number in numbers.values()}
    if idle:
        raise ValueError(f"{path}: no number belongs to {', '.join(sorted(idle))}")
    return Ledger(numbers)


def _printed_number(
    key: str, entry: Mapping[str, Any], findings: Mapping[str, Mapping[str, str]], path: Path
) -> PrintedNumber:
    if set(entry) != {"printed", "status", "finding"}:
        raise ValueError(
            f"{path}: {key}: printed, status and finding are needed, got {dict(entry)}"
        )
    if entry["status"] not in STATUSES:
        raise ValueError(f"{path}: {key}: {entry['status']!r} is not one of {', '.join(STATUSES)}")
    finding = findings.get(entry["finding"])
    if finding is None or set(finding) != {"reading", "reason"}:
        raise ValueError(f"{path}: {key}: no finding {entry['finding']!r} with reading and reason")
    return PrintedNumber(
        id=key,
        printed=str(entry["printed"]),
        status=entry["status"],
        finding=entry["finding"],
        reading=finding["reading"],
        reason=finding["reason"],
    )
