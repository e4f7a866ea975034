"""The outcome of preparing a cohort, for the terminal and for ``info.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnet.cohorts.ledger import FileCounts


@dataclass(frozen=True)
class Preparation:
    """The outcome of preparing a cohort; ``str`` gives the report for the terminal.

    Attributes:
        folder: the record set.
        scans_found: labelled scans in the cohort's files.
        scans_chosen: those of them that the selection asked for.
        scans_kept, slices_kept: in the record set.
        files: the ledger of files.
        excluded: number of exclusions by reason.
        slices_with: kept slices by label.
        scans_with: kept scans by exclusive subtype, as in the paper's Table 1.
        repaired: slices whose HU had wrapped at 12 bits.
        names_file: which file each line of ``excluded.csv`` is; confidential.
    """

    folder: Path
    scans_found: int
    scans_chosen: int
    scans_kept: int
    slices_kept: int
    files: FileCounts
    excluded: dict[str, int]
    slices_with: dict[str, int]
    scans_with: dict[str, int]
    repaired: int
    names_file: Path

    def __str__(self) -> str:
        files = self.files
        lines = [
            f"{self.folder}",
            f"  scans: {self.scans_found} found, {self.scans_chosen} chosen, "
            f"{self.scans_kept} kept; {self.slices_kept} slices kept",
            f"  files: {files.found} found = {files.kept} kept + {files.not_drawn} not drawn + "
            f"{files.excluded} excluded",
            "  slices with " + ", ".join(f"{k} {v}" for k, v in self.slices_with.items()),
            "  scans with " + ", ".join(f"{k} {v}" for k, v in self.scans_with.items()),
            *([f"  repaired: {self.repaired} slices wrapped at 12 bits"] if self.repaired else []),
            f"  excluded: {sum(self.excluded.values())}",
            *(f"    {count} {reason}" for reason, count in sorted(self.excluded.items())),
            *([f"  their names (confidential): {self.names_file}"] if self.excluded else []),
        ]
        return "\n".join(lines)

    def counts(self) -> dict[str, Any]:
        """Return all numbers, for ``info.json``."""
        return {
            "scans_found": self.scans_found,
            "scans_chosen": self.scans_chosen,
            "scans_kept": self.scans_kept,
            "slices_kept": self.slices_kept,
            "files": self.files.as_dict(),
            "excluded": self.excluded,
            "slices_with": self.slices_with,
            "scans_with": self.scans_with,
            "repaired": self.repaired,
        }


@dataclass(frozen=True)
class Share:
    """The result of writing one share of a record set; ``str`` says what to do next."""

    folder: Path
    finished: int
    parts: int

    def __str__(self) -> str:
        end = (
            "run the same command without --shard to join them"
            if self.finished == self.parts
            else "others are still to be written"
        )
        return f"{self.folder}: {self.finished} of {self.parts} shards are finished; {end}"
