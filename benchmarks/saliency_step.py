"""What strong supervision costs: a training step with the saliency loss over one without.

For each backbone, at four channels of 256 x 256 and batch 8 unless told otherwise, three networks
take steps in turns within one process: the weak arm, the strong arm (the map is an output in
closed form), and the same loss on Grad-CAM by a nested tape, the usual way. Beside them stand the
strong arm's slices a second, and what share of the machine's measured matrix-product rate it
reaches, counting a step as three forward passes.

    python benchmarks/saliency_step.py [--backbones MobileNetV2 ...] [--turns 5]
    python benchmarks/saliency_step.py --matrix 128 --batch 8     # as models/reproduce.yaml

XLA and oneDNN are compared with `--xla` and by setting TF_ENABLE_ONEDNN_OPTS. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ichnet.config import BACKBONES, Backbone, Config, load_config
from ichnet.networks.classifiers import FEATURE_LAYERS, build_classifier
from ichnet.networks.flops import PRODUCT, count_flops, matrix_product_rate
from ichnet.training.classifier import compile_classifier
from ichnet.training.losses import SaliencyLoss

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"

Step = Callable[[], object]


def main() -> None:
    """Time every backbone and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=BACKBONES)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--matrix", type=int, default=256, metavar="PIXELS")
    parser.add_argument("--batch", type=int, default=8, metavar="SLICES")
    parser.add_argument("--xla", action="store_true", help="compile the weak step with XLA too")
    args = parser.parse_args()

    config = load_config(CONFIG)
    config = replace(config, image=replace(config.image, matrix=args.matrix))
    rate = matrix_product_rate()
    print(f"matrix products of {PRODUCT}: {rate / 1e9:.0f} GFLOP/s; batch {args.batch}")
    print(f"{args.matrix} x {args.matrix} x {len(config.image.windows)}")
    print(
        f"{'':18} {'weak':>8} {'strong':>8} {'tape':>8} {'strong/weak':>12} "
        f"{'slices/s':>9} {'FLOP share':>11}"
    )
    ratios, shares, speeds = {}, {}, {}
    for backbone in args.backbones:
        flops, seconds = time_backbone(config, backbone, args.batch, args.turns, args.xla)
        ratios[backbone] = seconds["strong"] / seconds["weak"]
        speeds[backbone] = args.batch / seconds["strong"]
        shares[backbone] = 3 * flops * speeds[backbone] / rate
        columns = " ".join(f"{seconds[name]:7.2f}s" for name in ("weak", "strong", "tape"))
        xla = f"  weak with XLA {seconds['xla']:.2f}s" if args.xla else ""
        print(
            f"{backbone:18} {columns} {ratios[backbone]:12.3f} {speeds[backbone]:9.1f} "
            f"{shares[backbone]:11.2f}{xla}",
            flush=True,
        )
    print(
        json.dumps(
            {
                "strong_over_weak": {name: round(value, 4) for name, value in ratios.items()},
                "slices_per_second": {name: round(value, 2) for name, value in speeds.items()},
                "flop_share": {name: round(value, 3) for name, value in shares.items()},
            }
        )
    )


def time_backbone(
    config: Config, backbone: Backbone, slices: int, turns: int, xla: bool
) -> tuple[float, dict[str, float]]:
    """Return the forward operations of one slice and the median seconds of each kind of step."""
    hu, targets = random_batch(slices, config.image.matrix)
    steps: dict[str, Step] = {}
    flops = 0.0
    for arm in ("weak", "strong"):
        model = build_classifier(backbone, config.image, None, seed=1)
        flops = count_flops(model)
        compiled = compile_classifier(model, config, strong=arm == "strong")
        steps[arm] = partial(compiled.train_on_batch, hu, targets)
    steps["tape"] = tape_step(build_classifier(backbone, config.image, None, seed=1), hu, targets)
    if xla:
        steps["xla"] = xla_step(config, backbone, hu, targets)
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(turns):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    keras.backend.clear_session()
    return flops, {name: float(np.median(values)) for name, values in seconds.items()}


def tape_step(model: keras.Model, hu: tf.Tensor, targets: dict[str, tf.Tensor]) -> Step:
    """Return a step whose saliency is the gradient of the logit by the last feature map."""
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    features = model.get_layer(FEATURE_LAYERS[model.name]).output
    body = keras.Model(model.input, features)
    kernel, bias = model.get_layer("evidence").kernel, model.get_layer("logit").bias
    entropy, saliency_loss = keras.losses.BinaryCrossentropy(), SaliencyLoss("dice+bce")

    def step() -> tf.Tensor:
        with tf.GradientTape() as outer:
            found = body(hu, training=True)
            with tf.GradientTape() as inner:
                inner.watch(found)
                logit = tf.reduce_mean(tf.tensordot(found, kernel, 1), axis=(1, 2)) + bias
            gradient = inner.gradient(logit, found)
            channel_weights = tf.reduce_sum(gradient, axis=(1, 2), keepdims=True)
            cam = tf.reduce_sum(channel_weights * found, axis=-1)
            loss = entropy(targets["probability"], tf.sigmoid(logit))
            loss += saliency_loss(targets["saliency"], cam)
        gradients = outer.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    graph = tf.function(step)
    return lambda: float(graph())


def xla_step(
    config: Config, backbone: Backbone, hu: tf.Tensor, targets: dict[str, tf.Tensor]
) -> Step:
    """Return the weak step compiled with XLA."""
    model = build_classifier(backbone, config.image, None, seed=1)
    model.compile("adam", {"probability": keras.losses.BinaryCrossentropy()}, jit_compile=True)
    return partial(model.train_on_batch, hu, {"probability": targets["probability"]})


def random_batch(slices: int, matrix: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return random slices, every second one with a lesion."""
    hu = np.random.default_rng(0).normal(40, 40, (slices, matrix, matrix)).astype("float32")
    mask = np.zeros(hu.shape, np.float32)
    mask[::2, matrix * 2 // 5 : matrix // 2, matrix // 3 : matrix // 2] = 1
    labels = mask.max(axis=(1, 2))[:, None]
    return tf.constant(hu), {"probability": tf.constant(labels), "saliency": tf.constant(mask)}


if __name__ == "__main__":
    main()
