"""What an experiment costs elsewhere: shares, hours and schedules by hand."""

from __future__ import annotations

import pytest

from ichnet.reporting.tables.full_scale import Cost, full_scale_table, makespan

# 3 x 1e9 operations in 0.1 s are 30 GFLOP/s; 72,000 slices take 7,200 s
# 20 M parameters x 16 bytes and 32 x 50 MB of outputs are 1.92 GB
COST = Cost("VGG19", 3, 20_000_000, 1e9, 50_000_000, 0.1, 72_000, 32)


def test_share_and_hours():
    assert COST.share(rate=60e9) == pytest.approx(0.5)
    assert COST.hours(60e9, 60e9) == pytest.approx(2.0)
    assert COST.hours(60e9, 600e9) == pytest.approx(0.2)


def test_table_states_what_was_measured_and_what_was_not():
    table = full_scale_table([COST], {1: 6.0, 8: 2.0}, 60e9, 600e9, batch=2, steps=3)
    assert table.rows == (
        ("VGG19", "3", "20.00", "1.0", "0.1", "0.50", "72,000", "2", "0.2", "32", "1.9"),
    )
    assert "0.06 TFLOP/s, steps of 2 slices, median of 3" in table.caption
    assert "arithmetic, not a measurement" in table.caption
    assert table.notes[0] == "All trainings on 1 such device, one job each at a time: 6 hours."
    assert table.notes[1].startswith("All trainings on 8 such devices")


@pytest.mark.parametrize(("devices", "end"), [(1, 9.5), (2, 5.0), (8, 5.0)])
def test_longest_jobs_first_and_none_before_what_it_waits_for(devices, end):
    hours = {"encoder": 1.0, "subtype": 3.0, "all": 4.0, "ensemble": 1.0, "other": 0.5}
    after = {"subtype": ("encoder",), "ensemble": ("subtype", "all")}
    # two devices: all 0-4; encoder 0-1, subtype 1-4 (longer than other); ensemble 4-5, other 4-4.5
    assert makespan(hours, after, devices) == pytest.approx(end)


def test_jobs_that_wait_for_each_other_are_refused():
    with pytest.raises(ValueError, match="never ready: a, b"):
        makespan({"a": 1, "b": 1}, {"a": ["b"], "b": ["a"]}, 2)
