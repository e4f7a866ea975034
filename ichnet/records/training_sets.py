"""Which scans each segmenter learns from (paper section 2.1, Figure 1), and folds of patients."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.cohorts.splits import stratum_of
from ichnet.config import ConfigError, Segmenter
from ichnet.records.record_set import RecordSet, Row
from ichnet.subtypes import LABELS, SUBTYPES


def training_scans(
    record_set: RecordSet,
    split: str,
    segmenter: Segmenter,
    small_lesion_ml: float,
    seed: int,
    without: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the scans of a split from which a segmenter learns.

    ``all`` and ``subtype``: every scan. ``sdh`` and ``sah``: scans whose only subtype is that one
    (a sibling paper of the same group: that subtype and normal scans, never other hemorrhages).
    ``small``: scans of more than 0 and at most ``small_lesion_ml`` in all. The specialists get as
    many normal scans as scans with hemorrhage, or all there are.

    Args:
        record_set: with known volumes.
        split: of the set.
        segmenter: one of the five.
        small_lesion_ml: the paper's 5 mL.
        seed: for drawing the normal scans.
        without: patients to leave out, e.g. those of a fold.

    Raises:
        ConfigError: when no scan of the split satisfies the rule.
    """
    rows = [
        row
        for row in record_set.scans
        if row["split"] == split and row["patient_id"] not in without
    ]
    if segmenter in ("all", "subtype"):
        return tuple(row["scan_id"] for row in rows)
    chosen = [row for row in rows if _fits(row, segmenter, small_lesion_ml)]
    if not chosen:
        raise ConfigError(
            f"{record_set.folder}: no scan of split {split!r} fits the rule of segmenter "
            f"{segmenter!r}"
        )
    normal = _draw([row for row in rows if row["ANY"] == "0"], len(chosen), seed)
    return tuple(sorted(row["scan_id"] for row in [*chosen, *normal]))


def patient_folds(record_set: RecordSet, split: str, folds: int) -> tuple[frozenset[str], ...]:
    """Divide the patients of a split into folds, at random within each stratum of subtypes.

    The folds depend on the record set alone, so that all segmenters, and the cached maps made with
    them, use the same ones.

    Args:
        record_set: the set.
        split: usually ``train``.
        folds: their number.

    Returns:
        the patients of each fold; every patient is in one.

    Raises:
        ConfigError: when there are fewer patients than folds.
    """
    has: dict[str, NDArray[np.bool_]] = {}
    for row in record_set.scans:
        if row["split"] == split:
            here = np.array([row[label] == "1" for label in LABELS])
            has[row["patient_id"]] = has.get(row["patient_id"], False) | here
    if len(has) < folds:
        raise ConfigError(f"{record_set.folder}: {len(has)} patients cannot make {folds} folds")
    order = np.random.default_rng(0).permutation(sorted(has))
    dealt = sorted(order.tolist(), key=lambda patient: stratum_of(has[patient]))
    return tuple(frozenset(dealt[fold::folds]) for fold in range(folds))


def _fits(row: Row, segmenter: Segmenter, small_lesion_ml: float) -> bool:
    if segmenter == "small":
        volume_ml = row["volume_ml_ANY"]
        return volume_ml != "" and 0 < float(volume_ml) <= small_lesion_ml
    return [name for name in SUBTYPES if row[name] == "1"] == [segmenter.upper()]


def _draw(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Sample by a hash of the scan id, so that adding a scan does not change other choices."""

    def number(row: Row) -> bytes:
        return hashlib.sha256(f"{seed} {row['scan_id']}".encode()).digest()

    return sorted(rows, key=number)[:count]
