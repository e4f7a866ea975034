"""The arithmetic behind the findings on Table 3: five weighted ensembles."""

from __future__ import annotations

import math

import pytest
from printed import (
    ENSEMBLES,
    HALF_UNIT,
    NORMAL,
    SUBSETS,
    misfit,
    p_range,
    successes,
    units_of_width,
)

from ichnet.paper import PrintedNumber
from ichnet.statistics.hanley_mcneil import hanley_mcneil_standard_error
from ichnet.statistics.multiplicity import holm
from ichnet.statistics.proportions import proportion_interval


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
