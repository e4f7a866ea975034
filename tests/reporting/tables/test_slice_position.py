"""A score that knows the place of a slice only, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.records.record_set import RecordSet
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.slice_position import position_table


def scans(split: str, **truth: str) -> RecordSet:
    """Return a set of scans by name, ``0``, ``1`` or ``?`` for each slice from the feet."""
    return RecordSet(
        Path("unused"),
        {},
        tuple({"scan_id": name, "patient_id": name, "split": split} for name in truth),
        tuple(
            {
                "scan_id": name,
                "split": split,
                "slice_index": str(index),
                "ANY": "" if one == "?" else one,
            }
            for name, slices in truth.items()
            for index, one in enumerate(slices)
        ),
    )


def test_shares_are_of_training_and_the_auc_of_test_slices(config):
    # of the fifth tenth both, of the sixth one of two scans show hemorrhage
    learnt = scans("train", a="0000110000", b="0000100000")
    tested = [scans("test", c="0000100000"), scans("test", d="?????1????")]
    table = position_table(learnt, tested, config)
    (row,) = table.rows
    assert row[:10] == (*["0.000"] * 4, "1.000", "0.500", *["0.000"] * 4)
    assert isinstance(row[10], Estimate)
    # c: slice 4 (1.0) above all nine without; d: slice 5 (0.5) above eight and equal to one
    assert row[10].value == pytest.approx((9 + 8.5) / 18)
    assert "11 slices (2 with, 9 without ICH)" in table.caption
    assert "among 20 training slices" in table.caption
