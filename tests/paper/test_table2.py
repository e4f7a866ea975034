"""The arithmetic behind the findings on Table 2: weakly and strongly trained networks."""

from __future__ import annotations

import math

import pytest
from printed import ARMS, NETWORKS, misfit, p_range, units_of_width

from ichnet.statistics.hanley_mcneil import hanley_mcneil_standard_error


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
