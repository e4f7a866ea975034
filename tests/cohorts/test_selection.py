"""Balanced draws, decided by the seed and the sources' names alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ichnet.cohorts.selection import SelectionError, select_scans, select_slices
from ichnet.config import ConfigError
from ichnet.subtypes import LABEL_INDEX, SUBTYPES

NORMAL = "000000"


def only(subtype: str) -> str:
    """The labels, as six digits, of a slice with one subtype."""
    return "1" + "".join(str(int(name == subtype)) for name in SUBTYPES)


@pytest.fixture(scope="session")
def entries(entry):
    """Ten scans of each subtype, 2 slices with and 4 without; 30 normal scans of 5 slices."""
    with_ich = [
        entry(f"{subtype}{i:02d}", f"p{subtype}{i}", *[only(subtype)] * 2, *[NORMAL] * 4)
        for subtype in SUBTYPES
        for i in range(10)
    ]
    return with_ich + [entry(f"normal{i:02d}", f"n{i}", *[NORMAL] * 5) for i in range(30)]


def names(chosen):
    return [(item.slice_key, item.chosen_for) for item in chosen]


def test_as_many_of_each_subtype_and_as_many_without(entries):
    chosen = select_slices(entries, slices_per_subtype=8, seed=1)
    assert Counter(item.chosen_for for item in chosen) == {**dict.fromkeys(SUBTYPES, 8), "NONE": 40}
    assert len({item.slice_key for item in chosen}) == 80
    for item in chosen:
        labels = item.entry.slice_labels[item.slice_key]
        if item.chosen_for == "NONE":
            assert labels == (0,) * 6
        else:
            assert labels[LABEL_INDEX[item.chosen_for]] == 1


def test_it_depends_on_the_seed_and_not_on_the_order_of_the_listing(entries):
    chosen = names(select_slices(entries, 8, seed=1))
    assert names(select_slices(entries[::-1], 8, seed=1)) == chosen
    assert names(select_slices(entries, 8, seed=2)) != chosen


def test_slices_of_a_scan_come_together(entries):
    chosen = select_slices(entries, 8, seed=1)
    keys = [(item.entry.scan_key, item.slice_key) for item in chosen]
    assert keys == sorted(keys)


def test_slices_without_hemorrhage_spread_over_scans(entries):
    # 80 scans hold some: 40 of them give one each; with 100 wanted, 80 give one, 20 a second
    def spread(slices_per_subtype):
        chosen = select_slices(entries, slices_per_subtype, seed=3)
        scans = Counter(item.entry.scan_key for item in chosen if item.chosen_for == "NONE")
        return Counter(scans.values())

    assert spread(8) == {1: 40}
    assert spread(20) == {1: 60, 2: 20}


def test_the_subtype_with_fewest_slices_left_is_drawn_first(entry):
    # EDH is only where SDH is as well, IVH only where IPH is
    entries = [
        entry("a", "a", *["110001"] * 3, *[only("SDH")] * 5, *[NORMAL] * 15),
        entry("b", "b", *["101100"] * 3, *[only("IPH")] * 3, *[only("SAH")] * 3),
    ]
    chosen = select_slices(entries, 3, seed=0)
    by_subtype = {name: set() for name in (*SUBTYPES, "NONE")}
    for item in chosen:
        by_subtype[item.chosen_for].add(item.slice_key)
    assert by_subtype["EDH"] == {"a.0", "a.1", "a.2"}
    assert by_subtype["IVH"] == {"b.0", "b.1", "b.2"}
    assert by_subtype["IPH"] == {"b.3", "b.4", "b.5"}
    assert len(by_subtype["SDH"]) == 3
    assert not by_subtype["SDH"] & by_subtype["EDH"]


def test_a_shortfall_names_the_subtype_and_both_numbers(entries):
    one_left = [item for item in entries if item.scan_key[:3] != "SAH" or item.scan_key == "SAH09"]
    with pytest.raises(SelectionError, match=r"3 slices with SAH are wanted .* there are 2$"):
        select_slices(one_left, 3, seed=1)


def test_a_shortfall_tells_of_slices_that_went_to_rarer_subtypes(entry):
    shared = entry("a", "a", *["110001"] * 3, *["101110"] * 20, *[NORMAL] * 99)
    with pytest.raises(SelectionError) as caught:
        select_slices([shared], 3, seed=1)
    assert "3 slices with SDH are wanted" in str(caught.value)
    assert str(caught.value).endswith("there are 3, 3 of them drawn for rarer subtypes")


def test_a_shortfall_without_hemorrhage_is_named_too(entries):
    few = [
        replace(item, slice_labels={k: v for k, v in item.slice_labels.items() if v[0] or i < 1})
        for i, item in enumerate(entries[:50])
    ]
    few.append(replace(entries[50], scan_key="z"))  # 4 of the first scan and 5 of this one: 9
    with pytest.raises(ConfigError, match=r"^10 slices without .* there are 9$"):
        select_slices(few, 2, seed=1)


def test_unknown_labels_are_neither_with_nor_without(entry):
    unknown = entry("a", "a", *[NORMAL] * 5)
    labels = dict.fromkeys(unknown.slice_labels, (-1,) * 6)
    with pytest.raises(SelectionError, match="there are 0"):
        select_slices([replace(unknown, slice_labels=labels)], 1, seed=1)


def test_as_many_scans_with_as_without(entries):
    chosen = select_scans(entries, scans_with_ich=20, seed=5)
    assert Counter(item.scan_labels[0] for item in chosen) == {1: 20, 0: 20}
    assert len({item.scan_key for item in chosen}) == 40
    assert select_scans(entries[::-1], 20, seed=5) == chosen
    assert select_scans(entries, 20, seed=6) != chosen
    assert [item.scan_key for item in chosen] == sorted(item.scan_key for item in chosen)


def test_all_scans_when_there_are_as_many_as_wanted(entries):
    few = entries[:30] + entries[50:]
    chosen = select_scans(few, 30, seed=5)
    assert {item.scan_key for item in chosen} == {item.scan_key for item in few}


def test_scans_of_unknown_label_are_not_drawn(entry):
    entries = [entry("a", "a", NORMAL), entry("b", "b", only("SDH")), entry("c", "c", any_label=-1)]
    assert [item.scan_key for item in select_scans(entries, 1, seed=0)] == ["a", "b"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (31, "31 scans without hemorrhage are wanted .* there are 30$"),
        (51, "51 scans with hemorrhage are wanted .* there are 50$"),
    ],
)
def test_too_few_scans_are_an_error(entries, wanted, message):
    with pytest.raises(SelectionError, match=message):
        select_scans(entries, wanted, seed=5)
