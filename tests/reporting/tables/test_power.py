"""What a plan can find: each row by the function that it is computed with."""

from __future__ import annotations

from ichnet.reporting.tables.power import ASSUMPTIONS, power_table
from ichnet.statistics.power import crossed_difference_power

SCANS = {"All": 500, "SDH": 150, "SAH": 150, "Small": 200}


def test_each_row_has_the_power_of_its_assumption():
    table = power_table(SCANS, 500, 3)
    rows = iter(table.rows)
    for one in ASSUMPTIONS:
        for test_set in one.test_sets:
            row = next(rows)
            difference = float(str(row[3]))
            expected = crossed_difference_power(
                one.auc, one.auc + difference, SCANS[test_set], 500, 3, one.training_sd,
                one.correlation,
            )  # fmt: skip
            assert row[:3] == (one.family, test_set, str(SCANS[test_set]))
            assert row[7] == f"{expected:.2f}"
    assert next(rows, None) is None


def test_what_more_scans_or_trainings_would_need():
    few = power_table(dict.fromkeys(SCANS, 60), 60, 3).rows
    assert few[0][8:] == ("–", "over 10")
    many = power_table(SCANS, 500, 3).rows
    assert int(str(many[4][8]).replace(",", "")) < 500
    assert many[4][9] == "3"
