"""One worker of a training: called with the folder to keep the model in, and TF_CONFIG if many."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ichnet.config import TrainingConfig
from ichnet.training.compiling import compile_model
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import SaliencyLoss

STEPS, BATCH, SIZE = 2, 4, 6
ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.05}}


def build(training: TrainingConfig) -> keras.Model:
    """A classifier's two outputs; no batch normalisation, whose statistics are each replica's."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((SIZE, SIZE))
    evidence = keras.layers.Dense(SIZE, name="evidence")(inputs)
    saliency = keras.layers.Reshape((SIZE, SIZE), name="saliency")(evidence)
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(evidence))
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    model = keras.Model(inputs, {"probability": probability, "saliency": saliency})
    return compile_model(
        model,
        training,
        {"probability": keras.losses.BinaryCrossentropy(), "saliency": SaliencyLoss("dice")},
        {"probability": 1.0, "saliency": 0.5},
        {"probability": [keras.metrics.AUC(name="auc")]},
    )


def train(first_epoch: int, epochs: int) -> tf.data.Dataset:
    """Batches that depend on the number of the epoch alone."""
    parts = [batches_of(seed, STEPS * BATCH) for seed in range(first_epoch, epochs)]
    dataset = parts[0]
    for part in parts[1:]:
        dataset = dataset.concatenate(part)
    return dataset


def batches_of(seed: int, count: int) -> tf.data.Dataset:
    hu = np.random.default_rng(seed).normal(size=(count, SIZE, SIZE)).astype("float32")
    mask = (hu > 1).astype("float32")
    targets = {"probability": mask.max(axis=(1, 2))[:, None], "saliency": mask}
    return tf.data.Dataset.from_tensor_slices((hu, targets)).batch(BATCH)


def work(folder: Path, epochs: int) -> None:
    """Train for some epochs, with the workers that the environment names."""
    make_strategy()
    training = TrainingConfig(ADAM, BATCH, epochs, STEPS)
    fit(
        lambda: build(training),
        lambda first_epoch: train(first_epoch, epochs),
        batches_of(99, 2 * BATCH),
        folder,
        training,
        {"settings": "s"},
    )


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]))
