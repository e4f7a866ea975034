"""Contrasts: one family, the right scans, the repeats beside the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.config import ContrastConfig, RepeatsConfig, VariantConfig
from ichnet.reporting.measures.estimate import Estimate, signed
from ichnet.reporting.tables import contrasts
from ichnet.reporting.tables.contrasts import (
    COLUMNS,
    UNDERTRAINED,
    ContrastResult,
    adjusted_p,
    contrasts_table,
    external_table,
    verdict,
)
from ichnet.reporting.tables.table import DASH
from ichnet.reporting.tables.variants import change_in_words, variants_table
from ichnet.runs import TEST_COHORTS, RunFolder
from ichnet.runs.predictions import concatenate, read_predictions, scans_path
from ichnet.statistics.crossed import CrossedDifference, crossed_auc_difference
from ichnet.statistics.delong import delong_test

SCANS, DIFFERENCE, BY_TRAINING, ANSWER, CORRECTED, MODEL = (
    COLUMNS.index(name)
    for name in ("Scans", "AUC difference", "By training", "Answer", "p, Holm", "Model")
)
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
        repeats=RepeatsConfig(seeds=(8,)),
    )


@pytest.mark.slow
def test_with_one_training_a_contrast_is_delongs_test_on_its_test_set(run, asked):
    row = contrasts_table(run, asked).rows[2]
    truth, sdh = read_scans(run, "ensemble-sdh")
    _, strong = read_scans(run, STRONG)
    keep = (truth["SDH"] == 1) | (truth["ANY"] == 0)
    expected = delong_test(truth["ANY"][keep], sdh[keep], strong[keep])
    assert isinstance(row[DIFFERENCE], Estimate)
    assert (row[DIFFERENCE].value, row[DIFFERENCE].low, row[DIFFERENCE].high) == pytest.approx(
        (expected.difference, expected.low, expected.high)
    )
    positives = int(truth["SDH"].sum())
    assert row[SCANS] == f"{positives} ICH, {int((truth['ANY'] == 0).sum())} normal"


def test_a_model_that_nobody_trained_is_told(run, asked):
    table = contrasts_table(run, asked)
    assert table.rows[1][ANSWER : BY_TRAINING + 1] == (DASH,) * 5
    assert any("DenseNet121-aihub-weak" in note for note in table.notes)


def result(p: float, family: str, left_out: str = "") -> ContrastResult:
    found = CrossedDifference(0.1, 0.0, 0.2, 0.95, (0.1,), 0.1, 0.0, 0.01, np.inf, p)
    return ContrastResult(ContrastConfig("?", "a", "b", "All", family), "", found, left_out)


def test_p_is_corrected_within_a_family_for_what_takes_part():
    results = [
        result(0.01, "one"),
        result(0.04, "two"),
        result(0.02, "one"),
        result(0.001, "one", "undertrained"),
        ContrastResult(ContrastConfig("?", "a", "b", "All", "one"), "", None),
    ]
    assert adjusted_p(results) == [0.02, 0.04, 0.02, None, None]


@pytest.fixture(scope="module")
def repeated(write_run, tmp_path_factory):
    """A run of two networks and its repeat with seed 8, on the same scans."""
    root = tmp_path_factory.mktemp("repeated")
    run = write_run(root / "a", backbones=("MobileNetV2", "VGG19"), slices_per_scan=1)
    again = write_run(
        root / "b", backbones=("MobileNetV2", "VGG19"), slices_per_scan=1, model_seed=8
    )
    (run.root / "repeats").mkdir()
    again.root.rename(run.root / "repeats" / "8")
    return run


def test_trainings_and_scans_make_one_interval(repeated, config):
    seeds = RepeatsConfig(seeds=(8, 9))  # the second was not run
    asked = replace(config, contrasts=(contrast("ensemble-all", WEAK),), repeats=seeds)
    row = contrasts_table(repeated, asked).rows[0]
    scores = []
    for folder in (repeated, RunFolder(repeated.root / "repeats" / "8")):
        truth, ensemble = read_scans(folder, "ensemble-all")
        scores.append((ensemble, read_scans(folder, WEAK)[1]))
    expected = crossed_auc_difference(truth["ANY"], *zip(*scores, strict=True))
    assert row[DIFFERENCE] == Estimate(expected.value, expected.low, expected.high, signed=True)
    assert row[BY_TRAINING] == ", ".join(signed(one) for one in expected.of_training)


def test_a_mean_over_networks_leaves_out_what_is_undertrained(repeated, config, monkeypatch):
    every = contrast("*-aihub-strong", "*-aihub-weak")
    one = contrast(STRONG, WEAK)
    asked = replace(
        config, contrasts=(every, one, contrast(STRONG.replace("MobileNetV2", "VGG19"), WEAK))
    )
    both = contrasts_table(repeated, asked).rows
    assert both[0][DIFFERENCE] != both[1][DIFFERENCE]
    monkeypatch.setattr(
        contrasts, "undertrained", lambda model, *_: "it guesses" if "VGG19" in model else ""
    )
    table = contrasts_table(repeated, asked)
    assert table.rows[0][DIFFERENCE] == table.rows[1][DIFFERENCE]
    assert table.rows[2][ANSWER] == UNDERTRAINED
    assert table.rows[2][CORRECTED] == DASH
    assert any("Without VGG19-aihub-strong: it guesses" in note for note in table.notes)


def test_a_variant_s_model_stands_against_the_experiment_s(repeated, config):
    """The variant here is a copy of the run, so nothing differs."""
    folder = repeated.root / "variants" / "copy"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("models", "predictions", "calibration"):
        if not (folder / name).exists():
            (folder / name).symlink_to(repeated.root / name)
    variant = VariantConfig("copy", "Does it matter?", {"seed": 1}, (STRONG,))
    table = variants_table(repeated, replace(config, variants=(variant,)))
    (row,) = table.rows
    assert row[MODEL : MODEL + 2] == (f"variants/copy/{STRONG}", STRONG)
    assert (str(row[DIFFERENCE]), row[ANSWER]) == ("+0.000 (+0.000 to +0.000)", "not shown")
    assert table.notes[0] == "copy: seed = 1."


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("seed", 1, "seed = 1"),
        ("phantom.mix_of", {"rsna": "aihub"}, "phantom.mix_of.rsna = aihub"),
        (
            "segmenters.specialist_training",
            {"optimizer": {"class_name": "Adam"}, "epochs": 2},
            "segmenters.specialist_training of its own, as the configuration has it",
        ),
    ],
)
def test_what_a_variant_changes_is_said_in_a_line(place, value, words):
    assert change_in_words(place, value) == words


def test_the_same_contrasts_on_another_record_set(repeated, config):
    """In each training the external answers are those of DUMC alone."""
    for folder in (repeated, RunFolder(repeated.root / "repeats" / "8")):
        for model in ("ensemble-all", WEAK):
            place = folder.external("real").predictions(model)
            place.mkdir(parents=True)
            source = scans_path(folder.predictions(model), "dumc")
            (place / source.name).write_bytes(source.read_bytes())
    seeds = RepeatsConfig(seeds=(8,))
    asked = replace(config, contrasts=(contrast("ensemble-all", WEAK),), repeats=seeds)
    table = external_table(repeated, asked, "real")
    assert table.title == "Contrasts on real"
    assert "40 scans" in table.caption
    assert table.rows[0][SCANS] == "20 ICH, 20 normal"
    assert table.rows[0][BY_TRAINING].count(",") == 1


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
