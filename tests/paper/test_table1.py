"""The arithmetic behind the findings on Table 1: counts of scans and slices."""

from __future__ import annotations

import pytest
from printed import SUBTYPES


@pytest.mark.parametrize("cohort", ["aihub", "rsna", "dumc", "qure"])
def test_table1_adds_up(ledger, cohort):
    column = {n.id.split("/")[-1]: n.values for n in ledger.under(f"table1/{cohort}")}
    cases, ich = column["cases"][0], column["ich"][0]
    assert column["normal"][0] + ich == cases
    assert sum(column[name][0] for name in (*SUBTYPES, "mixed")) == ich
    for name, (count, *percent) in column.items():
        if name in ("cases", "age"):
            continue
        whole = cases if name in ("normal", "ich", "female") else ich
        assert abs(100 * count / whole - percent[0]) <= 0.05 + 1e-9


def test_rsna_has_7499_hemorrhages(ledger):
    percent, wrong, cases = ledger["text/rsna/ich-in-results"].values
    assert (ledger["table1/rsna/ich"].value, wrong) == (7499, 7449)
    assert abs(100 * 7499 / cases - percent) <= 0.05 < abs(100 * wrong / cases - percent)
    assert ledger["text/rsna/cases"].value != ledger["table1/rsna/cases"].value
    assert ledger["text/rsna/ich"].value != 7499


def test_aihub_labels_are_not_exclusive(ledger):
    labels = {s: ledger[f"text/aihub/{s}"].value for s in SUBTYPES}
    pure = {s: ledger[f"table1/aihub/{s}"].value for s in SUBTYPES}
    mixed = ledger["text/aihub/mixed"].value
    assert sum(labels.values()) == 10_166
    assert sum(pure.values()) == 4_180 == ledger["text/aihub/ich"].value - mixed
    assert sum(labels.values()) - sum(pure.values()) == 5_986
    assert 5_986 / mixed == pytest.approx(2.11, abs=0.005)
    share = {s: round(100 * (labels[s] - pure[s]) / mixed, 1) for s in SUBTYPES}
    assert share == {"SAH": 60.9, "IPH": 57.3, "SDH": 45.7, "IVH": 39.9, "EDH": 7.5}
    assert ledger["text/aihub/normal"].value + ledger["text/aihub/ich"].value == 53_045


def test_training_and_test_scans(ledger):
    assert 5 * ledger["text/training/slices-per-subtype"].value == 6_500
    assert ledger["text/training/slices"].value == 6_500
    scans = ledger["text/training/scans"].value
    assert 2 * scans == ledger["text/training/scans-in-all"].value
    assert scans <= ledger["table1/aihub/ich"].value
    for cohort in ("dumc", "qure"):
        cases, ich, normal = ledger[f"text/{cohort}/cases"].values
        assert ich + normal == cases == ledger[f"table1/{cohort}/cases"].value
    total = ledger["table1/dumc/cases"].value + ledger["table1/qure/cases"].value
    assert total == ledger["text/test/cases"].value == 986
