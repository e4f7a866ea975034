"""The arithmetic behind the findings on the review of difficult cases, and the abstract's areas."""

from __future__ import annotations

from collections import Counter

from printed import HALF_UNIT, NETWORKS, misfit, successes


def test_difficult_counts_add_up(ledger):
    d = {number.id.removeprefix("difficult/"): number.value for number in ledger.under("difficult")}
    assert d["for-ai/ich"] + d["for-ai/normal"] == d["for-ai"] == 91
    assert d["for-ai"] + d["for-humans"] == d["cases"] == 161
    assert d["complete-agreement"] + d["some-disagreement"] == 161
    agreed_with_truth = 161 - d["against-truth"]
    assert (agreed_with_truth, d["complete-agreement"] - agreed_with_truth) == (66, 15)
    votes = Counter({key: value for key, value in d.items() if key.startswith("votes/")})
    assert votes.total() == d["against-truth"] == 95
    assert d["changed"] <= 95 - d["votes/three-disagreed"]


def test_shares_of_changed_cases(ledger):
    percent, changed, cases = ledger["difficult/changed/share-of-difficult"].values
    assert (changed, cases) == (48, 161) == (ledger["difficult/changed"].value, cases)
    assert round(100 * 48 / 161) == percent
    assert round(100 * 48 / 986, 1) == ledger["difficult/changed/share-of-test"].value


def solutions(sensitivity: float, specificity: float, accuracy: float) -> list[tuple[int, ...]]:
    """All (ICH, found, normal, rejected) of 161 cases that print as these three."""
    return [
        (ich, found, 161 - ich, rejected)
        for ich in range(1, 161)
        for found in successes(sensitivity, ich)
        for rejected in successes(specificity, 161 - ich)
        if abs((found + rejected) / 161 - accuracy) <= HALF_UNIT
    ]


def test_the_models_rates_are_exchanged(ledger):
    original, amended = (
        {key: ledger[f"difficult/{truth}/{key}"].value for key in ("sensitivity", "specificity")}
        for truth in ("original", "amended")
    )
    accuracy = ledger["difficult/original/accuracy"].value
    # as printed: one solution, with fewer normal cases than DUMC alone contributes
    assert solutions(original["sensitivity"], original["specificity"], accuracy) == [
        (109, 47, 52, 24)
    ]
    assert ledger["difficult/for-ai/normal"].value == 74 > 52
    # exchanged: as many missed as in Table 3
    exchanged = solutions(original["specificity"], original["sensitivity"], accuracy)
    assert exchanged == [(52, 24, 109, 47)]
    missed_in_table3 = 492 - successes(ledger["table3/all/All/sensitivity"].value, 492)[0]
    assert (52 - 24, 109 - 47) == (missed_in_table3, 62) == (28, 62)

    accuracy = ledger["difficult/amended/accuracy"].value
    after = solutions(amended["specificity"], amended["sensitivity"], accuracy)
    assert (80, 42, 81, 37) in after
    # 48 changed, those to ICH less those to normal: 80 - 52
    changed = ledger["difficult/changed"].value
    to_ich, to_normal = (changed + 80 - 52) / 2, (changed - 80 + 52) / 2
    assert (to_ich, to_normal) == (38, 10)
    # no other solution is reached from 52 by changing 48
    reachable = [ich for ich, *_ in after if abs(ich - 52) <= 48 and (48 + ich - 52) % 2 == 0]
    assert reachable == [80]


def test_accuracies_are_whole_numbers_of_161(ledger):
    right = [
        successes(ledger[f"difficult/expert-{reader}/accuracy"].value, 161)
        for reader in range(1, 7)
    ]
    assert right == [[108], [123], [114], [103], [110], [115]]
    assert successes(ledger["difficult/original/accuracy"].value, 161) == [24 + 47]
    assert successes(ledger["difficult/amended/accuracy"].value, 161) == [42 + 37]


def test_the_published_areas_differ_and_are_by_scan(ledger):
    for model in ("ensemble", *NETWORKS):
        published = ledger[f"published/{model}/auc"]
        here = "table3/all/All" if model == "ensemble" else f"table2/{model}/aihub-strong"
        assert published.value != ledger[f"{here}/auc"].value
        assert misfit(published, 986) < 0.0005
    assert ledger["published/difficult-cases"].value == ledger["difficult/for-ai"].value
