"""What every training shares: registered extensions, the optimizer, the compile step."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import keras

from ichnet.config import ConfigError, TrainingConfig


def register_modules(names: Sequence[str]) -> None:
    """Import modules for the Keras objects they register, e.g. ``tensorflow_addons``.

    Afterwards a configuration can name what they hold: ``{class_name: "Addons>LAMB", ...}``.

    Raises:
        ConfigError: when a module cannot be imported on this stack.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(f"register: cannot import {name}: {error}") from error


def make_optimizer(training: TrainingConfig) -> keras.optimizers.Optimizer:
    """Return a new optimizer from its name or its Keras configuration.

    Raises:
        ConfigError: when Keras knows no such optimizer.
    """
    given = copy.deepcopy(training.optimizer)  # Keras changes the dictionary that it is given
    try:
        if isinstance(given, dict):
            # Keras 2 itself would make one of its legacy optimizers, which .keras files forget
            built_in = _built_in_optimizers().get(str(given["class_name"]).lower())
            if built_in is not None:
                settings = given.get("config", {})
                if isinstance(settings.get("learning_rate"), dict):
                    schedule = settings["learning_rate"]
                    settings["learning_rate"] = keras.optimizers.schedules.deserialize(schedule)
                return built_in.from_config(settings)
        return keras.optimizers.get(given)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"training.optimizer {training.optimizer!r}: {error}") from error


def named_object(kind: Literal["losses", "metrics"], given: str | dict[str, Any], key: str) -> Any:
    """Return a new loss or metric from its name or its Keras configuration.

    Args:
        kind: which of Keras's modules knows it.
        given: e.g. ``BinaryCrossentropy`` or ``{class_name: "Addons>CohenKappa", config: {...}}``.
        key: the configuration's key, for messages.

    Raises:
        ConfigError: when Keras knows no such object.
    """
    module, wanted = {
        "losses": (keras.losses, keras.losses.Loss),
        "metrics": (keras.metrics, keras.metrics.Metric),
    }[kind]
    identifier = {"class_name": given, "config": {}} if isinstance(given, str) else given
    try:
        made = module.deserialize(copy.deepcopy(identifier))
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{key} {given!r}: {error}") from error
    if not isinstance(made, wanted):  # Keras 3 hands an unknown configuration back
        raise ConfigError(f"{key} {given!r}: Keras knows no such object")
    return made


def _built_in_optimizers() -> dict[str, Any]:
    """Return Keras's own optimizers by their names in lower case."""
    members = vars(keras.optimizers).items()
    return {name.lower(): member for name, member in members if isinstance(member, type)}


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers with a dtype policy, e.g. ``mixed_float16``; outputs stay float32."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def compile_model(
    model: keras.Model,
    training: TrainingConfig,
    loss: Any,
    loss_weights: Mapping[str, float] | None = None,
    metrics: Any = None,
    steps_per_execution: int = 1,
) -> keras.Model:
    """Compile ``model`` and return it.

    ``steps_per_execution`` steps are run in one call of TensorFlow (as in Keras): of a small
    network they finish before Python could have asked for the next. It must divide the steps of an
    epoch.

    XLA is off: Keras 3 itself would turn it on, which on a CPU makes steps slower
    (``benchmarks/saliency_step.py --xla``).
    """
    model.compile(
        optimizer=make_optimizer(training),
        loss=loss,
        loss_weights=loss_weights,
        metrics=metrics,
        jit_compile=False,
        steps_per_execution=steps_per_execution,
    )
    # or the first step would make the optimizer's variables, and TensorFlow trace it once more
    if hasattr(model.optimizer, "build"):  # Keras 2's legacy optimizers have none
        model.optimizer.build(model.trainable_variables)
    return model
