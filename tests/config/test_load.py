"""A configuration is read in full or refused with the key and the cause."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ichnet.config import (
    Config,
    ConfigError,
    TrainingConfig,
    WindowConfig,
    config_from_mapping,
    config_to_mapping,
    fingerprint,
    load_config,
    members_of,
    save_config,
    weights_split,
)
from ichnet.config.load import ConfigLoader

MODELS = Path(__file__).parents[2] / "models"
PHANTOM = MODELS / "phantom.yaml"
CONFIGURATIONS = sorted(MODELS.glob("*.yaml"))

Mapping = dict[str, Any]


@pytest.fixture(scope="module")
def plain() -> Mapping:
    mapping: Mapping = yaml.safe_load(PHANTOM.read_text(encoding="utf-8"))
    return mapping


@pytest.fixture
def load(plain: Mapping, tmp_path: Path) -> Callable[..., Config]:
    """Load the demonstration's configuration with one value changed, through a file."""

    def load(*keys: str | int, value: object) -> Config:
        mapping = copy.deepcopy(plain)
        section: Any = mapping
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = value
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(mapping), encoding="utf-8")
        return load_config(path)

    return load


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_the_configurations_of_the_project_round_trip(path, tmp_path):
    config = load_config(path)
    copy_path = tmp_path / "config.yaml"
    save_config(config, copy_path)
    assert load_config(copy_path) == config
    assert config_from_mapping(config_to_mapping(config)) == config


def test_both_configurations_are_there():
    assert {path.name for path in CONFIGURATIONS} >= {"phantom.yaml", "paper.yaml"}


def test_the_paper_s_values():
    config = load_config(MODELS / "paper.yaml")
    assert config.selection.slices_per_subtype == 1300
    assert config.selection.scans_with_ich == 6963
    assert config.selection.small_lesion_ml == 5
    assert len(config.classifiers.backbones) * len(config.classifiers.arms) == 12
    assert members_of(config, "all") == ("all", "subtype", "sdh", "sah", "small")
    assert members_of(config, "basic") == ("all", "subtype")
    assert config.evaluation.bootstrap_replicates == 500
    assert config.evaluation.threshold == 0.5
    assert config.evaluation.uncertain == (0.4, 0.6)


def test_types_are_those_of_the_fields():
    config = load_config(PHANTOM)
    assert config.image.windows[0] == WindowConfig(level_hu=40.0, width_hu=80.0)
    assert isinstance(config.image.windows[0].level_hu, float)  # written as 40
    assert config.phantom.slices == (14, 18)
    assert config.register == ()
    assert config.classifiers.weights == "models/weights"
    with pytest.raises(FrozenInstanceError):
        config.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        # misspelt keys, with the nearest known one
        (["image", "matrx"], 128, "mine.yaml: image: unknown key 'matrx'; did you mean 'matrix'?"),
        (["sed"], 1, "mine.yaml: unknown key 'sed'; did you mean 'seed'?"),
        (
            ["segmenters", "training", "batchsize"],
            8,
            "mine.yaml: segmenters: training: unknown key 'batchsize'; did you mean 'batch_size'?",
        ),
        (
            ["image", "windows", 0, "level"],
            40,
            "mine.yaml: image: windows[0]: unknown key 'level'; did you mean 'level_hu'?",
        ),
        ([7], 1, "mine.yaml: unknown key 7; did you mean"),
        # wrong types
        (["seed"], "one", "mine.yaml: seed: expected int, got 'one'"),
        (["seed"], True, "mine.yaml: seed: expected int, got True"),
        (["seed"], 1.5, "mine.yaml: seed: expected int, got 1.5"),
        (["seed"], None, "mine.yaml: seed: expected int, got None"),
        (["name"], 3, "mine.yaml: name: expected str, got 3"),
        (["augmentation", "flip"], 1, "augmentation: flip: expected bool, got 1"),
        (["augmentation", "scale"], True, "augmentation: scale: expected float, got True"),
        (["image"], [1], "mine.yaml: image: expected keys and values, got [1]"),
        (["export"], "ensemble-all", "mine.yaml: export: expected a list, got 'ensemble-all'"),
        (["image", "windows"], [3], "image: windows[0]: expected keys and values, got 3"),
        (["phantom", "slices"], [1, 2, 3], "phantom: slices: expected 2 values, got 3"),
        (["phantom", "scans"], [1], "phantom: scans: expected keys and values, got [1]"),
        (["phantom", "scans", "rsna"], "x", "phantom: scans.rsna: expected int, got 'x'"),
        # values that mean nothing
        (
            ["augmentation", "sharpness"],
            [0.5, -0.5],
            "mine.yaml: augmentation.sharpness must be two ordered numbers from -1",
        ),
        (
            ["segmenters", "training", "average_decay"],
            1.0,
            "mine.yaml: a training's average_decay must be from 0 to below 1",
        ),
        # choices
        (
            ["classifiers", "backbones"],
            ["VGG16"],
            "classifiers: backbones[0]: 'VGG16' is not one of DenseNet121, InceptionResNetV2,",
        ),
        (
            ["classifiers", "weights"],
            "random",
            "'random' is neither imagenet nor a folder",
        ),
        (["ensembles", "weighting"], ["image"], "weighting: ['image'] is not one of image, pixel"),
        (
            ["ensembles", "combinations", "sdh"],
            ["all", "edh"],
            "combinations.sdh[1]: 'edh' is not one of all, subtype, sdh, sah, small",
        ),
        # either of two types: neither
        (["segmenters", "training", "optimizer"], 3, "training: optimizer: expected str, got 3"),
        # values no experiment can run with
        (["name"], "a b", "mine.yaml: name: 'a b' names a folder and stands in commands"),
        (["name"], "$(id)", "name: '$(id)' names a folder and stands in commands"),
        (["name"], "../up", "name: '../up' names a folder and stands in commands"),
        (["evaluation", "uncertain"], [0.6, 0.4], "uncertain must be two ordered probabilities"),
        (["evaluation", "uncertain"], [0.4, 1.2], "uncertain must be two ordered probabilities"),
        (["selection", "validation_share"], 0.8, "leave no patient for training"),
        (["selection", "ensemble_share"], -0.1, "leave no patient for training"),
        (["ensembles", "maps"], "out-of-fold", "set selection.ensemble_share to 0"),
    ],
)
def test_refused_with_the_key_and_the_cause(load, keys, value, message):
    with pytest.raises(ConfigError) as error:
        load(*keys, value=value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["segmenters", "training", "optimizer"], "Adam"),
        (["classifiers", "weights"], "imagenet"),
        (["classifiers", "weights"], None),
        (["classifiers", "weights"], "models/weights"),
        (["segmenters", "weights"], "embedded"),
        (["segmenters", "weights"], "models/weights"),
        (["register"], ["tensorflow_addons"]),
        (["evaluation", "uncertain"], [0.5, 0.5]),
        (["image", "field_of_view_mm"], 256),
    ],
)
def test_accepted(load, keys, value):
    mapping = config_to_mapping(load(*keys, value=value))
    for key in keys:
        mapping = mapping[key]
    assert mapping == value


@pytest.mark.parametrize(
    ("section", "key"),
    [(None, "seed"), (None, "image"), ("image", "windows"), ("ensembles", "width")],
)
def test_a_missing_key_is_named(plain, section, key):
    mapping = copy.deepcopy(plain)
    del (mapping[section] if section else mapping)[key]
    where = f"here: {section}" if section else "here"
    with pytest.raises(ConfigError, match=f"^{where}: missing {key}$"):
        config_from_mapping(mapping, source="here")


def test_several_missing_keys_are_named_together(plain):
    mapping = {key: plain[key] for key in plain if key not in ("seed", "export")}
    with pytest.raises(ConfigError, match="missing seed, export"):
        config_from_mapping(mapping)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "just text\n"])
def test_a_file_of_something_else(tmp_path, content):
    path = tmp_path / "other.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"other\.yaml: expected keys and values"):
        load_config(path)


def test_no_file_and_no_yaml(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        load_config(tmp_path / "absent.yaml")
    (tmp_path / "broken.yaml").write_text("image: {matrix: 128\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml.*"):
        load_config(tmp_path / "broken.yaml")


def test_no_such_combination():
    with pytest.raises(ConfigError, match=r"no 'tiny': basic, sdh, sah, small, all"):
        members_of(load_config(PHANTOM), "tiny")


def test_fingerprints_change_with_any_value():
    config = load_config(PHANTOM)
    same = load_config(PHANTOM)
    assert fingerprint(config) == fingerprint(same)
    assert len(fingerprint(config)) == 12
    window = replace(config.image.windows[3], width_hu=2801.0)
    other = replace(config.image, windows=(*config.image.windows[:3], window))
    assert fingerprint([config.image, config.seed]) != fingerprint([other, config.seed])
    assert fingerprint([config.image, 1]) != fingerprint([config.image, 2])


@pytest.mark.parametrize(
    ("text", "number"), [("1e-4", 1e-4), ("1E+3", 1000.0), ("+2.5e-1", 0.25), (".5e1", 5.0)]
)
def test_exponents_without_a_point_are_numbers(tmp_path, text, number):
    """Also where a configuration is open, as an optimizer's is; YAML 1.1 takes them for text."""
    path = tmp_path / "mine.yaml"
    yaml_text = PHANTOM.read_text(encoding="utf-8")
    path.write_text(yaml_text.replace("learning_rate: 0.003", f"learning_rate: {text}"), "utf-8")
    optimizer = load_config(path).ensembles.training.optimizer
    assert optimizer == {"class_name": "Adam", "config": {"learning_rate": number}}


def test_fields_with_a_default_may_be_left_out(load):
    training = load("seed", value=1).classifiers.training
    assert (training.patience_epochs, training.precision) == (None, "float32")
    changed = load("classifiers", "training", "patience_epochs", value=3)
    assert changed.classifiers.training.patience_epochs == 3


def test_a_backbone_can_have_a_training_of_its_own(load):
    usual = load("seed", value=1).classifiers
    assert usual.of("VGG19") == usual
    own = {"optimizer": "SGD", "batch_size": 2, "epochs": 7, "steps_per_epoch": 3}
    settings = load("classifiers", "training_by_backbone", value={"VGG19": own}).classifiers
    assert settings.of("VGG19").training == TrainingConfig("SGD", 2, 7, 3)
    # another's training is no part of what MobileNetV2 depends on
    assert settings.of("MobileNetV2") == usual.of("MobileNetV2")


def test_a_training_of_an_unknown_backbone_is_refused(load):
    message = "training_by_backbone: 'VGG16' is not one of DenseNet121"
    with pytest.raises(ConfigError, match=message):
        load("classifiers", "training_by_backbone", value={"VGG16": {}})


def test_weights_are_fitted_on_held_out_or_on_training_patients(load):
    config = load("selection", "ensemble_share", value=0)
    assert weights_split(config) == "ensemble"
    out_of_fold = replace(config, ensembles=replace(config.ensembles, maps="out-of-fold"))
    assert weights_split(out_of_fold) == "train"


def test_one_fold_is_none(load, tmp_path):
    config = load("selection", "ensemble_share", value=0)
    ensembles = replace(config.ensembles, maps="out-of-fold", folds=1)
    save_config(replace(config, ensembles=ensembles), tmp_path / "one.yaml")
    with pytest.raises(ConfigError, match=r"one.yaml: ensembles.folds must be 2 or more"):
        load_config(tmp_path / "one.yaml")


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (["evaluation", "threshold"], 50.0, "thresholds are probabilities"),
        (["evaluation", "top_pixels"], 0, "top_pixels must be 1 or more"),
        (["phantom", "slices"], [9, 3], "two ordered numbers from 1"),
        (["phantom", "ich_share"], {"rsna": 5.0}, "shares are from 0 to 1"),
        (["repeats"], {"seeds": [4, 4]}, "repeats.seeds: each once"),
        (["ensembles", "combinations"], {"twice": ["all", "all"]}, "each once"),
        (["export"], [], "export must name a model"),
        (["ensembles", "training", "batch_size"], 0, "at least one slice"),
    ],
)
def test_values_that_cannot_be_used_are_refused(place, value, problem, tmp_path):
    mapping = config_to_mapping(load_config(PHANTOM))
    *path, last = place
    section = mapping
    for name in path:
        section = section[name]
    section[last] = value
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        load_config(tmp_path / "c.yaml")


def test_a_key_that_comes_twice_is_refused(tmp_path):
    text = PHANTOM.read_text(encoding="utf-8") + "\nseed: 999\n"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="the key 'seed' comes twice"):
        load_config(tmp_path / "c.yaml")


def test_a_merged_key_may_come_again():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a\n"
    assert yaml.load(text, ConfigLoader) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 1, "y": 2},
    }
