"""The bar that a classifier must reach, on validation slices and on test scans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ichnet.config import ClaimsConfig
from ichnet.reporting.measures.learned import undertrained, validation_slice_auc
from ichnet.reporting.measures.trainings import load_trainings
from ichnet.runs import RunFolder

STRONG = "MobileNetV2-aihub-strong"


@pytest.mark.parametrize(
    ("claims", "model", "said"),
    [
        (ClaimsConfig(0.85, 0.6), STRONG, ""),
        (ClaimsConfig(0.99, 0.6), STRONG, "validation slices 0."),
        (ClaimsConfig(0.85, 0.99), STRONG, "test scans from 0."),
        (ClaimsConfig(0.99, 0.99), "ensemble-all", ""),
        (ClaimsConfig(0.99, 0.99), "VGG19-untrained", ""),
    ],
)
def test_what_falls_short_is_told(run, config, claims, model, said):
    asked = replace(config, claims=claims)
    why = undertrained(model, run, asked, load_trainings(run, asked, [model]))
    assert said in why
    assert bool(why) == bool(said)


def test_the_validation_auc_is_that_of_the_best_epoch(run):
    log = run.model(STRONG) / "log.csv"
    rows = [line.split(",") for line in log.read_text(encoding="utf-8").splitlines()[1:]]
    best = min(rows, key=lambda row: float(row[3]))
    assert validation_slice_auc(run, STRONG) == float(best[4])
    assert validation_slice_auc(run, "VGG19-untrained") is None


def test_a_weak_arm_has_one_loss_whose_log_names_no_output(tmp_path):
    """As trainings write it: without a saliency loss there is no ``val_probability_loss``."""
    run = RunFolder(tmp_path)
    log = run.model("MobileNetV2-aihub-weak") / "log.csv"
    log.parent.mkdir(parents=True)
    log.write_text("epoch,val_loss,val_probability_auc\n1.0,.5,.81\n2.0,.4,.86\n3.0,.6,.88\n")
    assert validation_slice_auc(run, "MobileNetV2-aihub-weak") == 0.86
