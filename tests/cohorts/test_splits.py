"""Splits by patient."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnet.cohorts.splits import (
    PatientOverlapError,
    patient_strata,
    require_disjoint,
    split_patients,
)
from ichnet.config import ConfigError

SHARES = {"train": 0.65, "validation": 0.15, "ensemble": 0.2}


def patients(with_sdh: int, without: int) -> dict[str, str]:
    return {f"i{i}": "SDH" for i in range(with_sdh)} | {f"n{i}": "" for i in range(without)}


def counts(splits, strata, stratum):
    counted = Counter(split for patient, split in splits.items() if strata[patient] == stratum)
    return [counted[name] for name in SHARES]


def test_a_patient_belongs_to_the_one_subtype_of_all_scans(entry):
    entries = [
        entry("1", "a", "000000"),
        entry("2", "a", "100001", "000000"),
        entry("3", "b", "000000"),
        entry("4", "c", "100010"),
        entry("7", "c", "100001"),  # SAH on one scan, SDH on another
        entry("5", "d", any_label=-1),
        entry("6", "e", any_label=1),  # subtype unknown
    ]
    assert patient_strata(entries) == {"a": "SDH", "b": "", "c": "mixed", "d": "", "e": "ANY"}
    assert patient_strata([]) == {}


def test_a_rare_subtype_is_in_every_split():
    strata = patients(200, 200) | {"s1": "SAH", "s2": "SAH", "s3": "SAH"}
    splits = split_patients(strata, SHARES, seed=4)
    assert {splits[name] for name in ("s1", "s2", "s3")} == set(SHARES)


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
def test_each_stratum_is_divided_by_the_shares(number, expected):
    strata = patients(number, 20)
    splits = split_patients(strata, SHARES, seed=1)
    assert splits.keys() == strata.keys()
    assert counts(splits, strata, "SDH") == expected
    assert counts(splits, strata, "") == [13, 3, 4]


def test_it_depends_on_the_seed_and_not_on_the_order():
    strata = patients(30, 30)
    splits = split_patients(strata, SHARES, seed=1)
    backwards = dict(reversed(list(strata.items())))
    assert split_patients(backwards, SHARES, seed=1) == splits
    assert split_patients(strata, SHARES, seed=2) != splits


def test_a_share_of_0_stays_empty():
    splits = split_patients(patients(7, 7), {"train": 1.0, "validation": 0.0}, seed=1)
    assert set(splits.values()) == {"train"}


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 99))
def test_everybody_is_in_one_split_and_no_split_is_empty_for_want_of_rounding(a, b, seed):
    strata = patients(a, b)
    splits = split_patients(strata, SHARES, seed)
    assert splits.keys() == strata.keys()
    for number, stratum in ((a, "SDH"), (b, "")):
        divided = counts(splits, strata, stratum)
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
