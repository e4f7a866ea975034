"""Label tables: CSV with named columns, each cell checked, each error with its file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ichnet.ct.errors import Exclusion, ReadError


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        path: the table.
        line: its line in the file, the header being line 1.
        cells: text by column, without surrounding blanks.
    """

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell that must not be empty.

        Raises:
            ReadError: ``bad-annotation``.
        """
        value = self.cells[column]
        if not value:
            raise self.error(f"{column} is empty")
        return value

    def zero_or_one(self, column: str) -> int:
        """Return a cell that must be 0 or 1.

        Raises:
            ReadError: ``bad-annotation``.
        """
        value = self.cells[column]
        if value not in ("0", "1"):
            raise self.error(f"{column} is {value!r}, not 0 or 1")
        return int(value)

    def error(self, cause: str, reason: str = "bad-annotation") -> ReadError:
        """Return an error that names this line."""
        return ReadError(self.path, reason, f"line {self.line}: {cause}")


def read_rows(path: Path, required: Sequence[str]) -> tuple[list[Row], list[Exclusion]]:
    """Read a table with a header; a line with too few or too many cells is an exclusion.

    Raises:
        ReadError: ``missing-file``; ``bad-annotation`` when the file is no UTF-8 text or lacks a
            required column.
    """
    rows: list[Row] = []
    exclusions: list[Exclusion] = []
    with open_table(path) as handle:
        reader = csv.reader(handle)
        header = read_header(path, reader, required)
        for cells in reader:
            if not cells:
                continue
            row = Row(path, reader.line_num, dict(zip(header, map(str.strip, cells), strict=False)))
            if len(cells) == len(header):
                rows.append(row)
            else:
                error = row.error(f"{len(cells)} cells under {len(header)} columns")
                exclusions.append(Exclusion.from_error(error))
    return rows, exclusions


@contextmanager
def open_table(path: Path) -> Iterator[IO[str]]:
    """Open a CSV file, with or without a byte order mark.

    Raises:
        ReadError: as :func:`read_rows`, also for what is met while reading.
    """
    if not path.is_file():
        raise ReadError(path, "missing-file", "there is no such label table")
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield handle
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError(path, "bad-annotation", f"not a CSV table in UTF-8: {error}") from error


def read_header(path: Path, reader: Iterator[list[str]], required: Sequence[str]) -> list[str]:
    """Read the header line and check that it holds the required columns.

    Raises:
        ReadError: ``bad-annotation``.
    """
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in required if name not in header]
    if missing:
        raise ReadError(
            path,
            "bad-annotation",
            f"no column {', '.join(missing)}; the header is {','.join(header) or 'empty'}",
        )
    if len(set(header)) < len(header):
        raise ReadError(
            path, "bad-annotation", f"a column appears twice; the header is {','.join(header)}"
        )
    return header
