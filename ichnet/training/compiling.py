"""Common to all trainings: registered modules, losses and optimizers by name, compilation."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import keras

from ichnet.config import ConfigError, TrainingConfig


def register_modules(names: Sequence[str]) -> None:
    """Import modules that register Keras objects, e.g. ``tensorflow_addons``.

    Afterwards a configuration can name these objects, e.g. ``{class_name: "Addons>LAMB", ...}``.

    Raises:
        ConfigError: when a module cannot be imported on this stack.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(f"register: cannot import {name}: {error}") from error


def make_optimizer(training: TrainingConfig) -> keras.optimizers.Optimizer:
    """Create an optimizer from its name or its Keras configuration.

    Raises:
        ConfigError: when Keras knows no such optimizer.
    """
    given = copy.deepcopy(training.optimizer)  # Keras changes the dictionary that it is given
    try:
        if isinstance(given, dict):
            # Keras 2 would return a legacy optimizer, whose state .keras files do not hold
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
    """Create a loss or metric from its name or its Keras configuration.

    Args:
        kind: module of Keras to search, ``losses`` or ``metrics``.
        given: e.g. ``BinaryCrossentropy`` or ``{class_name: "Addons>CohenKappa", config: {...}}``.
        key: key of the configuration, for error messages.

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
    """Return the optimizers of Keras by their names in lower case."""
    members = vars(keras.optimizers).items()
    return {name.lower(): member for name, member in members if isinstance(member, type)}


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Set the dtype policy, e.g. ``mixed_float16``, of layers built inside a ``with`` block."""
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

    ``steps_per_execution`` steps run in one call of TensorFlow, as in Keras, which saves time when
    Python takes longer to start a step than TensorFlow to run it. It must divide the number of
    steps of an epoch.

    XLA is off. Keras 3 would turn it on by default, which makes steps slower on a CPU
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
    # otherwise the first step creates the optimizer's variables, and TensorFlow traces it twice
    if hasattr(model.optimizer, "build"):  # Keras 2's legacy optimizers have none
        model.optimizer.build(model.trainable_variables)
    return model
