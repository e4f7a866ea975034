"""Training continues where it was interrupted and ends where an uninterrupted one ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import TrainingConfig
from ichnet.training import fit as fit_module
from ichnet.training.checkpoint import load_checkpoint, load_epochs, save_checkpoint
from ichnet.training.compiling import compile_model
from ichnet.training.fit import (
    EpochKeeper,
    best_row,
    fit,
    out_of_patience,
    read_log,
    write_log,
)

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.05}}
TRAINING = TrainingConfig(optimizer=ADAM, batch_size=4, epochs=4, steps_per_epoch=3)


def build(optimizer: str | dict = ADAM) -> keras.Model:
    """A network with every kind of state: kernels, running statistics, optimizer moments."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((3,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(5)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    return compile_model(model, replace(TRAINING, optimizer=optimizer), "mse")


def build_with_addons() -> keras.Model:
    """With one of Keras 2's legacy optimizers, whose state a .keras file alone forgets."""
    pytest.importorskip("tensorflow_addons")
    return build({"class_name": "Addons>LAMB", "config": {"learning_rate": 0.05}})


def epoch_batches(epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(epoch)
    inputs = rng.normal(size=(TRAINING.steps_per_epoch, 4, 3)).astype("float32")
    return [(batch, batch.sum(axis=1, keepdims=True)) for batch in inputs]


def train(first_epoch: int, fail_after: int | None = None) -> tf.data.Dataset:
    def batches():
        for epoch in range(first_epoch, TRAINING.epochs):
            if epoch == fail_after:
                raise KeyboardInterrupt
            yield from epoch_batches(epoch)

    spec = (tf.TensorSpec((4, 3), tf.float32), tf.TensorSpec((4, 1), tf.float32))
    return tf.data.Dataset.from_generator(batches, output_signature=spec)


def validation() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors(epoch_batches(99)[0])


def weights_of(path: Path) -> list[np.ndarray]:
    return keras.models.load_model(path).get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("average_decay", [0.0, 0.9])
@pytest.mark.parametrize("build", [build, build_with_addons])
def test_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(
    build, average_decay, tmp_path
):
    training = replace(TRAINING, average_decay=average_decay)
    fit(build, train, validation(), tmp_path / "whole", training, {"settings": "s"})

    with pytest.raises(BaseException):  # noqa: B017, PT011  (tf.data wraps the interruption)
        fit(
            build,
            lambda e: train(e, fail_after=2),
            validation(),
            tmp_path / "cut",
            training,
            {"settings": "s"},
        )
    assert len(read_log(tmp_path / "cut" / "log.csv")) == 2
    fit(build, train, validation(), tmp_path / "cut", training, {"settings": "s"})

    for name in ("last.keras", "best.keras"):
        for whole, cut in zip(
            weights_of(tmp_path / "whole" / name), weights_of(tmp_path / "cut" / name), strict=True
        ):
            np.testing.assert_array_equal(cut, whole)
    whole_log = read_log(tmp_path / "whole" / "log.csv")
    assert read_log(tmp_path / "cut" / "log.csv") == whole_log
    assert [row["epoch"] for row in whole_log] == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("average_decay", [0.0, 0.9])
def test_the_best_epoch_is_kept_and_returned(average_decay, tmp_path):
    """With the weights that were validated, be they the last step's or their averages."""
    training = replace(TRAINING, average_decay=average_decay)
    model = fit(build, train, validation(), tmp_path / "m", training, {"settings": "s"})
    best = min(row["val_loss"] for row in read_log(tmp_path / "m" / "log.csv"))
    inputs, targets = epoch_batches(99)[0]
    loss = np.mean((model.predict(inputs, verbose=0) - targets) ** 2)
    assert loss == pytest.approx(best, rel=1e-5)


def test_finished_training_is_not_repeated(tmp_path):
    fit(build, train, validation(), tmp_path / "m", TRAINING, {"settings": "s"})

    def never(first_epoch: int) -> tf.data.Dataset:
        raise AssertionError("trained again")

    fit(build, never, validation(), tmp_path / "m", TRAINING, {"settings": "s"})


@pytest.mark.slow
def test_a_folder_of_other_settings_is_started_anew(tmp_path):
    fit(build, train, validation(), tmp_path / "m", TRAINING, {"settings": "old"})
    (tmp_path / "m" / "left_over").touch()
    fit(build, train, validation(), tmp_path / "m", TRAINING, {"settings": "new"})
    assert not (tmp_path / "m" / "left_over").exists()
    assert len(read_log(tmp_path / "m" / "log.csv")) == TRAINING.epochs


def test_no_partial_file_remains(tmp_path):
    fit(build, train, validation(), tmp_path / "m", TRAINING, {"settings": "s"})
    names = {path.name for path in (tmp_path / "m").iterdir()}
    assert names == {
        "best.keras", "last.keras", "log.csv", "made_from.json", "finished.json", "tensorboard",
    }  # fmt: skip


def test_the_summary_names_the_best_epoch(tmp_path):
    fit(build, train, validation(), tmp_path / "m", TRAINING, {"settings": "s"})
    rows = read_log(tmp_path / "m" / "log.csv")
    best = min(rows, key=lambda row: row["val_loss"])
    assert json.loads((tmp_path / "m" / "finished.json").read_text()) == {
        "epochs": 4,
        "best_epoch": best["epoch"],
        "best_val_loss": best["val_loss"],
    }


def test_both_arms_choose_their_epoch_by_the_classification_loss():
    weak = [{"epoch": 1.0, "val_loss": 0.5}, {"epoch": 2.0, "val_loss": 0.4}]
    # the saliency loss rises by 1.0 meanwhile
    strong = [
        {"epoch": 1.0, "val_loss": 1.5, "val_probability_loss": 0.5},
        {"epoch": 2.0, "val_loss": 2.4, "val_probability_loss": 0.4},
    ]
    assert best_row(weak)["epoch"] == best_row(strong)["epoch"] == 2


def test_log_round_trip(tmp_path):
    rows = [{"epoch": 1.0, "loss": 0.1 + 0.2}, {"epoch": 2.0, "loss": 1e-17}]
    write_log(rows, tmp_path / "log.csv")
    assert read_log(tmp_path / "log.csv") == rows
    assert read_log(tmp_path / "absent.csv") == []


def rows_of(*losses: float) -> list[dict[str, float]]:
    return [{"epoch": i + 1.0, "loss": 1.0, "val_loss": loss} for i, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "patience", "out"),
    [
        ((3, 2, 1), 1, False),
        ((3, 1, 2), 1, True),
        ((3, 1, 2), 2, False),
        ((3, 1, 2, 2), 2, True),
        ((1, 1, 1), 2, True),  # equal is no better
        ((3, 1, 2, 2), None, False),
        ((), 1, False),
    ],
)
def test_patience(losses, patience, out):
    assert out_of_patience(rows_of(*losses), patience) is out


def test_training_stops_when_it_is_out_of_patience_and_stays_stopped(tmp_path):
    """A learning rate of 0: no epoch is better than the first."""
    still = {"class_name": "SGD", "config": {"learning_rate": 0.0}}
    patient = replace(TRAINING, patience_epochs=2, optimizer=still)

    def build_still() -> keras.Model:
        keras.utils.set_random_seed(7)
        inputs = keras.Input((3,))
        return compile_model(keras.Model(inputs, keras.layers.Dense(1)(inputs)), patient, "mse")

    fit(build_still, train, validation(), tmp_path / "m", patient, {"settings": "s"})
    assert [row["epoch"] for row in read_log(tmp_path / "m" / "log.csv")] == [1, 2, 3]

    def never(first_epoch: int) -> tf.data.Dataset:
        raise AssertionError("trained again")

    fit(build_still, never, validation(), tmp_path / "m", patient, {"settings": "s"})
    assert json.loads((tmp_path / "m" / "finished.json").read_text())["best_epoch"] == 1


def test_of_equal_epochs_the_first_is_kept(tmp_path):
    keeper = EpochKeeper(tmp_path, rows_of(), None)
    keeper.set_model(build())
    keeper.on_epoch_end(0, {"loss": 1.0, "val_loss": 0.5})
    first = (tmp_path / "best.keras").stat().st_mtime_ns
    keeper.on_epoch_end(1, {"loss": 1.0, "val_loss": 0.5})
    assert (tmp_path / "best.keras").stat().st_mtime_ns == first


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_ends_the_training_and_loses_nothing(tmp_path, name):
    keeper = EpochKeeper(tmp_path, rows_of(), None)
    keeper.set_model(build())
    keeper.on_epoch_end(0, {"loss": 1.0, "val_loss": 0.5})
    kept = (tmp_path / "last.keras").read_bytes()
    with pytest.raises(FloatingPointError, match=rf"{name} is nan after epoch 2; lower the"):
        keeper.on_epoch_end(1, {"loss": 1.0, "val_loss": 0.5, name: float("nan")})
    assert (tmp_path / "last.keras").read_bytes() == kept
    assert len(read_log(tmp_path / "log.csv")) == 1


@pytest.mark.slow
def test_mixed_precision_keeps_weights_and_resumes(tmp_path):
    mixed = replace(TRAINING, precision="mixed_bfloat16", epochs=2)

    def build_mixed() -> keras.Model:
        keras.utils.set_random_seed(7)
        inputs = keras.Input((3,))
        hidden = keras.layers.Dense(4, name="hidden")(inputs)
        outputs = keras.layers.Dense(1, dtype="float32")(hidden)
        return compile_model(keras.Model(inputs, outputs), mixed, "mse")

    fit(
        build_mixed,
        train,
        validation(),
        tmp_path / "m",
        replace(mixed, epochs=1),
        {"settings": "s"},
    )
    model = fit(build_mixed, train, validation(), tmp_path / "m", mixed, {"settings": "s"})
    hidden = model.get_layer("hidden")
    assert hidden.compute_dtype == "bfloat16"
    assert hidden.get_weights()[0].dtype == np.float32
    assert keras.mixed_precision.global_policy().name == "float32"
    assert len(read_log(tmp_path / "m" / "log.csv")) == 2


@pytest.mark.parametrize(
    ("logged", "plain"),
    [
        ("probability_probability_auc", "probability_auc"),
        ("val_probability_probability_probability_auc", "val_probability_auc"),
        ("val_probability_auc", "val_probability_auc"),
        ("val_loss", "val_loss"),
    ],
)
def test_a_resumed_models_metrics_keep_their_names(tmp_path, logged, plain):
    keeper = EpochKeeper(tmp_path, [], None)
    keeper.set_model(build())
    keeper.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0, logged: 1.0})
    assert plain in read_log(tmp_path / "log.csv")[0]


@pytest.mark.slow
def test_finished_epochs_are_counted_where_the_optimizer_counts_fewer_steps(tmp_path):
    """As with mixed precision, which skips steps, or with gradients of several that are added."""
    fit(build, train, validation(), tmp_path / "m", replace(TRAINING, epochs=3), {"settings": "s"})
    last = tmp_path / "m" / "last.keras"
    model = load_checkpoint(last)
    model.optimizer.iterations.assign(2)
    save_checkpoint(model, last, load_epochs(last))
    before = last.read_bytes()
    fit(build, train, validation(), tmp_path / "m", replace(TRAINING, epochs=3), {"settings": "s"})
    assert last.read_bytes() == before


@pytest.mark.slow
def test_a_worker_that_kept_no_epoch_returns_the_best_of_all(tmp_path):
    """A training that is taken up when nothing is left to do, by a worker with its own folder."""
    settings = {"settings": "s"}
    best = fit(build, train, validation(), tmp_path / "m", TRAINING, settings)
    (tmp_path / "own").mkdir()
    strategy = tf.distribute.get_strategy()
    places = (tmp_path / "m", tmp_path / "own")
    again = fit_module._fit(build, train, validation(), *places, TRAINING, strategy, lambda _: ())
    for one, other in zip(again.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
