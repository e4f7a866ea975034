from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.predictions import SCAN_COLUMNS, scans_path, write_predictions
from ichnet.reporting.composite import Composite, load_composite
from ichnet.reporting.gallery import choose_cases
from ichnet.runs import RunFolder

SCANS = {
    "hit-1": (1, 0.99),
    "hit-2": (1, 0.9),
    "hit-3": (1, 0.8),
    "hit-4": (1, 0.5),  # a probability at the threshold is a hit
    "miss-1": (1, 0.1),
    "miss-2": (1, 0.49),
    "alarm-1": (0, 0.7),
    "alarm-2": (0, 0.5),
    "rejection": (0, 0.49),
}


@pytest.fixture
def composite(tmp_path: Path) -> Composite:
    run = RunFolder(tmp_path)
    write_predictions(
        (
            {"cohort": "dumc", "scan_id": scan, "ANY": ich, "probability": p}
            for scan, (ich, p) in SCANS.items()
        ),
        SCAN_COLUMNS,
        scans_path(run.predictions("m"), "dumc"),
    )
    return load_composite(run, ["m"])


def test_the_three_surest_of_each_kind(composite: Composite) -> None:
    gallery = choose_cases(composite, "m", 0.5)

    assert [case.scan_id for case in gallery.hits] == ["hit-1", "hit-2", "hit-3"]
    assert [case.scan_id for case in gallery.misses] == ["miss-1", "miss-2"]
    assert [case.scan_id for case in gallery.alarms] == ["alarm-1", "alarm-2"]
    assert gallery.counts == {"hits": 4, "misses": 2, "alarms": 2, "rejections": 1}


def test_scans_with_a_picture_come_first(composite: Composite) -> None:
    gallery = choose_cases(composite, "m", 0.5, pictured={"hit-2", "hit-4", "alarm-2"})

    assert [case.scan_id for case in gallery.hits] == ["hit-2", "hit-4", "hit-1"]
    assert [case.scan_id for case in gallery.misses] == ["miss-1", "miss-2"]
    assert [case.scan_id for case in gallery.alarms] == ["alarm-2", "alarm-1"]
    assert gallery.counts == {"hits": 4, "misses": 2, "alarms": 2, "rejections": 1}
