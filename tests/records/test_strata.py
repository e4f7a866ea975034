"""Strata from the tables alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ichnet.records.strata import by_hemorrhage, by_volume

SLICES = [
    {"scan_id": scan, "ANY": label}
    for scan, labels in {"a": "010", "b": "11", "c": "00", "d": "1 0", "e": "1"}.items()
    for label in labels.replace(" ", "?")
]
for row in SLICES:
    row["ANY"] = row["ANY"].replace("?", "")
"""Five scans: slices 0 to 2, 3 and 4, 5 and 6, 7 to 9 (of which 8 is unknown), 10."""


def contents(strata) -> list[tuple[str, list[int], float]]:
    return [(one.kind, one.numbers.tolist(), pytest.approx(one.share)) for one in strata]


def test_two_halves_and_what_is_unknown_in_neither():
    assert contents(by_hemorrhage(SLICES)) == [
        ("with hemorrhage", [1, 3, 4, 7, 10], 0.5),
        ("without hemorrhage", [0, 2, 5, 6, 9], 0.5),
    ]
    assert contents(by_hemorrhage(SLICES, ["a", "c", "elsewhere"])) == [
        ("with hemorrhage", [1], 0.5),
        ("without hemorrhage", [0, 2, 5, 6], 0.5),
    ]


def test_classes_of_volume():
    """A volume at a bound belongs below it; scan e, of unknown volume, is not drawn from."""
    volume_ml = {"a": 5.0, "b": 5.1, "c": 0.0, "d": 80.0}
    strata = by_volume(SLICES, volume_ml, limits_ml=(5, 30), shares=(0.3, 0.2, 0.1))
    assert contents(strata) == [
        ("with hemorrhage of 0 to 5 mL", [1], 0.3),
        ("with hemorrhage of 5 to 30 mL", [3, 4], 0.2),
        ("with hemorrhage of 30 to inf mL", [7], 0.1),
        ("without hemorrhage", [0, 2, 5, 6, 9], 0.4),
    ]


def test_a_class_without_slices_leaves_its_share_to_the_others():
    volume_ml = {"a": 5.0, "c": 0.0, "d": 80.0}
    strata = by_volume(SLICES, volume_ml, limits_ml=(5, 30), shares=(0.3, 0.2, 0.1))
    assert contents(strata) == [
        ("with hemorrhage of 0 to 5 mL", [1], 0.45),
        ("with hemorrhage of 30 to inf mL", [7], 0.15),
        ("without hemorrhage", [0, 2, 5, 6, 9], 0.4),
    ]


def test_strata_need_no_tensorflow():
    program = (
        "import sys, ichnet.records.strata; assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
