"""What every training shares: registered extensions, the optimizer, the compile step."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

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
    try:
        return keras.optimizers.get(training.optimizer)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"training.optimizer: {error}") from error


def compile_model(
    model: keras.Model,
    training: TrainingConfig,
    loss: Any,
    loss_weights: Mapping[str, float] | None = None,
    metrics: Any = None,
) -> keras.Model:
    """Compile ``model`` and return it.

    XLA stays off: on a CPU it makes a training step slower (see benchmarks), and the area
    reduction of the saliency loss has no XLA kernel.
    """
    model.compile(
        optimizer=make_optimizer(training),
        loss=loss,
        loss_weights=loss_weights,
        metrics=metrics,
        jit_compile=False,
    )
    return model
