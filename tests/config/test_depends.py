"""The one list of what depends on what: each change repeats what it concerns, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import Config, ConfigError, load_config
from ichnet.config.depends import (
    DEPENDS_ON,
    differences,
    settings_of,
    settings_of_model,
    settings_of_script,
)

CONFIG = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
MODELS = (
    "VGG19-aihub-strong",
    "MobileNetV2-rsna-weak",
    "encoder-subtype",
    "segmenter-all",
    "segmenter-subtype",
    "segmenter-small-fold2of5",
    "ensemble-all",
    "ensemble-basic",
)
SEGMENTERS = {"segmenter-all", "segmenter-subtype", "segmenter-small-fold2of5"}
ENSEMBLES = {"ensemble-all", "ensemble-basic"}
SHORT = replace(CONFIG.segmenters.training, steps_per_epoch=1)


def changed(section: str, **values: object) -> Config:
    return replace(CONFIG, **{section: replace(getattr(CONFIG, section), **values)})


@pytest.mark.parametrize(
    ("other", "repeated"),
    [
        (replace(CONFIG, seed=1), set(MODELS)),
        (replace(CONFIG, register=("tensorflow_addons",)), set(MODELS)),
        (changed("image", matrix=64), set(MODELS)),
        (changed("augmentation", flip=False), set(MODELS) - ENSEMBLES),
        (changed("classifiers", saliency_weight=9.0), {MODELS[0], MODELS[1]}),
        (changed("classifiers", arms=("rsna-weak",), backbones=("VGG19",)), set()),
        (changed("classifiers", training_by_backbone={"VGG19": SHORT}), {"VGG19-aihub-strong"}),
        # Model 2 alone, through its encoder's weights: none of the four others
        (changed("segmenters", pretraining=SHORT), {"encoder-subtype"}),
        (changed("segmenters", training=SHORT), SEGMENTERS),
        (changed("segmenters", training_by_segmenter={"all": SHORT}), {"segmenter-all"}),
        (changed("segmenters", base_width=4), {*SEGMENTERS, "encoder-subtype"}),
        (changed("selection", small_lesion_ml=9.0), {"segmenter-small-fold2of5"}),
        (changed("ensembles", width=3), ENSEMBLES),
        (
            changed("ensembles", combinations={"all": ("sdh",), "basic": ("all", "subtype")}),
            {"ensemble-all"},
        ),
        (changed("evaluation", threshold=0.7), set()),
        (replace(CONFIG, contrasts=(), export=()), set()),
    ],
)
def test_a_change_repeats_the_models_that_it_concerns(other, repeated):
    assert {
        model
        for model in MODELS
        if settings_of_model(CONFIG, model) != settings_of_model(other, model)
    } == repeated


@pytest.mark.parametrize("result", DEPENDS_ON)
def test_every_result_names_settings_that_there_are(result):
    settings_of(CONFIG, result)


def test_settings_are_told_by_their_names():
    assert settings_of(CONFIG, "slice_position") == {
        "seed": 2023,
        "evaluation.bootstrap_replicates": 500,
    }
    assert settings_of_script(CONFIG, "roc_panels") == settings_of(CONFIG, "tables")
    assert settings_of_model(CONFIG, "ensemble-sah")["members"] == ["all", "subtype", "sah"]


def test_an_unknown_combination_is_refused():
    with pytest.raises(ConfigError, match="no 'seven'"):
        settings_of_model(CONFIG, "ensemble-seven")


def test_differences_name_the_place_and_both_values():
    old = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    new = {"a": {"b": 2, "c": [1, 2]}, "e": True}
    assert list(differences(old, new)) == ["a.b: 1, now 2", "e: None, now True"]


def test_predictions_depend_on_all_that_their_calibration_does():
    """The workflow calibrates and predicts in one step."""
    for name in DEPENDS_ON["calibration"].sections:
        assert name in DEPENDS_ON["predictions"].sections
