"""``log.csv`` of a trained model: a row for each epoch, and which epoch is the best."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ichnet.files import write_whole


def write_log(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write one row for each epoch with all logged values."""
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the rows of a ``log.csv``; an empty list when there is no log yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)
        ]


def best_row(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the row with the lowest validation loss, the first of equal ones."""
    return min(rows, key=validation_loss)


def validation_loss(row: Mapping[str, float]) -> float:
    """Return the validation loss that the best epoch is chosen by.

    For classifiers this is the loss of the output ``probability``, not the sum with the saliency
    loss, so that strong and weak arms are chosen by the same measure; a weak arm has no other loss,
    and its log calls it ``val_loss``. For Model 2 it is the loss of its map, as for the other
    segmenters.
    """
    own = row.get("val_probability_loss", row.get("val_map_loss"))
    return row["val_loss"] if own is None else own
