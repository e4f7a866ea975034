"""Splits by patient."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnet.cohorts.splits import (
    PatientOverlapError,
    patients_with_ich,
    require_disjoint,
    split_patients,
)
from ichnet.config import ConfigError

SHARES = {"train": 0.65, "validation": 0.15, "ensemble": 0.2}


def patients(with_ich: int, without: int) -> dict[str, bool]:
    return {f"i{i}": True for i in range(with_ich)} | {f"n{i}": False for i in range(without)}


def counts(splits, has_ich, ich):
    counted = Counter(split for patient, split in splits.items() if has_ich[patient] is ich)
    return [counted[name] for name in SHARES]


def test_a_patient_has_hemorrhage_when_any_scan_has(entry):
    entries = [
        entry("1", "a", "000000"),
        entry("2", "a", "100001", "000000"),
        entry("3", "b", "000000"),
        entry("4", "a", "000000"),
        entry("5", "c", any_label=-1),
    ]
    assert patients_with_ich(entries) == {"a": True, "b": False, "c": False}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (20, [13, 3, 4]),
        (100, [65, 15, 20]),
        (6, [4, 1, 1]),  # 3.9, 0.9, 1.2
        (4, [2, 1, 1]),  # 2.6, 0.6, 0.8
        (3, [1, 1, 1]),  # 1.95, 0.45, 0.6: validation takes one from train
        (2, [1, 0, 1]),  # fewer than splits: 1.3, 0.3, 0.4
        (1, [1, 0, 0]),
        (0, [0, 0, 0]),
    ],
)
def test_both_kinds_are_divided_by_the_shares(number, expected):
    has_ich = patients(number, 20)
    splits = split_patients(has_ich, SHARES, seed=1)
    assert splits.keys() == has_ich.keys()
    assert counts(splits, has_ich, True) == expected
    assert counts(splits, has_ich, False) == [13, 3, 4]


def test_it_depends_on_the_seed_and_not_on_the_order():
    has_ich = patients(30, 30)
    splits = split_patients(has_ich, SHARES, seed=1)
    backwards = dict(reversed(list(has_ich.items())))
    assert split_patients(backwards, SHARES, seed=1) == splits
    assert split_patients(has_ich, SHARES, seed=2) != splits


def test_a_share_of_0_stays_empty():
    splits = split_patients(patients(7, 7), {"train": 1.0, "validation": 0.0}, seed=1)
    assert set(splits.values()) == {"train"}


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 99))
def test_everybody_is_in_one_split_and_no_split_is_empty_for_want_of_rounding(a, b, seed):
    has_ich = patients(a, b)
    splits = split_patients(has_ich, SHARES, seed)
    assert splits.keys() == has_ich.keys()
    for number, ich in ((a, True), (b, False)):
        divided = counts(splits, has_ich, ich)
        assert sum(divided) == number
        if number >= 3:
            assert min(divided) >= 1
        for count, share in zip(divided, SHARES.values(), strict=True):
            assert abs(count - share * number) < 1.5


@pytest.mark.parametrize(
    "shares", [{"train": 0.5, "validation": 0.4}, {"train": 1.5, "validation": -0.5}, {}]
)
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(ValueError, match="shares must be 0 or more and add up to 1"):
        split_patients(patients(3, 3), shares, seed=1)


def test_shared_patients_are_refused_by_name():
    first = {"aa": "aihub train", "bb": "aihub train", "cc": "aihub validation"}
    second = {"cc": "cq500", "aa": "cq500", "dd": "cq500"}
    with pytest.raises(PatientOverlapError) as caught:
        require_disjoint(first, second)
    assert str(caught.value) == (
        "2 patients are on both sides: aa (aihub train; cq500), cc (aihub validation; cq500)"
    )
    assert isinstance(caught.value, ConfigError)
    require_disjoint(first, {"dd": "cq500"})
