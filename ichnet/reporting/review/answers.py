"""The readers' answers on the review page, as one table: cases by readers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.files import write_whole
from ichnet.reporting.review.page import KeyRow
from ichnet.subtypes import SUBTYPES

COLUMNS: tuple[str, ...] = (
    "review",
    "reader",
    "case",
    "ich",
    *SUBTYPES,
    "overlay_seen",
    "answered_at",
    "comment",
)
"""Columns of the CSV that the page exports (pages/templates/review.js must write the same)."""

UNANSWERED = -1

VOTE_COLUMNS: tuple[str, ...] = ("review", "case", "votes_for_ich", "votes_against_ich")
"""Columns of the consensus meeting's CSV."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Opinions of several readers.

    Attributes:
        key: the cases, in the order of the rows.
        readers: in the order of the columns.
        ich: int8 [cases, readers]: 1, 0 or :data:`UNANSWERED`.
        overlay_seen: bool [cases, readers]: whether a reader had the model's outlines on.
    """

    key: tuple[KeyRow, ...]
    readers: tuple[str, ...]
    ich: NDArray[np.int8]
    overlay_seen: NDArray[np.bool_]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Where every reader has answered, bool [cases]."""
        where: NDArray[np.bool_] = (self.ich != UNANSWERED).all(axis=1)
        return where

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Ground truth, bool [cases]."""
        return np.array([row.ich for row in self.key], dtype=bool)


def read_answers(paths: Sequence[Path], key: Sequence[KeyRow]) -> Answers:
    """Read one file of answers for each reader.

    Raises:
        ValueError: when a file does not hold answers, belongs to another review, holds several
            readers, an unknown case or a case twice, or when a reader comes twice; the message
            names the file.
    """
    place = {row.case: index for index, row in enumerate(key)}
    readers: list[str] = []
    opinions, seen = [], []
    for path in paths:
        rows = _rows(path, COLUMNS, key)
        names = {row["reader"] for row in rows}
        if len(names) != 1:
            raise ValueError(f"{path}: one reader's answers are needed, not those of {len(names)}")
        (name,) = names
        if name in readers:
            raise ValueError(f"{path}: there are two files of {name}")
        readers.append(name)
        ich = np.full(len(key), UNANSWERED, np.int8)
        overlay = np.zeros(len(key), bool)
        for row in rows:
            index = place[row["case"]]
            if row["ich"] not in ("", "0", "1"):
                raise ValueError(f"{path}: {row['case']}: ich is {row['ich']!r}, not 0, 1 or empty")
            ich[index] = int(row["ich"]) if row["ich"] else UNANSWERED
            overlay[index] = row["overlay_seen"] == "1"
        opinions.append(ich)
        seen.append(overlay)
    if not readers:
        raise ValueError("no files of answers")
    order = np.argsort(readers)
    return Answers(
        key=tuple(key),
        readers=tuple(readers[index] for index in order),
        ich=np.stack([opinions[index] for index in order], axis=1),
        overlay_seen=np.stack([seen[index] for index in order], axis=1),
    )


def write_answers(answers: Answers, folder: Path) -> list[Path]:
    """Write one file a reader, as the page exports them; subtypes and comments stay empty."""
    paths = []
    for column, reader in enumerate(answers.readers):
        path = folder / f"{answers.key[0].review}-{reader}.csv"
        with write_whole(path, newline="") as handle:
            writer = csv.DictWriter(handle, COLUMNS, restval="")
            writer.writeheader()
            for row, ich in zip(answers.key, answers.ich[:, column], strict=True):
                opinion = "" if ich == UNANSWERED else int(ich)
                writer.writerow(
                    {"review": row.review, "reader": reader, "case": row.case, "ich": opinion}
                )
        paths.append(path)
    return paths


def read_votes(path: Path, key: Sequence[KeyRow]) -> dict[str, tuple[int, int]]:
    """Read the consensus meeting's votes for and against a hemorrhage, by case.

    A case without numbers has not been voted on and is left out.

    Raises:
        ValueError: when the file does not hold votes or belongs to another review, or when a case
            is unknown, comes twice, or does not have two whole numbers.
    """
    votes = {}
    for row in _rows(path, VOTE_COLUMNS, key):
        cells = row["votes_for_ich"], row["votes_against_ich"]
        if not any(cells):
            continue
        if not all(cell.isdecimal() for cell in cells):
            raise ValueError(f"{path}: {row['case']}: votes are {cells}, not two whole numbers")
        votes[row["case"]] = int(cells[0]), int(cells[1])
    return votes


def _rows(path: Path, columns: Sequence[str], key: Sequence[KeyRow]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}: columns are missing: {', '.join(missing)}")
        rows = list(reader)
    known = {row.case for row in key}
    for row in rows:
        if row["review"] != key[0].review:
            raise ValueError(
                f"{path}: belongs to review {row['review']}, the key to {key[0].review}"
            )
        if row["case"] not in known:
            raise ValueError(f"{path}: the key has no {row['case']}")
        known.remove(row["case"])
    return rows
