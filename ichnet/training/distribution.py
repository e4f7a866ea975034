"""Training on several GPUs or several machines, as set up by the environment of a scheduler.

On one device none of this is used. The batch size of a configuration is the global one. It is
divided among the replicas, so that a configuration means the same training on any machine.

Keras 3's own ``fit`` cannot train over several workers (keras issue 20585), Keras 2's can; one
short epoch loop over Keras's own training step serves both.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from ichnet.config import ConfigError
from ichnet.training.slurm import slurm_cluster

logger = logging.getLogger(__name__)


@cache
def make_strategy() -> tf.distribute.Strategy:
    """Return TensorFlow's distribution strategy for the environment of this process.

    ``TF_CONFIG`` with several workers, or a SLURM step of several tasks, gives
    ``MultiWorkerMirroredStrategy``; several GPUs on this machine ``MirroredStrategy``; otherwise
    TensorFlow's default. Each process has one strategy. With several workers it must be created
    before TensorFlow computes anything, so trainings start with this call.
    """
    slurm = slurm_cluster(os.environ)
    if "TF_CONFIG" not in os.environ and slurm is not None:
        os.environ["TF_CONFIG"] = json.dumps(slurm)
    workers = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {}).get("worker", [])
    if len(workers) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return whether this process is the chief, which writes all files."""
    resolver = strategy.cluster_resolver
    return resolver is None or resolver.task_id in (None, 0)


def require_divisible(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Check that a batch can be divided evenly among the replicas.

    Raises:
        ConfigError: when ``batch_size`` is not a multiple of the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigError(f"training.batch_size {batch_size} cannot be shared by {replicas}")


def fit_distributed(
    model: keras.Model,
    strategy: tf.distribute.Strategy,
    train: tf.data.Dataset,
    validation: tf.data.Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: range,
    steps_per_epoch: int,
) -> None:
    """Train as ``model.fit`` does, with each global batch divided among all replicas.

    Args:
        model: model that was compiled in the strategy's scope.
        strategy: strategy whose replicas share each batch.
        train: global batches, ``steps_per_epoch`` for each epoch; the same in every worker.
        validation: validation batches.
        callbacks: called in every worker with the metrics over all replicas.
        epochs: numbers of the epochs to train.
        steps_per_epoch: number of global batches in an epoch.
    """
    strategy.run(_build_loss_and_metrics, args=(model, next(iter(train))))
    model.reset_metrics()
    batches = iter(strategy.experimental_distribute_dataset(_shared_by_data(train)))
    held_out = strategy.experimental_distribute_dataset(_shared_by_data(validation))

    @tf.function
    def train_step() -> None:
        strategy.run(model.train_step, args=(next(batches),))

    @tf.function
    def test_step(batch: object) -> None:
        strategy.run(model.test_step, args=(batch,))

    listeners = keras.callbacks.CallbackList(
        list(callbacks), model=model, epochs=epochs.stop, steps=steps_per_epoch, verbose=0
    )
    model.stop_training = False
    listeners.on_train_begin()
    for epoch in epochs:
        listeners.on_epoch_begin(epoch)
        model.reset_metrics()
        for step in range(steps_per_epoch):
            listeners.on_train_batch_begin(step)
            train_step()
            listeners.on_train_batch_end(step)
        logs = _metrics(model)
        model.reset_metrics()
        listeners.on_test_begin()
        for batch in held_out:
            test_step(batch)
        listeners.on_test_end()
        logs |= {f"val_{name}": value for name, value in _metrics(model).items()}
        listeners.on_epoch_end(epoch, logs)
        logger.info("epoch %d of %d: %s", epoch + 1, epochs.stop, _line(logs))
        if model.stop_training:
            break
    listeners.on_train_end()


def _build_loss_and_metrics(model: keras.Model, batch: tuple[Any, ...]) -> None:
    """Create the variables of losses and metrics, which Keras cannot do inside a traced step."""
    inputs, targets, *_ = batch
    outputs = model(inputs, training=False)
    model.compute_loss(x=inputs, y=targets, y_pred=outputs)
    model.compute_metrics(inputs, targets, outputs, None)


def _shared_by_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Shard by data, not by file: each worker reads all batches and keeps its part of each."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


def _metrics(model: keras.Model) -> dict[str, float]:
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def _line(logs: dict[str, float]) -> str:
    return " - ".join(f"{name}: {value:.4g}" for name, value in logs.items())
