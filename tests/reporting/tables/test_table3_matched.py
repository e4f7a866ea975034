from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ichnet.config import Config
from ichnet.reporting.tables.table3_matched import table3_matched
from ichnet.runs import RunFolder
from ichnet.runs.predictions import SCAN_COLUMNS, scans_path, write_predictions
from ichnet.statistics.proportions import mcnemar_test

ICH = {"basic": (0.9, 0.8, 0.6, 0.3), "all": (0.45, 0.4, 0.35, 0.1)}
NORMAL = {"basic": (0.7, 0.65, 0.2, 0.1), "all": (0.2, 0.1, 0.3, 0.36)}
"""At 0.5 ``basic`` finds 3 of 4 and ``all`` none, although ``all`` ranks scans better."""


def write(run: RunFolder, ich: dict, normal: dict) -> None:
    for name in ich:
        rows = [
            {
                **dict.fromkeys(("ANY", "SDH"), kind),
                "SAH": 0,
                "cohort": "dumc",
                "scan_id": f"{kind}{index}",
                "volume_ml": 9.0 * kind,
                "probability": probability,
            }
            for kind, values in ((1, ich[name]), (0, normal[name]))
            for index, probability in enumerate(values)
        ]
        write_predictions(
            rows, SCAN_COLUMNS, scans_path(run.predictions(f"ensemble-{name}"), "dumc")
        )


@pytest.fixture
def pair(config: Config) -> Config:
    combinations = {name: config.ensembles.combinations[name] for name in ("basic", "all")}
    return replace(config, ensembles=replace(config.ensembles, combinations=combinations))


def cells(table, start: str, model: str) -> dict[str, str]:
    (found,) = [r for r in table.rows if str(r[0]).startswith(start) and r[1] == model]
    return dict(zip(table.columns, map(str, found), strict=True))


def test_by_hand(tmp_path: Path, pair: Config) -> None:
    run = RunFolder(tmp_path)
    write(run, ICH, NORMAL)
    table = table3_matched(run, pair)
    basic, final = cells(table, "All", "ensemble-basic"), cells(table, "All", "ensemble-all")
    # basic: 3 of 4 at 0.5; the third highest hemorrhage lies at 0.6, two normals reach that
    assert (basic["Threshold"], basic["Specificity difference"]) == ("0.600", "reference")
    assert basic["Sensitivity"].startswith("0.750 (")
    assert basic["Specificity"].startswith("0.500 (")
    # all: the third highest lies at 0.35, one normal reaches it; two normals gained, one lost
    assert final["Threshold"] == "0.350"
    assert final["Sensitivity"] == basic["Sensitivity"]
    assert final["Specificity"].startswith("0.750 (")
    assert final["Specificity difference"] == "+0.250"
    assert final["p"] == final["p, Holm"] == "1.000"  # 2 against 1
    assert set(list(cells(table, "All", "segmenter-sdh").values())[3:]) == {"–"}
    assert "segmenter-sdh: no predictions for dumc." in table.notes


def test_a_monotone_change_of_probabilities_changes_nothing(tmp_path: Path, pair: Config) -> None:
    """At 0.5 the same model on another scale would look worse; matched it is the same model."""
    run = RunFolder(tmp_path)
    halved = [tuple(p / 2 for p in values["basic"]) for values in (ICH, NORMAL)]
    write(run, {**ICH, "all": halved[0]}, {**NORMAL, "all": halved[1]})
    table = table3_matched(run, pair)
    basic, final = cells(table, "All", "ensemble-basic"), cells(table, "All", "ensemble-all")
    assert [final[k] for k in ("Sensitivity", "Specificity")] == [
        basic[k] for k in ("Sensitivity", "Specificity")
    ]
    assert final["Specificity difference"] == "+0.000"


def test_p_is_that_of_the_normal_scans_on_which_the_two_differ(
    tmp_path: Path, pair: Config
) -> None:
    run = RunFolder(tmp_path)
    write(run, {"basic": (0.9, 0.8), "all": (0.9, 0.8)}, {"basic": (0.85,) * 8, "all": (0.1,) * 8})
    final = cells(table3_matched(run, pair), "All", "ensemble-all")
    assert final["Specificity difference"] == "+1.000"
    assert final["p"] == f"{mcnemar_test(8, 0):.3f}" == "0.008"


def test_what_cannot_be_matched_is_dashes_with_the_reason(tmp_path: Path, pair: Config) -> None:
    run = RunFolder(tmp_path)
    write(run, {"basic": (0.1, 0.2), "all": (0.9, 0.8)}, {"basic": (0.1, 0.2), "all": (0.1, 0.2)})
    table = table3_matched(run, pair)
    assert set(list(cells(table, "All", "ensemble-all").values())[3:]) == {"–"}
    assert "All: no numbers, ensemble-basic finds no hemorrhage at 0.5." in table.caption
    assert "SAH: no numbers, 0 with and 2 without ICH" in table.caption


def test_every_model_reaches_the_reference_s_sensitivity(run, config) -> None:
    table = table3_matched(run, config)
    assert len(table.rows) == 4 * (5 + 5 + 3)
    for head in dict.fromkeys(row[0] for row in table.rows):
        reached = np.array([row[4].value for row in table.rows if row[0] == head])
        assert (reached >= reached[0]).all()
