"""Optimizers and extensions by name, and the arms that differ in their loss alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ichnet.config import Config, ConfigError, TrainingConfig, load_config
from ichnet.training.classifier import classifier_targets, compile_classifier
from ichnet.training.compiling import compile_model, make_optimizer, named_object, register_modules

MATRIX = 8


def training(optimizer) -> TrainingConfig:
    return TrainingConfig(optimizer=optimizer, batch_size=4, epochs=1, steps_per_epoch=2)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")


def with_weight(config: Config, saliency_weight: float) -> Config:
    return replace(config, classifiers=replace(config.classifiers, saliency_weight=saliency_weight))


def test_an_optimizer_by_name():
    assert isinstance(make_optimizer(training("sgd")), keras.optimizers.SGD)


@pytest.mark.parametrize("name", ["Adam", "adam"])
def test_an_optimizer_by_its_configuration(name):
    """One whose state a .keras file keeps: on Keras 2, not a legacy one."""
    mapping = {"class_name": name, "config": {"learning_rate": 0.0625, "beta_1": 0.5}}
    optimizer = make_optimizer(training(mapping))
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == 0.0625
    assert optimizer.get_config()["beta_1"] == 0.5


def test_the_configuration_stays_as_it_is():
    """Keras changes names in what it reads; a training's fingerprint would change with them."""
    asked = training({"class_name": "Adam", "config": {"learning_rate": 0.01}})
    make_optimizer(asked)
    assert asked == training({"class_name": "Adam", "config": {"learning_rate": 0.01}})


def test_each_model_gets_an_optimizer_of_its_own():
    mapping = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    assert make_optimizer(training(mapping)) is not make_optimizer(training(mapping))


@pytest.mark.parametrize(
    "optimizer",
    [
        "adamm",
        {"class_name": "Adamm", "config": {}},
        {"class_name": "Adam", "config": {"rate": 1}},
        {"class_name": "get", "config": {}},
        {"config": {}},
    ],
)
def test_an_unknown_optimizer_is_refused(optimizer):
    with pytest.raises(ConfigError, match=r"training\.optimizer .*: "):
        make_optimizer(training(optimizer))


def test_modules_are_imported_for_what_they_register(tmp_path, monkeypatch):
    (tmp_path / "their_extensions.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable('theirs')\n"
        "class Slow(keras.optimizers.SGD):\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    register_modules(["their_extensions"])
    optimizer = make_optimizer(
        training({"class_name": "theirs>Slow", "config": {"learning_rate": 0.5}})
    )
    assert type(optimizer) is sys.modules["their_extensions"].Slow
    assert float(optimizer.learning_rate) == 0.5


def test_a_module_that_is_not_installed_is_refused():
    with pytest.raises(ConfigError, match="register: cannot import no_such_module: No module"):
        register_modules(["json", "no_such_module"])


def classifier() -> keras.Model:
    """A network with a classifier's two outputs, on an 8 x 8 slice."""
    keras.utils.set_random_seed(12)
    hu = keras.Input((MATRIX, MATRIX), name="hu")
    channels = keras.layers.Reshape((MATRIX, MATRIX, 1))(hu)
    features = keras.layers.Conv2D(3, 3, 2, padding="same", activation="relu", name="f")(channels)
    features = keras.layers.BatchNormalization()(features)
    evidence = keras.layers.Dense(1, use_bias=False)(features)
    saliency = keras.layers.Reshape((4, 4), name="saliency")(evidence)
    logit = keras.layers.GlobalAveragePooling2D()(evidence)
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model(hu, {"probability": probability, "saliency": saliency})


def batches() -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Two batches of four, as the records give them; one lesion pixel on each positive slice."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(2):
        hu = rng.normal(size=(4, MATRIX, MATRIX)).astype("float32")
        mask = np.zeros((4, MATRIX, MATRIX), np.float32)
        mask[[0, 2], rng.integers(MATRIX, size=2), rng.integers(MATRIX, size=2)] = 1
        labels = np.zeros((4, 6), np.float32)
        labels[[0, 2], 0] = 1
        made.append(classifier_targets({"hu": hu, "mask": mask, "labels": labels}))
    return made


def compiled(config: Config, strong: bool) -> keras.Model:
    """A compiled classifier; two steps are done before a graph of them is traced."""
    model = compile_classifier(classifier(), config, strong)
    model.run_eagerly = True
    return model


def trained(config: Config, strong: bool) -> list[np.ndarray]:
    model = compiled(config, strong)
    for hu, targets in batches():
        model.train_on_batch(hu, targets)
    return model.get_weights()


def test_without_its_weight_the_saliency_loss_changes_nothing(config):
    """The strong arm at saliency weight 0 is the weak arm, bit for bit."""
    weak = trained(config, strong=False)
    for one, two in zip(weak, trained(with_weight(config, 0.0), strong=True), strict=True):
        np.testing.assert_array_equal(one, two)
    strong = trained(with_weight(config, 1.0), strong=True)
    assert any((one != two).any() for one, two in zip(weak, strong, strict=True))


def test_xla_is_off(config):
    """Keras 3 would turn it on."""
    assert compile_classifier(classifier(), config, strong=True).jit_compile is False


def test_targets_are_any_hemorrhage_and_the_outline():
    hu, targets = batches()[0]
    assert hu.shape == (4, MATRIX, MATRIX)
    np.testing.assert_array_equal(targets["probability"], [[1], [0], [1], [0]])
    np.testing.assert_array_equal(targets["saliency"].sum(axis=(1, 2)), [1, 0, 1, 0])


def test_the_strong_loss_is_the_weighted_sum(config):
    hu, targets = batches()[0]

    def loss(strong: bool, weight: float = 1.0) -> float:
        model = compiled(with_weight(config, weight), strong)
        return model.evaluate(hu, targets, return_dict=True, verbose=0)["loss"]

    weak = loss(strong=False)
    saliency = loss(strong=True) - weak
    assert saliency > 0.1
    assert loss(strong=True, weight=3.0) == pytest.approx(weak + 3 * saliency, rel=1e-4)


def test_a_compiled_model_comes_back_whole(config, tmp_path):
    """Loss, weights of losses and optimizer are in the file, so training can go on."""
    model = compiled(with_weight(config, 2.0), strong=True)
    (hu, targets), (more_hu, more_targets) = batches()
    model.train_on_batch(hu, targets)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    again.run_eagerly = True
    for one in (model, again):
        one.train_on_batch(more_hu, more_targets)
    assert int(again.optimizer.iterations) == 2
    for one, two in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_compiling_without_loss_weights_counts_each_loss_once():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.set_weights([np.array([[2.0]])])
    compiled = compile_model(
        model, training({"class_name": "SGD", "config": {"learning_rate": 0.1}}), "mse"
    )
    assert compiled is model
    # loss (2x - 0)^2 at x = 1: gradient 4, step 0.1 * 4
    model.train_on_batch(np.ones((1, 1)), np.zeros((1, 1)))
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(1.6)


@pytest.mark.parametrize(
    "given",
    ["BinaryFocalCrossentropy", {"class_name": "BinaryFocalCrossentropy", "config": {"gamma": 3}}],
)
def test_a_loss_by_its_name_or_configuration(config, given):
    settings = replace(config.classifiers, loss=given, metrics=("BinaryAccuracy",))
    model = compile_classifier(classifier(), replace(config, classifiers=settings), strong=False)
    model.run_eagerly = True
    hu, targets = batches()[0]
    log = model.evaluate(hu, targets, return_dict=True, verbose=0)
    probability = model.predict(hu, verbose=0)["probability"].astype("float64")
    gamma = given["config"]["gamma"] if isinstance(given, dict) else 2
    right = np.where(targets["probability"] == 1, probability, 1 - probability)
    assert log["loss"] == pytest.approx(np.mean(-((1 - right) ** gamma) * np.log(right)), rel=1e-4)
    assert "probability_binary_accuracy" in log


@pytest.mark.parametrize("kind", ["losses", "metrics"])
def test_an_unknown_loss_or_metric_is_refused(kind):
    with pytest.raises(ConfigError, match=r"classifiers\.x 'Nothing': "):
        named_object(kind, "Nothing", "classifiers.x")


def test_a_learning_rate_schedule_and_clipping_as_yaml_gives_them(tmp_path):
    """Half a cosine over two steps from 0.4: 0.4, 0.2, then none; the gradient 4 clipped to 1."""
    schedule = {
        "class_name": "CosineDecay",
        "config": {"initial_learning_rate": 0.4, "decay_steps": 2},
    }
    config = {"learning_rate": schedule, "global_clipnorm": 1.0}
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.set_weights([np.array([[2.0]])])
    model = compile_model(model, training({"class_name": "SGD", "config": config}), "mse")
    model.run_eagerly = True
    moved = []
    for _ in range(3):
        model.train_on_batch(np.ones((1, 1)), np.zeros((1, 1)))
        moved.append(float(model.get_weights()[0][0, 0]))
    np.testing.assert_allclose(moved, [1.6, 1.4, 1.4], atol=1e-6)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert int(again.optimizer.iterations) == 3


def test_a_warm_up_before_a_cosine_as_yaml_gives_it():
    """From 0.1 to 0.5 in two steps, then half a cosine over two steps down to a tenth of 0.5."""
    schedule = {
        "class_name": "CosineDecay",
        "config": {
            "initial_learning_rate": 0.1,
            "warmup_target": 0.5,
            "warmup_steps": 2,
            "decay_steps": 2,
            "alpha": 0.1,
        },
    }
    config = {"learning_rate": schedule, "weight_decay": 0.25, "global_clipnorm": 1.0}
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.set_weights([np.array([[1.0]])])
    model = compile_model(model, training({"class_name": "SGD", "config": config}), "mse")
    model.run_eagerly = True
    weight, moved = 1.0, []
    for rate in (0.1, 0.3, 0.5, 0.275, 0.05):
        weight -= rate * 0.25 * weight
        model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))  # no gradient
        moved.append(float(model.get_weights()[0][0, 0]))
        assert moved[-1] == pytest.approx(weight, rel=1e-5), rate


@pytest.mark.parametrize("name", ["phantom", "reproduce", "paper"])
def test_schedules_of_the_project_end_with_their_trainings(name):
    """Warm-up and decay together are as many steps as there are."""
    config = load_config(Path(__file__).parents[2] / "models" / f"{name}.yaml")
    trainings = [
        config.classifiers.training,
        *config.classifiers.training_by_backbone.values(),
        config.segmenters.training,
        config.segmenters.pretraining,
    ]
    for one in trainings:
        rate = one.optimizer["config"]["learning_rate"] if isinstance(one.optimizer, dict) else 0
        if isinstance(rate, dict):
            settings = rate["config"]
            steps = settings.get("warmup_steps", 0) + settings["decay_steps"]
            assert steps == one.epochs * one.steps_per_epoch
        make_optimizer(one)
