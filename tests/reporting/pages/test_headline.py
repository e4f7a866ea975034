"""Nothing is called found by a model that may guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.metrics import SetMetrics, load_metrics
from ichnet.reporting.measures.model_predictions import (
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.pages.headline import headline, tiles
from ichnet.runs import RunFolder

REFUSED = (f"{FINAL_MODEL} cannot be told from a model that guesses.",)


@pytest.fixture(scope="module")
def predictions(run: RunFolder) -> ModelPredictions:
    return load_predictions(run, [FINAL_MODEL])


@pytest.fixture(scope="module")
def metrics(run: RunFolder, config: Config) -> SetMetrics:
    return load_metrics(run, config).of("scan")


def with_auc(metrics: SetMetrics, value: float, low: float, high: float) -> SetMetrics:
    changed = replace(metrics.models[FINAL_MODEL], auc=Estimate(value, low, high))
    return replace(metrics, models={FINAL_MODEL: changed})


def test_a_good_model_is_told_by_what_it_finds(
    predictions: ModelPredictions, metrics: SetMetrics, config: Config
) -> None:
    point = metrics.models[FINAL_MODEL].decisions
    text = headline(predictions, metrics, (), config)
    assert f"finds {point.true_positives} of {metrics.with_ich} scans with hemorrhage" in text
    assert "raises a false alarm on" in text
    labels = [tile["label"] for tile in tiles(metrics, (), config)]
    assert labels == [
        "AUC of the final ensemble",
        f"Sensitivity at {config.evaluation.threshold:g}",
        f"Specificity at {config.evaluation.threshold:g}",
        "Test scans",
    ]


@pytest.mark.parametrize(
    ("auc", "said"),
    [
        ((0.580, 0.430, 0.730), "cannot be told from guessing: its AUC on the test scans is 0.580"),
        ((0.700, 0.500, 0.900), "cannot be told from guessing"),  # the end belongs to the interval
        ((0.500, 0.500, 0.500), "cannot be told from guessing"),
        ((0.300, 0.150, 0.450), "does worse than guessing"),
    ],
)
def test_a_model_at_chance_finds_nothing(
    predictions: ModelPredictions,
    metrics: SetMetrics,
    config: Config,
    auc: tuple[float, float, float],
    said: str,
) -> None:
    chance = with_auc(metrics, *auc)
    text = headline(predictions, chance, (), config)
    assert said in text
    assert "finds" not in text
    assert "false alarm" not in text
    assert "Test set: 70 scans" in text
    labels = [tile["label"] for tile in tiles(chance, (), config)]
    assert labels == ["AUC of the final ensemble", "Test scans"]
    assert REFUSED[0] in headline(predictions, chance, REFUSED, config)


def test_just_above_chance_is_told_by_what_it_finds(
    predictions: ModelPredictions, metrics: SetMetrics, config: Config
) -> None:
    assert "finds" in headline(predictions, with_auc(metrics, 0.7, 0.501, 0.9), (), config)


def test_a_model_that_was_not_calibrated_is_told_by_its_auc_alone(
    predictions: ModelPredictions, metrics: SetMetrics, config: Config
) -> None:
    text = headline(predictions, metrics, REFUSED, config)
    assert text.startswith(REFUSED[0])
    assert f"On the test scans its AUC is {metrics.models[FINAL_MODEL].auc}." in text
    assert "finds" not in text
    assert len(tiles(metrics, REFUSED, config)) == 2
