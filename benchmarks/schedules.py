"""Trainings of a configuration, made shorter or longer, their rate falling to the end."""

from __future__ import annotations

import copy
from dataclasses import replace

from ichnet.config import TrainingConfig


def with_steps(
    training: TrainingConfig, steps: int, warmup_steps: int, epochs: int = 1, **rate: float
) -> TrainingConfig:
    """Return a training of so many steps, whose rate rises first and falls until the last.

    Args:
        training: its optimizer has the schedule ``CosineDecay``.
        steps: in all, up to what the division by ``epochs`` leaves.
        warmup_steps: of these, while the rate rises.
        epochs: into which the steps are divided.
        **rate: settings of the schedule that are other than the training's.
    """
    assert isinstance(training.optimizer, dict)
    optimizer = copy.deepcopy(training.optimizer)
    schedule = optimizer["config"]["learning_rate"]["config"]
    schedule.update(rate, warmup_steps=warmup_steps, decay_steps=steps - warmup_steps)
    return replace(
        training, optimizer=optimizer, epochs=epochs, steps_per_epoch=round(steps / epochs)
    )
