"""Cost of an experiment's trainings: operations and measured time of a training step.

Time per slice is measured on this machine, by training steps at the matrix and precision of the
configuration. For another device it is extrapolated: the same number of operations, at the same
fraction of that device's matrix-product rate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ichnet.config import SEGMENTERS, SPECIALISTS, Config, TrainingConfig
from ichnet.networks.classifiers import build_classifier
from ichnet.networks.flops import activation_bytes, count_flops
from ichnet.networks.weight_model import build_weight_model
from ichnet.runs import ENCODER, classifier_name, ensemble_name, segmenter_name
from ichnet.training.classifier import compile_classifier
from ichnet.training.compiling import compile_model, precision
from ichnet.training.losses import SoftDice
from ichnet.training.segmenter import compile_segmenter
from ichnet.training.segmenter_networks import new_encoder, new_segmenter

MEASURED_STEPS = 3


@dataclass(frozen=True)
class Network:
    """Cost of one network.

    Attributes:
        name: e.g. ``VGG19``, ``Inception U-Net``.
        parameters: number of parameters.
        forward_flops: floating-point operations of the forward pass of one slice; a training step
            needs three times as many (forward, gradients of activations and of weights).
        activation_bytes: memory for the activations of one slice.
        seconds_per_slice: measured time of a training step per slice, median.
    """

    name: str
    parameters: int
    forward_flops: float
    activation_bytes: int
    seconds_per_slice: float


@dataclass(frozen=True)
class Training:
    """One training of the experiment.

    Attributes:
        model: name of the model, e.g. ``VGG19-aihub-strong``.
        network: name of its :class:`Network`.
        slices: number of slices in all steps: batch size, steps and epochs multiplied.
        batch: batch size.
        after: names of the models that must be trained before.
    """

    model: str
    network: str
    slices: int
    batch: int
    after: tuple[str, ...] = ()


def trainings(config: Config) -> list[Training]:
    """Return all trainings of an experiment without repeats, each after those that it needs."""
    classifiers, segmenters = config.classifiers, config.segmenters
    jobs = [
        _training(classifier_name(backbone, arm), backbone, classifiers.of(backbone).training)
        for backbone in classifiers.backbones
        for arm in classifiers.arms
    ]
    jobs.append(_training(ENCODER, "Encoder", segmenters.pretraining))
    for name in SEGMENTERS:
        after: tuple[str, ...] = (ENCODER,) if name == "subtype" else ()
        if name in SPECIALISTS and segmenters.specialist_training is not None:
            after = (segmenter_name("all"),)
        training = segmenters.training_of(name)  # type: ignore[arg-type]
        jobs.append(_training(segmenter_name(name), "Inception U-Net", training, after))
    members = tuple(segmenter_name(name) for name in SEGMENTERS)
    for name in config.ensembles.combinations:
        jobs.append(
            _training(ensemble_name(name), "Weight model", config.ensembles.training, members)
        )
    return jobs


def measure_networks(config: Config, batch: int) -> Iterator[Network]:
    """Build, compile and time each network of an experiment on random slices.

    Args:
        config: the experiment: image, precision, optimizers and losses; weights are random.
        batch: batch size of the measured steps.
    """
    rng = np.random.default_rng(0)
    matrix = config.image.matrix
    hu = rng.normal(40, 40, (batch, matrix, matrix)).astype(np.float32)
    mask = np.zeros((batch, matrix, matrix), np.float32)
    mask[:, : matrix // 8, : matrix // 8] = 1
    labels = np.ones((batch, 6), np.float32)
    maps = rng.uniform(size=(batch, matrix, matrix, len(SEGMENTERS))).astype(np.float32)
    segmenters, ensembles = config.segmenters, config.ensembles
    for backbone in config.classifiers.backbones:
        settings = config.classifiers.of(backbone)
        with precision(settings.training.precision):
            model = build_classifier(backbone, config.image, None, config.seed)
        model = compile_classifier(model, replace(config, classifiers=settings), strong=True)
        targets = {"probability": labels[:, :1], "saliency": mask}
        yield _measure(backbone, model, hu, targets)
    with precision(segmenters.pretraining.precision):
        model = new_encoder(config)
    compile_model(model, segmenters.pretraining, keras.losses.BinaryCrossentropy())
    beside = 2 * segmenters.neighbours + 1
    hu = np.repeat(hu[..., None], beside, axis=-1) if beside > 1 else hu
    yield _measure("Encoder", model, hu, labels)
    with precision(segmenters.training.precision):
        model = new_segmenter(config, "all", "unet")
    compile_segmenter(model, config, segmenters.training)
    yield _measure("Inception U-Net", model, hu, mask)
    with precision(ensembles.training.precision):
        model = build_weight_model(
            matrix,
            SEGMENTERS,
            ensembles.weighting,
            ensembles.width,
            ensembles.pixel_threshold,
            config.seed,
        )
    compile_model(model, ensembles.training, {"mask": SoftDice()})
    yield _measure("Weight model", model, maps, {"mask": mask})


def _measure(name: str, model: keras.Model, inputs: Any, targets: Any) -> Network:
    """Measure steps of a compiled model, without the first, in which TensorFlow traces it."""
    seconds = []
    for _ in range(MEASURED_STEPS + 1):
        start = time.perf_counter()
        model.train_on_batch(inputs, targets)
        seconds.append(time.perf_counter() - start)
    network = Network(
        name,
        model.count_params(),
        count_flops(model),
        activation_bytes(model),
        float(np.median(seconds[1:])) / len(inputs),
    )
    keras.backend.clear_session()
    return network


def _training(
    model: str, network: str, training: TrainingConfig, after: tuple[str, ...] = ()
) -> Training:
    slices = training.batch_size * training.steps_per_epoch * training.epochs
    return Training(model, network, slices, training.batch_size, after)
