"""The arithmetic behind every finding of the paper's ledger."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from scipy.special import betaincinv, ndtr

from ichnet.paper import LEDGER_PATH, STATUSES, Ledger, PrintedNumber, load_ledger
from ichnet.statistics.hanley_mcneil import hanley_mcneil_standard_error
from ichnet.statistics.multiplicity import holm
from ichnet.statistics.proportions import proportion_interval

NETWORKS = ("DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19")
ARMS = ("rsna-weak", "aihub-weak", "aihub-strong")
ENSEMBLES = ("basic", "sdh", "sah", "small", "all")
SUBSETS = {"All": 492, "SDH": 43, "SAH": 117}
NORMAL = 494
SUBTYPES = ("EDH", "IPH", "IVH", "SAH", "SDH")
HALF_UNIT = 0.0005 + 1e-9  # of three printed decimals


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def successes(share: float, total: int) -> list[int]:
    """Counts of ``total`` that print as ``share``."""
    return [k for k in range(total + 1) if abs(k / total - share) <= HALF_UNIT]


def units_of_width(number: PrintedNumber) -> float:
    """Units for which a proportion's interval is as wide as printed."""
    value, low, high = number.values
    return value * (1 - value) / ((high - low) / 3.92) ** 2


def misfit(number: PrintedNumber, total: int) -> float:
    """How far Clopper and Pearson's ends are from the printed ones, at the best unrounded value."""
    value, low, high = number.values
    best = math.inf
    for step in range(-50, 51):
        hits = (value + step * 1e-5) * total
        ends = betaincinv(hits, total - hits + 1, 0.025), betaincinv(hits + 1, total - hits, 0.975)
        best = min(best, max(abs(ends[0] - low), abs(ends[1] - high)))
    return best


# the ledger itself


def test_every_table_is_complete(ledger):
    assert len(ledger) == LEDGER_PATH.read_text(encoding="utf-8").count("{printed: ")  # no id twice
    assert {number.status for number in ledger.values()} == set(STATUSES)
    for network in NETWORKS:
        for arm in ARMS:
            fields = {"auc", "sensitivity", "specificity"} | ({"p"} if arm != ARMS[0] else set())
            keys = {number.id.split("/")[-1] for number in ledger.under(f"table2/{network}/{arm}")}
            assert keys == fields
    for ensemble in ENSEMBLES:
        for subset in SUBSETS:
            fields = {"auc", "sensitivity", "specificity"} | (
                {"p"} if ensemble != "basic" else set()
            )
            keys = {n.id.split("/")[-1] for n in ledger.under(f"table3/{ensemble}/{subset}")}
            assert keys == fields


def test_estimates_lie_within_their_intervals(ledger):
    for table in ("table2", "table3", "published"):
        for number in ledger.under(table):
            if number.id.endswith(("auc", "sensitivity", "specificity")):
                value, low, high = number.values
                assert low <= value <= high


@pytest.mark.parametrize(
    ("printed", "values"),
    [
        ("0.771 (0.767 - 0.775)", (0.771, 0.767, 0.775)),
        (".953 (.938-.965)", (0.953, 0.938, 0.965)),
        ("25,185 (47.5%)", (25185, 47.5)),
        ("P < 0.0001 (*0.0030)", (0.0001, 0.003)),
        ("492 ICH, 494 normal", (492, 494)),
        ("five", (5,)),
    ],
)
def test_numbers_are_read_from_what_is_printed(printed, values):
    number = PrintedNumber("x", printed, "consistent", "f", "", "")
    assert number.values == values
    assert number.value == values[0]


def test_words_alone_have_no_value(ledger):
    with pytest.raises(ValueError, match="holds no number"):
        _ = ledger["text/test/normals-of-subsets"].value


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("{printed: '1', status: wrong, finding: f}", "'wrong' is not one of consistent"),
        ("{printed: '1', status: consistent, finding: g}", "no finding 'g'"),
        ("{printed: '1', finding: f}", "printed, status and finding"),
    ],
)
def test_a_faulty_ledger_is_refused(tmp_path: Path, number: str, message: str) -> None:
    path = tmp_path / "ledger.yaml"
    path.write_text(f"findings: {{f: {{reading: r, reason: w}}}}\nnumbers: {{a/b: {number}}}\n")
    with pytest.raises(ValueError, match=message) as error:
        load_ledger(path)
    assert str(path) in str(error.value)


def test_an_idle_finding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.yaml"
    path.write_text("findings: {f: {reading: r, reason: w}}\nnumbers: {}\n")
    with pytest.raises(ValueError, match="no number belongs to f"):
        load_ledger(path)


# Table 1


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


# Table 2


def test_table2_areas_are_by_slice(ledger):
    areas = ledger.of_finding("by-slice") + ledger.of_finding("by-slice-off-centre")
    assert len(areas) == 12
    for number in areas:
        assert 35_000 < units_of_width(number) < 90_000
        value, low, high = number.values
        by_scan = hanley_mcneil_standard_error(value, 487, 499)
        assert by_scan > 5 * (high - low) / 3.92
    assert hanley_mcneil_standard_error(0.77, 487, 499) == pytest.approx(0.0150, abs=5e-5)
    assert round(45_300 / 986) == 46
    # the exact binomial interval of 45,300 units is the printed one for most
    fits = [misfit(number, 45_300) < 0.001 for number in ledger.of_finding("by-slice")]
    assert sum(fits) >= 9


def test_table2_areas_off_their_intervals_centre(ledger):
    for number in ledger.under("table2"):
        if not number.id.endswith("/auc"):
            continue
        value, low, high = number.values
        off = abs((low + high) / 2 - value) > 0.00101
        assert off == (number.finding == "by-slice-off-centre")


def test_table2_rates_are_of_the_other_class(ledger):
    for network in NETWORKS:
        for arm in ARMS:
            cell = f"table2/{network}/{arm}"
            under_sensitivity = units_of_width(ledger[f"{cell}/sensitivity"])
            under_specificity = units_of_width(ledger[f"{cell}/specificity"])
            assert 32_000 < under_sensitivity < 45_000
            assert 6_800 < under_specificity < 8_000
            # 487 scans of 46 slices, all of them with hemorrhage, would be fewer
            assert under_sensitivity > 487 * 46


def test_table2_p_values(ledger):
    for network in NETWORKS:
        reference = ledger[f"table2/{network}/rsna-weak/auc"].value
        for arm in ARMS[1:]:
            cell = f"table2/{network}/{arm}"
            lowest, highest = p_range(
                ledger[f"{cell}/auc"].value - reference, ledger[f"{cell}/p"].values[1]
            )
            p = ledger[f"{cell}/p"]
            if p.finding == "p-densenet":
                assert highest < 1e-20 < p.value == 0.0003
            elif "<" in p.printed:
                assert lowest < p.value
            else:
                assert lowest <= p.value <= highest
    assert round(0.041 / 0.0039, 1) == 10.5


def test_strong_against_weak_by_scan(ledger):
    """On the same data: clear without any correlation for two networks, unclear with much."""
    clear = {}
    for network in NETWORKS:
        strong = ledger[f"table2/{network}/aihub-strong/auc"].value
        weak = ledger[f"table2/{network}/aihub-weak/auc"].value
        errors = [hanley_mcneil_standard_error(auc, 487, 499) for auc in (strong, weak)]
        z_alone = (strong - weak) / math.hypot(*errors)
        z_paired = z_alone / math.sqrt(1 - 0.8)
        assert abs(z_alone) > 1.96 or abs(z_paired) < 1.96
        clear[network] = (strong > weak) if abs(z_alone) > 1.96 else None
    assert clear == {
        "DenseNet121": False,
        "InceptionResNetV2": None,
        "MobileNetV2": None,
        "VGG19": True,
    }


# Table 3


def p_range(difference: float, standard_error: float) -> tuple[float, float]:
    """Smallest and largest two-sided p that the rounding of both leaves open."""
    largest = abs(difference) + 2 * HALF_UNIT
    smallest = max(abs(difference) - 2 * HALF_UNIT, 0.0)
    half = 0.00005
    return (
        2 * float(ndtr(-largest / (standard_error - half))),
        2 * float(ndtr(-smallest / (standard_error + half))),
    )


def test_table3_has_five_more_hemorrhages_than_table1(ledger):
    ich = ledger["table1/dumc/ich"].value + ledger["table1/qure/ich"].value
    normal = ledger["table1/dumc/normal"].value + ledger["table1/qure/normal"].value
    assert (ich, normal) == (487, 499)
    assert ledger["table3/scans/All"].values == (492, NORMAL)
    for subset in ("SDH", "SAH"):
        assert ledger[f"table3/scans/{subset}"].values == (SUBSETS[subset], NORMAL)
        assert SUBSETS[subset] >= ledger[f"table1/dumc/{subset}"].value


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("subset", SUBSETS)
def test_table3_sensitivities_are_clopper_pearson(ledger, ensemble, subset):
    number, total = ledger[f"table3/{ensemble}/{subset}/sensitivity"], SUBSETS[subset]
    value, low, high = number.values
    if number.finding == "sensitivity-rounded-twice":
        assert successes(value, total) == []
        found = 116
        assert (round(found / total, 4), round(found / total, 3)) == (0.9915, 0.991)
        assert value == 0.992
    else:
        (found,) = successes(value, total)
    interval = proportion_interval(found, total)
    assert (round(interval.low, 3), round(interval.high, 3)) == (low, high)


def test_table3_sensitivities_need_492(ledger):
    values = [ledger[f"table3/{e}/All/sensitivity"].values for e in ENSEMBLES]

    def all_fit(total: int) -> bool:
        return all(
            any(
                abs(interval.low - low) <= HALF_UNIT and abs(interval.high - high) <= HALF_UNIT
                for interval in (proportion_interval(k, total) for k in successes(value, total))
            )
            for value, low, high in values
        )

    assert all_fit(492)
    assert not all_fit(487)


def test_table3_specificities_are_of_494(ledger):
    values = [ledger[f"table3/{e}/All/specificity"].value for e in ENSEMBLES]
    assert [successes(v, 494) for v in values] == [[347], [386], [384], [383], [408]]
    assert [successes(v, 499) for v in values] == [[], [], [], [], [412]]
    for ensemble in ENSEMBLES:
        printed = {ledger[f"table3/{ensemble}/{subset}/specificity"].printed for subset in SUBSETS}
        assert len(printed) == 1
        number = ledger[f"table3/{ensemble}/All/specificity"]
        value, low, high = number.values
        assert 350 < units_of_width(number) < 650
        off = abs((low + high) / 2 - value)
        error = math.sqrt(value * (1 - value) / NORMAL)
        if number.finding == "specificity-off-centre":
            assert off == pytest.approx(0.0125)
            assert off / error == pytest.approx(2 / 3, abs=0.01)
        else:
            assert off < 0.0021


def test_table3_areas_as_proportions_of_all_scans(ledger):
    for ensemble in ENSEMBLES:
        number = ledger[f"table3/{ensemble}/All/auc"]
        assert misfit(number, 986) < 0.001
        assert hanley_mcneil_width(number, 492) == pytest.approx(1, abs=0.07)
        number = ledger[f"table3/{ensemble}/SDH/auc"]
        assert misfit(number, 43 + NORMAL) < 0.001
        assert hanley_mcneil_width(number, 43) == pytest.approx(2.4, abs=0.06)


def hanley_mcneil_width(number: PrintedNumber, positives: int) -> float:
    """Width of Hanley and McNeil's interval over the printed one."""
    value, low, high = number.values
    return 3.92 * hanley_mcneil_standard_error(value, positives, NORMAL) / (high - low)


def test_table3_sah_intervals_are_too_narrow(ledger):
    ratios = []
    for ensemble in ENSEMBLES:
        number = ledger[f"table3/{ensemble}/SAH/auc"]
        value, low, high = number.values
        exact = proportion_interval(round(value * 611), 611)
        ratios.append((exact.high - exact.low) / (high - low))
        assert hanley_mcneil_width(number, 117) > 18
        assert units_of_width(number) > 78_000 > 2.5 * 611 * 46
    assert (round(min(ratios)), round(max(ratios))) == (12, 17)


def test_table3_p_values(ledger):
    count = 0
    for ensemble in ENSEMBLES[1:]:
        for subset in SUBSETS:
            p, standard_error = ledger[f"table3/{ensemble}/{subset}/p"].values
            difference = (
                ledger[f"table3/{ensemble}/{subset}/auc"].value
                - ledger[f"table3/basic/{subset}/auc"].value
            )
            lowest, highest = p_range(difference, standard_error)
            assert lowest <= p <= highest
            count += 1
    assert count == 12


def test_table3_after_holm(ledger):
    p = [ledger[f"table3/{ensemble}/All/p"].value for ensemble in ENSEMBLES[1:]]
    adjusted = holm(p)
    assert p[-1] == 0.0379
    assert adjusted[-1] == pytest.approx(0.1516)
    assert (adjusted > 0.05).all()


# review of difficult cases


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


# the abstract as published


def test_the_published_areas_differ_and_are_by_scan(ledger):
    for model in ("ensemble", *NETWORKS):
        published = ledger[f"published/{model}/auc"]
        here = "table3/all/All" if model == "ensemble" else f"table2/{model}/aihub-strong"
        assert published.value != ledger[f"{here}/auc"].value
        assert misfit(published, 986) < 0.0005
    assert ledger["published/difficult-cases"].value == ledger["difficult/for-ai"].value
