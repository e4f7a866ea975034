"""Contrasts: one family, the right scans, the repeats beside the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.config import ContrastConfig, RepeatsConfig
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.contrasts import contrasts_table, verdict
from ichnet.reporting.tables.table import DASH
from ichnet.runs import TEST_COHORTS, RunFolder
from ichnet.runs.predictions import concatenate, read_predictions, scans_path
from ichnet.statistics.delong import delong_test
from ichnet.statistics.multiplicity import holm

STRONG, WEAK = "MobileNetV2-aihub-strong", "MobileNetV2-aihub-weak"


def read_scans(run: RunFolder, model: str):
    """Return the truth of all test scans and a model's probabilities, in one order."""
    table = concatenate(
        read_predictions(scans_path(run.predictions(model), cohort)) for cohort in TEST_COHORTS
    )
    order = np.argsort(table["scan_id"].astype(str))
    truth = {name: table[name][order].astype(float) for name in ("ANY", "SDH")}
    return truth, table["probability"][order].astype(float)


def contrast(model: str, against: str, test_set="All") -> ContrastConfig:
    return ContrastConfig("Is it so?", model, against, test_set)


@pytest.fixture
def asked(config):
    """Four contrasts, one of them of a model that nobody trained; one repeat."""
    return replace(
        config,
        contrasts=(
            contrast("ensemble-all", WEAK),
            contrast("DenseNet121-aihub-weak", WEAK),
            contrast("ensemble-sdh", STRONG, "SDH"),
            contrast(STRONG, STRONG),
        ),
        repeats=RepeatsConfig(seeds=(8,), backbones=("MobileNetV2",)),
    )


@pytest.mark.slow
def test_a_contrast_is_delongs_test_on_its_test_set(run, asked):
    table = contrasts_table(run, asked)
    truth, sdh = read_scans(run, "ensemble-sdh")
    _, strong = read_scans(run, STRONG)
    keep = (truth["SDH"] == 1) | (truth["ANY"] == 0)
    expected = delong_test(truth["ANY"][keep], sdh[keep], strong[keep])
    difference = table.rows[2][4]
    assert isinstance(difference, Estimate)
    assert (difference.value, difference.low, difference.high) == pytest.approx(
        (expected.difference, expected.low, expected.high)
    )
    positives = int(truth["SDH"].sum())
    assert table.rows[2][3] == f"{positives} ICH, {int((truth['ANY'] == 0).sum())} normal"


def test_what_was_asked_is_corrected_for_what_could_be_tested(run, asked):
    table = contrasts_table(run, asked)
    truth, ensemble = read_scans(run, "ensemble-all")
    _, weak = read_scans(run, WEAK)
    first = delong_test(truth["ANY"], ensemble, weak).p
    assert table.rows[3][5:7] == ("1.000", "1.000")
    others = [float(str(row[5])) for row in (table.rows[2], table.rows[3])]
    assert "over the 3 contrasts" in table.caption
    assert float(str(table.rows[0][6]).lstrip("<")) == pytest.approx(
        max(holm([first, *others])[0], 1e-4), abs=5e-4
    )


def test_a_model_that_nobody_trained_is_told(run, asked):
    table = contrasts_table(run, asked)
    assert table.rows[1][4:] == (DASH,) * 5
    assert any("DenseNet121-aihub-weak" in note for note in table.notes)


@pytest.mark.slow
def test_repeats_stand_beside_the_run(write_run, tmp_path, config):
    asked = replace(
        config,
        contrasts=(contrast("ensemble-all", WEAK),),
        repeats=RepeatsConfig(seeds=(8, 9), backbones=("MobileNetV2",)),
    )
    run = write_run(tmp_path / "a", backbones=("MobileNetV2",))
    again = write_run(tmp_path / "b", backbones=("MobileNetV2",), seed=8)
    (run.root / "repeats").mkdir()
    again.root.rename(run.root / "repeats" / "8")
    row = contrasts_table(run, asked).rows[0]
    alone = contrasts_table(
        RunFolder(run.root / "repeats" / "8"), replace(asked, repeats=RepeatsConfig((), ()))
    ).rows[0]
    assert isinstance(alone[4], Estimate)
    assert float(str(row[7]).replace("−", "-")) == pytest.approx(alone[4].value, abs=5e-4)
    assert row[8] == DASH  # the second repeat was not run


@pytest.mark.parametrize(
    ("difference", "p", "said"),
    [
        (0.03, 0.01, "yes"),
        (-0.03, 0.01, "no, the opposite"),
        (0.2, 0.05, "not shown"),
        (-0.2, 0.6, "not shown"),
    ],
)
def test_the_answer_in_words(difference, p, said):
    assert verdict(difference, p) == said
